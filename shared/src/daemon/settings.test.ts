import { expect, test } from 'vitest';
import { needRestart, parseSettings, settings } from './settings.ts';

const parse = (text: string) => parseSettings(text, 'c.yaml');

test('an empty file is all defaults', () => {
  expect(parse('')).toMatchObject({ 'log.level': 'info', 'network.subnet': '10.0.0.0/24' });
  expect(Object.keys(parse(''))).toEqual(Object.keys(settings));
});

test.each(['network:\n  bridge: br7', 'network.bridge: br7', '{"network": {"bridge": "br7"}}'])('%j sets it', (text) =>
  expect(parse(text)['network.bridge']).toBe('br7'),
);

test.each([
  ['a misspelt name', 'network:\n  brigde: x', "c.yaml: there is no setting 'network.brigde'"],
  ['a wrong value', 'log:\n  level: loud', "c.yaml: 'log.level'"],
  ['broken YAML', 'log:\n  level: [', 'c.yaml:2:'],
  ['a name twice', 'log.level: info\nlog.level: warn', 'c.yaml:2:1'],
  ['no mapping', '- a', 'c.yaml: there is no setting'],
  ['a bare word', 'hello', 'not a mapping'],
])('%s is refused: %j', (_name, text, message) => {
  expect(() => parse(text)).toThrow(
    expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(message) }),
  );
});

test('what needs a restart is told apart from what does not', () => {
  const after = parse('log.level: debug\nagent.port: 8000');
  expect(needRestart(parse(''), after)).toEqual(['agent.port']);
});
