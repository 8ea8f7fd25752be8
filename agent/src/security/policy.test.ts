import { expect, test } from 'vitest';
import fc from 'fast-check';
import { ContainerSpec, type ContainerSpecInput } from '@volt/shared/model';
import { capabilityMask, keptCapabilities, otherCapabilities } from './capabilities.ts';
import { enforced, policyArguments, missing, policyOf, requireEnforceable } from './policy.ts';

const spec = (rest: Partial<ContainerSpecInput> = {}): ContainerSpec =>
  ContainerSpec.parse({ name: 'web', image: 'app', ...rest });

const userns = { base: 655_360, size: 65_536 };

test('where nothing is said, all is on and no path or port is taken away', () =>
  expect(policyOf(spec())).toEqual({
    userNamespace: true,
    capabilities: keptCapabilities({}),
    noNewPrivileges: true,
    seccomp: true,
    readOnly: false,
    devices: true,
    maskedPaths: true,
    landlock: { fsRead: ['/'], fsWrite: ['/'], fsExecute: ['/'], netBind: null, netConnect: null },
  }));

test('the helper is told in single words, whatever the paths look like', () => {
  const path = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 5 }), (texts) => {
      const fsWrite = texts.map((text) => `/${text}`);
      const told = policyArguments(spec({ fsWrite })).filter((word) => word.startsWith('--fs-write='));
      expect(new Set(told)).toEqual(new Set([...fsWrite, '/dev'].map((one) => `--fs-write=${one}`)));
    }),
  );
});

test('ports that are given are the only ones, and an empty list is none', () => {
  const told = policyArguments(spec({ netBind: [80, 443], netConnect: [] }));
  expect(told.filter((word) => word.startsWith('--net-'))).toEqual([
    '--net-bind=80',
    '--net-bind=443',
    '--net-connect=none',
  ]);
});

test('a protection that is left off is left off alone', () => {
  expect(policyOf(spec({ without: ['seccomp'] }))).toEqual({ ...policyOf(spec()), seccomp: false });
  expect(policyOf(spec({ without: ['landlock'] }))).toEqual({ ...policyOf(spec()), landlock: undefined });
  expect(policyOf(spec({ without: ['user-namespace'] }))).toEqual({ ...policyOf(spec()), userNamespace: false });
  expect(policyArguments(spec({ without: ['all'] }))).toEqual(['--keep=1ffffffffff']);
});

test('without no-new-privileges the kernel takes neither filter nor policy', () =>
  expect(policyOf(spec({ without: ['no-new-privileges'] }))).toEqual({
    ...policyOf(spec()),
    noNewPrivileges: false,
    seccomp: false,
    landlock: undefined,
  }));

test('raw packets, devices and administration are not among the usual capabilities', () => {
  const usual = keptCapabilities({});
  for (const name of ['net_raw', 'mknod', 'sys_admin', 'net_admin', 'sys_ptrace']) expect(usual).not.toContain(name);
});

test.each([
  [{ capAdd: ['CAP_NET_RAW'] }, [...keptCapabilities({}), 'net_raw']],
  [{ capDrop: ['all'] }, []],
  [{ capDrop: ['ALL'], capAdd: ['chown', 'SETUID'] }, ['chown', 'setuid']],
  [{ capDrop: ['kill'] }, keptCapabilities({}).filter((name) => name !== 'kill')],
] as const)('capabilities of %j', (asked, expected) => {
  const { capAdd, capDrop } = spec(asked as unknown as Partial<ContainerSpecInput>);
  expect(new Set(keptCapabilities({ capAdd, capDrop }))).toEqual(new Set(expected));
});

test('every capability is either kept or not', () => {
  const kept = keptCapabilities({});
  expect(kept.length + otherCapabilities(kept).length).toBe(41);
  expect(capabilityMask(['chown', 'net_raw'])).toBe('2001');
});

test.each([
  [{}, 0, ['Landlock']],
  [{}, 2, []],
  [{ fsWrite: ['/tmp'] }, 2, ['shortening']],
  [{ fsWrite: ['/tmp'] }, 3, []],
  [{ netBind: [80] }, 3, ['ports']],
  [{ netConnect: [] }, 4, []],
  [{ without: ['landlock' as const] }, 0, []],
])('%j with Landlock %i lacks %j', (asked, version, lacks) => {
  const found = missing(policyOf(spec(asked)), version);
  expect(found).toHaveLength(lacks.length);
  lacks.forEach((word, index) => expect(found[index]).toContain(word));
});

test('where isolation is required, a kernel that lacks some of it is refused', () => {
  expect(() => requireEnforceable(spec({ netBind: [80] }), 3)).not.toThrow();
  expect(() => requireEnforceable(spec({ netBind: [80], requireIsolation: true }), 4)).not.toThrow();
  expect(() => requireEnforceable(spec({ netBind: [80], requireIsolation: true }), 3)).toThrow('cannot enforce');
  expect(policyArguments(spec({ netBind: [80], requireIsolation: true }))).toContain('--landlock-min=4');
});

test('inspect tells only what the kernel enforces', () => {
  const asked = { spec: spec({ netBind: [80], fsWrite: ['/data'] }), userns };
  expect(enforced(asked, 7)).toMatchObject({
    userNamespace: userns,
    seccomp: 'default',
    noNewPrivileges: true,
    landlock: { version: 7, fsRead: ['/'], fsWrite: ['/data', '/dev'], netBind: [80], netConnect: 'any' },
    missing: [],
  });
  expect(enforced(asked, 3)).toMatchObject({ landlock: { version: 3, netBind: 'any' }, missing: [expect.any(String)] });
  expect(enforced(asked, 0)).toMatchObject({ landlock: null });
  expect(enforced({ spec: spec({ without: ['all'] }), userns }, 7)).toMatchObject({
    userNamespace: null,
    seccomp: 'off',
    noNewPrivileges: false,
    landlock: null,
  });
});

test('what boots is told as it is: nspawn has its filter, and nothing of it is under a policy of files', () => {
  const told = enforced({ spec: spec({ os: true, capDrop: ['sys_nice'] }), userns }, 7);
  expect(told).toMatchObject({ userNamespace: userns, seccomp: 'nspawn', noNewPrivileges: false, landlock: null });
  expect(told.capabilities).toContain('sys_admin');
  expect(told.capabilities).not.toContain('sys_nice');
  expect(told.capabilities).not.toContain('sys_module');
});
