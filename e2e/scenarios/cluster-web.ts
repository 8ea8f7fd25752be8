/**
 * The workload of the cluster scenarios: a web server of a shell, socat and
 * their libraries, which answers with its name and a colour and prints a line
 * for each request. Made from what is on a node, in a second.
 */
import { eventually, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import type { Lab, LabNode } from '../lab/index.ts';

export const IMAGE = 'hello';

export interface Instance {
  readonly name: string;
  readonly workload: string | null;
  readonly node: string;
  readonly state: string;
  readonly address: string | null;
}

export interface Web {
  readonly name: string;
  readonly replicas: number;
  readonly colour?: string;
  readonly image?: string;
  readonly exclusive?: boolean;
  readonly nodes?: readonly string[];
}

export interface Image {
  readonly name: string;
  readonly digest: string;
}

const IMPORT = `
root=$(mktemp --directory)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{dev,etc,proc,root,run,sys,tmp,var,usr/bin,usr/lib,usr/lib64}
ln -s usr/bin usr/lib usr/lib64 "$root/"
for program in dash socat; do
  cp "/usr/bin/$program" "$root/usr/bin/"
  ldd "/usr/bin/$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root/$(dirname "$library")"
    cp --dereference --update "$library" "$root$library"
  done
done
ln -s dash "$root/usr/bin/sh"
echo "root:x:0:0::/root:/bin/sh" > "$root/etc/passwd"
echo "$MARK" > "$root/etc/mark"
cat > "$root/usr/bin/serve" <<'END'
#!/bin/sh
exec socat TCP-LISTEN:80,fork,reuseaddr EXEC:/usr/bin/answer
END
cat > "$root/usr/bin/answer" <<'END'
#!/bin/sh
read -r asked
while read -r line && [ "\${#line}" -gt 1 ]; do :; done
read -r name < /proc/sys/kernel/hostname
echo "answered $asked" >&2
printf 'HTTP/1.0 200 OK\\r\\n\\r\\n%s %s\\n' "$name" "$COLOUR"
END
chmod 755 "$root"/usr/bin/*
tar -C "$root" -c . | volt image import "$NAME" --entrypoint /usr/bin/serve >&2
`;

/** Puts the image into the store of this node alone. Another `mark` gives another digest. */
export async function importWeb(node: LabNode, name: string = IMAGE, mark = 'one'): Promise<Image> {
  await node.sh(IMPORT, { env: { NAME: name, MARK: mark } });
  const image = await findImage(node, name);
  if (image === undefined) throw new Error(`${node.name} has no image '${name}' after importing it`);
  return image;
}

export async function findImage(node: LabNode, name: string): Promise<Image | undefined> {
  const images = await voltJson<Image[]>(node, ['image', 'list']);
  return images.find((image) => image.name === `${name}:latest`);
}

/** JSON is YAML. */
export async function applyWeb(node: LabNode, { image = IMAGE, colour = 'blue', ...web }: Web): Promise<void> {
  const manifest = JSON.stringify({ ...web, image, env: { COLOUR: colour } });
  await voltText(node, ['deploy', 'apply', '-f', '-'], { input: manifest });
}

/** What the cluster says of the copies of one workload, asked through this node. */
export async function instancesOf(node: LabNode, workload: string): Promise<Instance[]> {
  const all = await voltJson<Instance[]>(node, ['ps', '--context', 'cluster']);
  return all.filter((instance) => instance.workload === workload).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export const pageOf = (node: LabNode, address: string): Promise<string> =>
  node.sh('curl --silent --show-error --fail --max-time 2 "http://$ADDRESS/"', { env: { ADDRESS: address } });

/** Resolves once there are exactly the copies asked for, and each answers with its name and colour. */
export async function untilServing(node: LabNode, { name, replicas, colour = 'blue' }: Web, timeoutMs = 30_000) {
  return eventually(
    `${replicas} copies of ${name} answer ${colour}`,
    async () => {
      const found = await instancesOf(node, name);
      if (found.length !== replicas || found.some(({ state }) => state !== 'running')) return undefined;
      for (const instance of found) {
        const page = await pageOf(node, instance.address ?? '');
        if (page !== `${instance.name} ${colour}\n`) throw new Error(`${instance.name} answers '${page.trim()}'`);
      }
      return found;
    },
    timeoutMs,
  );
}

/** Containers whose unit is active, from the node's own systemd. */
export async function running(node: LabNode): Promise<string[]> {
  const units = await node.sh(
    "systemctl list-units --plain --no-legend --state=active,activating,deactivating,reloading 'volt-container@*'",
  );
  return [...units.matchAll(/volt-container@([a-z0-9-]+)\.service/g)].map(([, name]) => name!).toSorted();
}

/** All that a container of this name has on the node: an active or failed unit, files, a namespace, mounts. */
export const tracesOf = (node: LabNode, name: string): Promise<string> =>
  node.sh(
    `systemctl list-units --plain --no-legend "volt-container@$NAME*"
     find /var/lib/volt/containers /var/lib/volt/units /run/systemd/system /etc/systemd/system -name "*$NAME*"
     ip netns list | grep --fixed-strings "volt-$NAME" || :
     findmnt --raw --noheadings --output TARGET | grep --fixed-strings "/$NAME" || :`,
    { env: { NAME: name } },
  );

/** Ends what a scenario did to the lab: all nodes up, connected and ready, and no workload left. */
export async function mend(lab: Lab): Promise<void> {
  await Promise.all(lab.nodes.map(async (node) => ((await node.isUp()) ? node.heal() : node.boot())));
  const node = lab.node(1);
  await untilReady(node, lab.nodes.length);
  const workloads = await voltJson<{ name: string }[]>(node, ['deploy', 'list']);
  for (const { name } of workloads) await volt(node, ['deploy', 'delete', name]);
  await eventually('nothing of the cluster runs', async () => {
    if ((await voltJson<unknown[]>(node, ['deploy', 'list'])).length > 0) return false;
    return (await Promise.all(lab.nodes.map(running))).flat().length === 0;
  });
}
