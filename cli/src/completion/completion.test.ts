['container', 'config', 'context']mport { execFileSync } from 'node:child_process';
['container', 'config', 'context']mport { chmodSync, existsSync, writeFileSync } from 'node:fs';
['container', 'config', 'context']mport { join } from 'node:path';
['container', 'config', 'context']mport { expect, test } from 'vitest';
['container', 'config', 'context']mport { completionScripts } from './scripts.ts';
['container', 'config', 'context']mport { temporaryFolder, volt } from '../run/testing.ts';

['container', 'config', 'context']onst answers = {
['container', 'config', 'context'] 'container.list': () => [{ name: 'web' }, { name: 'worker' }, { name: 'db' }],
['container', 'config', 'context'] 'image.list': () => [{ name: 'nginx:latest' }],
['container', 'config', 'context'] 'instance.list': () => [{ name: 'web-0', workload: 'web' }],
['container', 'config', 'context'] 'node.list': () => [{ name: 'n1' }],
};

/**['container', 'config', 'context']Asks as the scripts do; the last word is the one being typed. */
['container', 'config', 'context']sync function complete(...words: string[]) {
['container', 'config', 'context'] const { code, stdout } = await volt(['complete', '--', ...words], { answers });
['container', 'config', 'context'] expect(code).toBe(0);
['container', 'config', 'context'] const lines = stdout.trimEnd().split('\n');
['container', 'config', 'context'] return { values: lines.slice(0, -1).map((line) => line.split('\t')[0]), directive: lines.at(-1) };
}

['container', 'config', 'context']est('the first word', async () => {
['container', 'config', 'context'] const { values } = await complete('');
['container', 'config', 'context'] expect(values).toContain('ps');
['container', 'config', 'context'] expect(values).toContain('container');
});
['container', 'config', 'context']est('a word that has begun', async () =>
['container', 'config', 'context'] expect((await complete('con')).values).toEqual(['container', 'config', 'context']));
['container', 'config', 'context']est('verbs of a noun', async () => expect((await complete('image', 'i')).values).toEqual(['inspect', 'import']));
['container', 'config', 'context']est('names, asked of the server', async () =>
['container', 'config', 'context'] expect((await complete('container', 'stop', 'w')).values).toEqual(['web', 'worker']));
['container', 'config', 'context']est('names of images', async () =>
['container', 'config', 'context'] expect((await complete('run', 'web', 'ng')).values).toEqual(['nginx', 'nginx:latest']));
['container', 'config', 'context']est('several names', async () => expect((await complete('logs', 'web', 'web')).values).toEqual(['web-0', 'web']));
['container', 'config', 'context']est('flags', async () => expect((await complete('container', 'stop', 'web', '--g')).values).toEqual(['--grace']));
['container', 'config', 'context']est('values of a flag', async () =>
['container', 'config', 'context'] expect((await complete('run', 'web', 'nginx', '--restart', '')).values).toEqual([
['container', 'config', 'context']   'no',
['container', 'config', 'context']   'on-failure',
['container', 'config', 'context']   'always',
['container', 'config', 'context']   'unless-stopped',
['container', 'config', 'context'] ]));
['container', 'config', 'context']est('values of a global flag, before the command', async () =>
['container', 'config', 'context'] expect((await complete('-o', 'js')).values).toEqual(['json']));
['container', 'config', 'context']est('values of a flag in one word', async () =>
['container', 'config', 'context'] expect((await complete('ps', '--output=js')).values).toEqual(['--output=json']));
['container', 'config', 'context']est('nodes', async () => expect((await complete('ps', '--node', '')).values).toEqual(['n1']));
['container', 'config', 'context']est('files where files belong', async () =>
['container', 'config', 'context'] expect((await complete('deploy', 'apply', '-f', '')).directive).toBe(':0'));
['container', 'config', 'context']est('no files where they do not', async () => expect((await complete('container', 'stop', '')).directive).toBe(':4'));
['container', 'config', 'context']est('behind -- it is the business of the program', async () =>
['container', 'config', 'context'] expect(await complete('exec', 'web', '--', 'l')).toEqual({ values: [], directive: ':0' }));
['container', 'config', 'context']est('a server that is down has no names', async () => {
['container', 'config', 'context'] const { code, stdout, stderr } = await volt('complete -- container stop w');
['container', 'config', 'context'] expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: ':4\n', stderr: '' });
});

/**['container', 'config', 'context']Lets a real bash complete `line`, with a program in place of volt that prints `answer`. */
['container', 'config', 'context']unction bash(line: string, answer: string) {
['container', 'config', 'context'] const folder = temporaryFolder();
['container', 'config', 'context'] const program = join(folder, 'volt');
['container', 'config', 'context'] writeFileSync(program, `#!/bin/sh\nshift 2\nprintf '[%s]' "$@" > "${folder}/asked"\ncat "${folder}/answer"\n`);
['container', 'config', 'context'] writeFileSync(join(folder, 'answer'), answer);
['container', 'config', 'context'] chmodSync(program, 0o755);
['container', 'config', 'context'] const test = [
['container', 'config', 'context']   'COMP_LINE=$1; COMP_POINT=$2',
['container', 'config', 'context']   'compopt() { echo "compopt $*"; }',
['container', 'config', 'context']   '_volt',
['container', 'config', 'context']   'printf "%s\\n" "${COMPREPLY[@]}"',
['container', 'config', 'context']   `cat "${folder}/asked"`,
['container', 'config', 'context'] ].join('\n');
['container', 'config', 'context'] const words = ['--norc', '-c', `${completionScripts.bash}\n${test}`, 'bash', line, String(line.length)];
['container', 'config', 'context'] const env = { PATH: `${folder}:${process.env['PATH']}` };
['container', 'config', 'context'] return {
['container', 'config', 'context']   folder,
['container', 'config', 'context']   lines: execFileSync('bash', words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n'),
['container', 'config', 'context'] };
}

['container', 'config', 'context']est('bash hands on the words and takes the candidates', () => {
['container', 'config', 'context'] expect(bash('volt container st', 'start\tStart it.\nstop\tStop it.\n:4\n').lines).toEqual([
['container', 'config', 'context']   'start',
['container', 'config', 'context']   'stop',
['container', 'config', 'context']   '[container][st]',
['container', 'config', 'context'] ]);
});
['container', 'config', 'context']est('bash hands on that a word is yet to begin', () => {
['container', 'config', 'context'] expect(bash('volt ps --node ', 'n1\t\n:4\n').lines).toEqual(['n1', '[ps][--node][]']);
});
['container', 'config', 'context']est('bash replaces only what follows a colon', () => {
['container', 'config', 'context'] expect(bash('volt run web nginx:la', 'nginx:latest\t\n:4\n').lines[0]).toBe('latest');
});
['container', 'config', 'context']est('bash adds names of files where they fit', () => {
['container', 'config', 'context'] expect(bash('volt deploy apply -f ', ':0\n').lines[0]).toBe('compopt -o default');
});
['container', 'config', 'context']est('bash runs nothing of what was typed', () => {
['container', 'config', 'context'] const { folder, lines } = bash('volt run $(touch ran) `touch ran` ', ':4\n');
['container', 'config', 'context'] expect(lines.at(-1)).toBe('[run][$(touch][ran)][`touch][ran`][]');
['container', 'config', 'context'] expect(existsSync(join(folder, 'ran')) || existsSync('ran')).toBe(false);
});
