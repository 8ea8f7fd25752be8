import { expect, test } from 'vitest';
import { ImageConfig } from '@volt/shared/model';
import { withInstructions } from './instructions.ts';

const base = ImageConfig.parse({ entrypoint: ['/bin/old'], cmd: ['x'], env: { A: '1' }, exposedPorts: ['80/tcp'] });

test.each<[string, Partial<ImageConfig>]>([
  ['CMD ["nginx", "-g", "daemon off;"]', { cmd: ['nginx', '-g', 'daemon off;'] }],
  ['cmd echo hello', { cmd: ['/bin/sh', '-c', 'echo hello'] }],
  ['ENTRYPOINT ["/bin/new"]', { entrypoint: ['/bin/new'], cmd: [] }],
  ['ENV B=2 C="a b"', { env: { A: '1', B: '2', C: 'a b' } }],
  ['ENV B the rest', { env: { A: '1', B: 'the rest' } }],
  ['WORKDIR /srv', { workdir: '/srv' }],
  ['USER www-data', { user: 'www-data' }],
  ['EXPOSE 443 53/udp 80', { exposedPorts: ['80/tcp', '443/tcp', '53/udp'] }],
  ['LABEL org.x=y', { labels: { 'org.x': 'y' } }],
  ['STOPSIGNAL SIGQUIT', { stopSignal: 'SIGQUIT' }],
])('%s', (text, expected) => expect(withInstructions(base, [text])).toEqual({ ...base, ...expected }));

test('each comes on top of the one before', () =>
  expect(withInstructions(base, ['ENTRYPOINT ["/a"]', 'CMD ["b"]', 'ENV A=2'])).toMatchObject({
    entrypoint: ['/a'],
    cmd: ['b'],
    env: { A: '2' },
  }));

test.each([
  'RUN apt-get install',
  'CMD',
  'CMD ["a"',
  'CMD [1]',
  'ENV =x',
  'ENV A="b',
  'STOPSIGNAL nonsense',
  'EXPOSE x',
])('%s is refused', (text) =>
  expect(() => withInstructions(base, [text])).toThrow(expect.objectContaining({ code: 'USAGE' })),
);
