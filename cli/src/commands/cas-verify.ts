/** Commands that end badly when the store is not sound, after they have said in what. */
import { VoltError } from '@volt/shared/errors';
import type { CasDamage } from '@volt/shared/model';
import { agentMethods, type EventOf } from '@volt/shared/rpc';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';

const [verifyRow, repairRow] = [agentMethods['cas.verify'], agentMethods['cas.repair']];

export const casVerify = command({
  path: 'cas verify',
  summary: verifyRow.summary,
  params: () => verifyRow.params,
  examples: ['cas verify', 'cas verify -o ndjson'],
  errors: ['DEPENDENCY'],

  async run(_params, session) {
    const agent = await session.agent('cas verify');
    const result = await followed(session, (onEvent) =>
      agent.stream('cas.verify', {}, { signal: session.signal, onEvent }),
    );
    const { damage, damaged, missing, damagedRefs } = result;
    await printDamage(session, damage);
    await session.print(result, { columns: ['objects', 'sizeBytes', 'damaged', 'missing'] });
    if (damagedRefs.length > 0) {
      throw new VoltError('DEPENDENCY', `Damaged names: ${damagedRefs.join(', ')}`, {
        hint: 'import or pull them again',
      });
    }
    if (damaged + missing === 0) return 0;
    throw new VoltError('DEPENDENCY', `${counted(damaged + missing, 'object')} damaged or missing`, {
      hint: 'volt cas repair',
    });
  },
});

export const casRepair = command({
  path: 'cas repair',
  summary: repairRow.summary,
  params: () => repairRow.params,
  rest: 'digests',
  examples: ['cas repair', `cas repair ${'0123456789abcdef'.repeat(4)}`],
  errors: ['DEPENDENCY', 'RESOURCE'],

  async run({ digests }, session) {
    const agent = await session.agent('cas repair');
    const result = await followed(session, (onEvent) =>
      agent.stream('cas.repair', { digests }, { signal: session.signal, onEvent }),
    );
    await printDamage(session, result.damage);
    await session.print(result, { columns: ['checked', 'healed', 'lowerFiles', 'unhealed'] });
    if (result.unhealed === 0) return 0;
    throw new VoltError(
      'DEPENDENCY',
      `${counted(result.unhealed, 'object')} not healed: ${result.reason ?? 'unknown'}`,
      {
        hint: 'import or pull the images that are hurt again, or delete them',
      },
    );
  },
});

async function followed<T>(
  session: Session,
  work: (onEvent: (event: EventOf<typeof verifyRow>) => Promise<void>) => Promise<T>,
): Promise<T> {
  const progress = session.progress();
  try {
    return await work((event) => progress.show(event));
  } finally {
    await progress.end();
  }
}

/** For people a row each; with any other format they are part of the result. */
async function printDamage(session: Session, damage: readonly CasDamage[]): Promise<void> {
  const { output } = session.settings;
  if (damage.length === 0 || (output !== 'table' && output !== 'wide')) return;
  const rows = damage.map(({ digest, state, hurts }) => ({ object: digest, state, hurts: hurtText(hurts) }));
  await session.print(rows, { columns: ['object', 'state', 'hurts'] });
}

function hurtText(hurts: CasDamage['hurts']): string {
  const [first, ...more] = hurts;
  if (first === undefined) return 'nothing that has a name';
  const text = first.path === null ? first.ref : `${first.ref} → ${first.path}`;
  return more.length === 0 ? text : `${text} and ${more.length} more`;
}

const counted = (count: number, noun: string): string => (count === 1 ? `1 ${noun} is` : `${count} ${noun}s are`);
