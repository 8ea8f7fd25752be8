/**
 * Taking a node out of the cluster, for good. Its keys are refused first, then
 * its NATS server is no longer counted on, then the leader has moved what it
 * ran; its name and its subnet are free last, so that what was cut short is
 * found and ended by the next call.
 */
import { randomBytes } from 'node:crypto';
import { VoltError, wrapError, toVoltError } from '@volt/shared/errors';
import type { Member } from '@volt/shared/model';
import { peerIdOf } from '@volt/shared/pki';
import type { NodeLook, RemovalPorts } from './ports.ts';
import { isController, peersOf } from './server-names.ts';
import { requireSpare } from './spare.ts';
import { LEAVING, type Turnstile } from './turnstile.ts';

/** An exclusive instance moves 20 s after the last word of its node. */
const MOVED_MS_MAX = 60_000;
/** An election takes 4 to 9 s, and may be split once. */
const TAKEN_OUT_MS_MAX = 20_000;
const LOOK_EVERY_MS = 500;

const never = new AbortController().signal;

export interface RemovalRequest {
  readonly name: string;
  /** Although it runs something, or cannot be told. */
  readonly force: boolean;
  /** Has the agent at that address forget its cluster. */
  readonly leave: (address: string) => Promise<void>;
}

/** False when there is nothing of it. CONFLICT when the cluster would lose by it, or it is in use. */
export async function removeNode(
  ports: RemovalPorts,
  turnstile: Turnstile,
  { name, force, leave }: RemovalRequest,
): Promise<boolean> {
  const member = (await ports.members.list()).find(({ node }) => node === name);
  const look = await ports.traces.look(name);
  if (member === undefined && look === undefined) return false;
  if (name === ports.identity.config.node) {
    throw new VoltError('CONFLICT', `Node '${name}' is the controller that was asked`, {
      hint: `on another controller: volt node delete ${name}`,
    });
  }
  if (look?.isAlive === true && look.instances > 0 && !force) {
    throw new VoltError('CONFLICT', `Node '${name}' is alive and runs ${instancesOf(look)}`, {
      hint: `have others run them: volt node delete ${name} --force`,
    });
  }
  if (member === undefined || !isController(member)) {
    await takeOut(ports, { name, member, look, force, leave });
    return true;
  }
  // Two that go at once could take the majority with them, each being allowed to go alone.
  const server = `${LEAVING}${randomBytes(4).toString('hex')}`;
  await turnstile.take(name, server);
  try {
    await requireSpare(ports, member);
    await takeOut(ports, { name, member, look, force, leave });
  } finally {
    await turnstile.giveBack(server).catch(() => {});
  }
  return true;
}

interface Leaving extends RemovalRequest {
  readonly member: Member | undefined;
  readonly look: NodeLook | undefined;
}

async function takeOut(ports: RemovalPorts, { name, member, look, force, leave }: Leaving): Promise<void> {
  if (member !== undefined) {
    if (look?.isAlive === true) {
      await leave(member.address).catch((thrown) => {
        if (!force) throw wrapError(toVoltError(thrown), `Node '${name}' is alive, and was not told to leave`);
      });
    }
    for (const key of keysOf(member)) await ports.revoked.add(key, name);
    if (isController(member)) await takeOutServer(ports, member);
  }
  await untilMoved(ports, name);
  await ports.traces.forget(name);
  if (member !== undefined) await ports.members.delete(member);
}

/** What it shows at doors: its certificate's key, and its NATS user. */
const keysOf = ({ key, user }: Member): string[] => (user === undefined ? [key] : [key, user.toLowerCase()]);

/** Has NATS no longer count on the node's server. What an election swallows is done at the next look. */
async function takeOutServer({ meta, clock }: RemovalPorts, member: Member): Promise<void> {
  const gone = peersOf([member]);
  const untilMs = clock.monotonicMs() + TAKEN_OUT_MS_MAX;
  for (;;) {
    const state = await meta.state().catch(() => undefined);
    const left = state?.peers.filter(({ id }) => gone.has(id));
    if (left?.length === 0) return;
    if (clock.monotonicMs() >= untilMs) {
      throw new VoltError('CONFLICT', `NATS still counts on the server of node '${member.node}'`, {
        hint: again(member.node),
      });
    }
    if (state !== undefined && gone.has(peerIdOf(state.leader))) await meta.stepDown().catch(() => {});
    else for (const { id } of left ?? []) await meta.remove(id).catch(() => {});
    await clock.sleep(LOOK_EVERY_MS, never);
  }
}

/**
 * The leader moves what a node ran once it is lost, exclusive instances after
 * a while. Only then may it be forgotten: of an unknown node nobody could say
 * when it has stopped them.
 */
async function untilMoved({ traces, clock }: RemovalPorts, name: string): Promise<void> {
  const untilMs = clock.monotonicMs() + MOVED_MS_MAX;
  for (;;) {
    const look = await traces.look(name);
    if (look === undefined || (!look.isAlive && look.instances === 0)) return;
    if (clock.monotonicMs() >= untilMs) {
      const what = look.isAlive ? 'is heard of still' : `has ${instancesOf(look)} that did not move yet`;
      throw new VoltError('CONFLICT', `Node '${name}' ${what}`, { hint: again(name) });
    }
    await clock.sleep(LOOK_EVERY_MS, never);
  }
}

const instancesOf = ({ instances }: NodeLook): string => `${instances} instance${instances === 1 ? '' : 's'}`;

const again = (name: string): string => `the deletion goes on with: volt node delete ${name} --force`;
