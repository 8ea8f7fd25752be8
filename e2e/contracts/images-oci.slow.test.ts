/** Images between us and Debian's own tools: what they make is read, what we make they read, to the last attribute. */
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Images, RemoteImages } from '@volt/agent/images';
import type { Registries } from '@volt/agent/oci';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareHost } from '../lab/index.ts';
import { images as imagesAt, remote as remoteAt, settingsOf, writeSettings } from './images-at.ts';
import { listing, makeRoot, ociPackages, type RunningRegistry, sh, startRegistry } from './oci-tools.ts';

const { signal } = new AbortController();
const onLine = () => {};

const folder = mkdtempSync(join(tmpdir(), 'volt-oci-'));
const buildah = `buildah --storage-driver vfs --root ${folder}/buildah --runroot ${folder}/buildah-run`;
let images: Images;
let remote: RemoteImages;
let registries: Registries;

beforeAll(async () => {
  await prepareHost(console.error, ociPackages);
  images = await imagesAt(folder);
  registries = settingsOf(folder);
  remote = remoteAt(folder, images);
  makeRoot(join(folder, 'root'));
});

afterAll(() => {
  sh(`${buildah} umount -a; ${buildah} rm -a`, folder);
  rmSync(folder, { recursive: true, force: true });
});

const read = (name: string, file: string, more = {}) =>
  images.importTar({ name, source: createReadStream(join(folder, file)), ...more }, signal);

const write = async (name: string, format: 'oci' | 'rootfs', file: string) =>
  pipeline(images.export({ name, format, packing: 'gzip' }, signal), createWriteStream(join(folder, file)));

/** What GNU tar makes of our files of an image. */
async function ours(name: string): Promise<string[]> {
  const target = mkdtempSync(join(folder, 'ours-'));
  await write(name, 'rootfs', 'ours.tar.gz');
  sh(`tar --numeric-owner --xattrs --xattrs-include='*' -xpf ours.tar.gz -C ${target}`, folder);
  const listed = listing(target);
  rmSync(target, { recursive: true });
  return listed;
}

const treeOf = async (name: string) => (await images.resolve(name)).tree;

/** Takes away, replaces and adds: what a second layer can do to a first. */
const CHANGES = `rm -r old d/gone; mkdir old; printf new > old/new; rm -r empty; ln -s d empty
  rm lib; mkdir lib; printf own > lib/so; rm loop; printf was-a-link > loop; chmod 711 d
  ln usr/lib/so etc/linked; touch -d '2024-05-06 07:08:09' old/new old lib/so lib loop etc d .`;

describe('umoci', () => {
  beforeAll(() => {
    sh(
      `umoci init --layout layout; umoci new --image layout:one; umoci unpack --image layout:one bundle
      cp -a root/. bundle/rootfs/; umoci repack --image layout:one bundle; rm -r bundle
      umoci unpack --image layout:one bundle; cd bundle/rootfs; ${CHANGES}; cd ../..
      umoci repack --image layout:two bundle; rm -r bundle; umoci insert --image layout:two root/etc /inserted
      umoci config --image layout:two --config.user 1000:100 --config.entrypoint /bin/app --config.cmd=--serve \\
        --config.env A=b=c --config.workingdir /srv --config.exposedports 80/tcp --config.stopsignal SIGQUIT \\
        --config.label org.example=yes --author somebody
      umoci unpack --image layout:two bundle; tar -cf layout.tar -C layout .`,
      folder,
    );
  });

  test('makes an image of two layers that is read as umoci unpacks it', async () => {
    await read('umoci', 'layout.tar', { ref: 'two' });
    expect(await ours('umoci')).toEqual(listing(join(folder, 'bundle/rootfs')));
  });

  test('says how to run it, and that is kept', async () => {
    expect(await images.inspect('umoci')).toMatchObject({
      config: {
        user: '1000:100',
        entrypoint: ['/bin/app'],
        cmd: ['--serve'],
        env: { A: 'b=c' },
        workdir: '/srv',
        exposedPorts: ['80/tcp'],
        stopSignal: 'SIGQUIT',
        labels: { 'org.example': 'yes' },
      },
      origin: { format: 'oci', reference: 'two' },
    });
    expect((await images.history('umoci')).length).toBeGreaterThan(2);
  });

  test('of several images wants to know which', async () => {
    await expect(read('x', 'layout.tar')).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('one, two'),
    });
  });

  test('unpacks what we write as it was', async () => {
    await write('umoci', 'oci', 'out.tar');
    sh('mkdir out; tar -xf out.tar -C out; umoci unpack --image out:latest again', folder);
    expect(listing(join(folder, 'again/rootfs'))).toEqual(listing(join(folder, 'bundle/rootfs')));
  });
});

describe('buildah', () => {
  beforeAll(() => {
    writeFileSync(
      join(folder, 'Containerfile'),
      ['FROM scratch', 'COPY root /', 'USER app:www', 'ENTRYPOINT ["/bin/app"]', 'STOPSIGNAL 3', 'EXPOSE 53/udp'].join(
        '\n',
      ),
    );
    sh(
      `${buildah} bud --isolation chroot -t web:1 -f Containerfile .
      c=$(${buildah} from web:1); m=$(${buildah} mount $c); cd $m; ${CHANGES}; cd ${folder}
      ${buildah} commit $c web:2
      ${buildah} push web:2 oci-archive:buildah-oci.tar:web:2
      ${buildah} push web:2 docker-archive:buildah-docker.tar:web:2`,
      folder,
    );
  });

  test.each(['oci', 'docker'])('makes an %s archive that is read as buildah mounts it', async (format) => {
    await read(`buildah-${format}`, `buildah-${format}.tar`);
    const mounted = sh(`${buildah} mount $(${buildah} from web:2)`, folder).trim();
    // The root itself is in none of its layers: everybody makes their own.
    const below = (lines: string[]) => lines.filter((line) => !line.startsWith('. '));
    expect(below(await ours(`buildah-${format}`))).toEqual(below(listing(mounted)));
    expect(await images.inspect(`buildah-${format}`)).toMatchObject({
      config: { user: 'app:www', entrypoint: ['/bin/app'], stopSignal: 'SIGQUIT', exposedPorts: ['53/udp'] },
      origin: { format },
    });
  });

  test('gives one tree in both formats', async () => {
    expect(await treeOf('buildah-docker')).toBe(await treeOf('buildah-oci'));
  });
});

describe('skopeo', () => {
  test('turns one format into another, and it stays the same tree', async () => {
    sh(
      `skopeo copy oci-archive:buildah-oci.tar docker-archive:skopeo-docker.tar:web:2
      skopeo copy docker-archive:skopeo-docker.tar oci:skopeo-layout:two
      tar -cf skopeo-layout.tar -C skopeo-layout .`,
      folder,
    );
    for (const file of ['skopeo-docker', 'skopeo-layout']) {
      await read(file, `${file}.tar`);
      expect(await treeOf(file)).toBe(await treeOf('buildah-oci'));
    }
  });

  test('reads what we write, in either of its formats', async () => {
    await images.names.tag('buildah-oci', 'again:2');
    await write('again:2', 'oci', 'again.tar');
    for (const format of ['oci-archive', 'docker-archive']) {
      const inspected = JSON.parse(sh(`skopeo inspect --config ${format}:again.tar`, folder)) as { config: object };
      expect(inspected.config).toMatchObject({ User: 'app:www', Entrypoint: ['/bin/app'], StopSignal: 'SIGQUIT' });
      sh(`rm -rf copied; skopeo copy ${format}:again.tar oci:copied:x; tar -cf copied.tar -C copied .`, folder);
      await read('copied', 'copied.tar');
      expect(await treeOf('copied')).toBe(await treeOf('buildah-oci'));
    }
  });
});

const login = { username: 'volt', password: 'a secret: "quoted"' };

describe.each([
  ['over plain HTTP', {}],
  ['with a name and a password', { login }],
  ['over TLS with a CA of its own, and a login', { login, tls: true }],
])('a registry %s', (what, setup: { login?: typeof login; tls?: boolean }) => {
  const own = join(folder, `registry-${what.length}`);
  let registry: RunningRegistry;
  const skopeo = (words: string) => {
    const trust = setup.tls === true ? `--src-cert-dir=${own}/trust --dest-cert-dir=${own}/trust` : '';
    const creds = setup.login === undefined ? '' : '--src-authfile=auth.json --dest-authfile=auth.json';
    const verify = setup.tls === true ? '' : '--src-tls-verify=false --dest-tls-verify=false';
    return sh(`skopeo copy ${trust} ${creds} ${verify} ${words}`, own);
  };

  beforeAll(async () => {
    registry = await startRegistry(own, setup);
    const ca = setup.tls === true ? { ca: join(own, 'ca.pem') } : { insecure: true };
    writeSettings(folder, { [registry.host]: ca });
    mkdirSync(join(own, 'trust'));
    if (setup.tls === true) sh('cp ca.pem trust/ca.crt', own);
    const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
    writeFileSync(join(own, 'auth.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  });

  afterAll(() => registry.stop());

  test('takes a login and nothing less', async () => {
    if (setup.login === undefined) return;
    const reference = `${registry.host}/shop/web:2`;
    await expect(remote.pull({ reference, onLine }, signal)).rejects.toMatchObject({ code: 'PERMISSION' });
    const wrong = registries.login(registry.host, { ...login, password: 'guess' }, signal);
    await expect(wrong).rejects.toMatchObject({ code: 'PERMISSION' });
    await registries.login(registry.host, login, signal);
    expect(registries.list()).toMatchObject([{ host: registry.host, username: login.username }]);
  });

  test('gives what skopeo put there', async () => {
    skopeo(`oci-archive:${folder}/buildah-oci.tar docker://${registry.host}/shop/web:2`);
    const made = await remote.pull({ reference: `${registry.host}/shop/web:2`, onLine }, signal);
    expect(made.name).toBe('web:2');
    expect(await treeOf('web:2')).toBe(await treeOf('buildah-oci'));
    await images.names.delete('web:2');
  });

  test('takes what we put there, and gives it to skopeo', async () => {
    for (const packing of ['gzip', 'zstd'] as const) {
      const reference = `${registry.host}/shop/${packing}:1`;
      await remote.push({ name: 'buildah-oci', reference, packing, onLine }, signal);
      skopeo(`docker://${reference} oci:${packing}:1`);
      sh(`tar -cf ${packing}.tar -C ${packing} .`, own);
      await images.importTar({ name: 'from', source: createReadStream(join(own, `${packing}.tar`)) }, signal);
      expect(await treeOf('from')).toBe(await treeOf('buildah-oci'));
    }
  });

  test('shares a layer between repositories, and knows an image by its digest', async () => {
    const reference = `${registry.host}/other/web:1`;
    const request = { name: 'buildah-oci', packing: 'gzip' as const, onLine };
    const { digest } = await remote.push({ ...request, reference, mountFrom: 'shop/gzip' }, signal);
    const pulled = await remote.pull(
      { reference: `${registry.host}/other/web@${digest}`, name: 'exact', onLine },
      signal,
    );
    expect(pulled.name).toBe('exact:latest');
    expect(await treeOf('exact')).toBe(await treeOf('buildah-oci'));
    await images.names.delete('exact');
  });

  test('says that it does not have what it does not have', async () => {
    const reference = `${registry.host}/shop/nothing:1`;
    await expect(remote.pull({ reference, onLine }, signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('a certificate that nobody vouches for is not spoken to', async () => {
  const own = join(folder, 'strange');
  const registry = await startRegistry(own, { tls: true });
  try {
    writeSettings(folder, {});
    const pulling = remote.pull({ reference: `${registry.host}/a:1`, onLine }, signal);
    await expect(pulling).rejects.toMatchObject({ hint: 'name its CA in /etc/volt/registries.yaml, under ca' });
  } finally {
    await registry.stop();
  }
});
