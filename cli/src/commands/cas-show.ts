/** Commands that look into the store, and print as the tools do that people know: ls and diff. */
import type { TreeChange, TreeRow } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import { command } from '../catalog/index.ts';
import { bytes } from '../output/index.ts';
import type { Session } from '../session/index.ts';
import { harmless } from '../terminal/index.ts';

const [lsRow, diffRow, dedupRow] = [agentMethods['cas.ls'], agentMethods['cas.diff'], agentMethods['cas.dedup']];

export const casLs = command({
  path: 'cas ls',
  summary: lsRow.summary,
  params: () => lsRow.params,
  positional: ['object', 'path'],
  short: { r: 'recursive' },
  examples: ['cas ls web:1.2', 'cas ls web /usr/bin', 'cas ls manifests/site -r'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],

  async run(params, session) {
    const agent = await session.agent('cas ls');
    const onEvent = printer(session, lsLine, 'path');
    await agent.stream('cas.ls', params, { signal: session.signal, onEvent });
    return 0;
  },
});

export const casDiff = command({
  path: 'cas diff',
  summary: diffRow.summary,
  params: () => diffRow.params,
  positional: ['from', 'to'],
  examples: ['cas diff web:1 web:2'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],

  async run(params, session) {
    const agent = await session.agent('cas diff');
    const onEvent = printer(session, diffLine, 'path');
    await agent.stream('cas.diff', params, { signal: session.signal, onEvent });
    return 0;
  },
});

export const casDedup = command({
  path: 'cas dedup',
  summary: dedupRow.summary,
  params: () => dedupRow.params,
  examples: ['cas dedup'],

  async run(_params, session) {
    const agent = await session.agent('cas dedup');
    const result = await agent.call('cas.dedup', {}, { signal: session.signal });
    const { output } = session.settings;
    if (output !== 'table' && output !== 'wide') {
      await session.print(result, { columns: [] });
      return 0;
    }
    const { refs, sizeBytes, storedBytes, savedBytes, ratio } = result;
    await session.print(refs, { columns: ['ref', 'sizeBytes', 'ownBytes', 'sharedBytes', 'savedBytes'] }, 'names');
    const [laidOut, stored, saved] = [sizeBytes, storedBytes, savedBytes].map((count) => bytes(count));
    await session.note(`${laidOut} laid out, ${stored} stored, ${saved} saved: ${ratio} to 1`);
    return 0;
  },
});

/** A line of our own for people; every other format as for all events. */
function printer<T extends TreeRow | TreeChange>(
  session: Session,
  lineOf: (event: T) => string,
  name: string,
): (event: T) => Promise<void> {
  const { output } = session.settings;
  if (output !== 'table' && output !== 'wide') return session.eventPrinter({ columns: [name] });
  return (event) => session.terminal.stdout.write(`${lineOf(event)}\n`);
}

const SIZE_WIDTH = 11;
const ID_WIDTH = 5;

/** `-rwsr-xr-x     0     0       48536 2026-01-01 12:00 /usr/bin/su`. */
function lsLine({ mode, uid, gid, sizeBytes, modifiedAt, path, target, type }: TreeRow): string {
  const ids = [uid, gid].map((id) => String(id).padStart(ID_WIDTH)).join(' ');
  const size = (sizeBytes === null ? '-' : String(sizeBytes)).padStart(SIZE_WIDTH);
  const arrow = type === 'hardlink' ? ' link to ' : ' -> ';
  const where = target === null ? '' : `${arrow}${harmless(target)}`;
  return `${mode} ${ids} ${size} ${modifiedAt.slice(0, 16).replace('T', ' ')} ${harmless(path)}${where}`;
}

const signs = { added: '+', removed: '-', changed: '~' } as const;

/** `~ /etc/passwd (content, mode)`. */
function diffLine({ change, path, what }: TreeChange): string {
  return `${signs[change]} ${harmless(path)}${what.length === 0 ? '' : ` (${what.join(', ')})`}`;
}
