/** The command `pnpm lab`: makes, drives and removes a lab of real systemd nodes. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { exitCode, toVoltError, VoltError } from '@volt/shared/errors';
import { openLab, type Lab } from './lab.ts';
import { exitStatus } from './process.ts';
import { DEFAULT_BINARY, DEFAULT_LAB_NAME, relays } from './settings.ts';

const usage = `Usage: pnpm lab [--name NAME] COMMAND

  up [--nodes N] [--binary PATH]   boot the nodes; what runs is left alone
  down [--purge]                   remove everything; --purge takes the caches too
  status                           nodes, addresses, ports on 127.0.0.1
  exec NODE COMMAND…               run a command on a node
  boot NODE | power-off NODE | reboot NODE
  power-loss NODE                  end everything on the node in one instant
  partition NODE | heal NODE       cut or mend its network cable
  logs NODE [ARGUMENT…]            its journal; arguments go to journalctl
  evidence FOLDER                  collect journals and ledgers of all nodes

Environment: VOLT_LAB_NAME (${DEFAULT_LAB_NAME}), VOLT_LAB_DIR (/var/tmp/volt-lab)`;

const options = {
  name: { type: 'string' },
  nodes: { type: 'string' },
  binary: { type: 'string' },
  purge: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(argv: readonly string[]): Promise<number> {
  const [own, passedOn] = splitArguments(argv);
  const { values, positionals } = parse(own);
  const [command, ...operands] = positionals;
  if (values.help || command === undefined) {
    console.log(usage);
    return values.help ? 0 : exitCode('USAGE');
  }
  const lab = await openLab({
    name: values.name ?? process.env['VOLT_LAB_NAME'],
    nodes: values.nodes === undefined ? undefined : Number(values.nodes),
    report: console.error,
  });
  if (command === 'up') return up(lab, values.binary);
  if (command === 'down') return done(lab.down({ purge: values.purge }));
  if (command === 'status') return status(lab);
  if (command === 'evidence') return done(lab.collectEvidence(operand(operands[0], 'FOLDER')));
  return onNode(command, lab, [...operands, ...passedOn]);
}

/** From the node's name on, the arguments of `exec` and `logs` belong to another program. */
function splitArguments(argv: readonly string[]): [string[], string[]] {
  const at = argv.findIndex((word) => word === 'exec' || word === 'logs');
  return at < 0 ? [[...argv], []] : [argv.slice(0, at + 2), argv.slice(at + 2)];
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new VoltError('USAGE', cause instanceof Error ? cause.message : String(cause), {
      hint: 'pnpm lab --help',
      cause,
    });
  }
}

function operand(value: string | undefined, what: string): string {
  if (value !== undefined) return value;
  throw new VoltError('USAGE', `${what} is missing`, { hint: 'pnpm lab --help' });
}

async function up(lab: Lab, binary: string | undefined): Promise<number> {
  await lab.up({ binary: binary ?? (existsSync(DEFAULT_BINARY) ? DEFAULT_BINARY : undefined) });
  return status(lab);
}

async function status(lab: Lab): Promise<number> {
  if (lab.nodes.length === 0) console.log(`Lab '${lab.name}' does not exist. Make it with: pnpm lab up`);
  for (const node of lab.nodes) {
    const ports = await Promise.all(
      relays.map(async ({ name }) => `${name}=127.0.0.1:${await lab.hostPort(name, node.index).catch(() => '-')}`),
    );
    console.log([node.name, node.address, (await node.isUp()) ? 'up' : 'down', ...ports].join('  '));
  }
  return 0;
}

async function onNode(command: string, lab: Lab, [name, ...words]: string[]): Promise<number> {
  const node = () => lab.node(operand(name, 'NODE'));
  switch (command) {
    case 'exec':
      operand(words[0], 'COMMAND');
      return attach(await node().spawn(words, { stdio: 'inherit' }));
    case 'logs':
      return attach(await node().spawn(['journalctl', ...words], { stdio: 'inherit' }));
    case 'boot':
      return done(node().boot());
    case 'power-off':
      return done(node().powerOff());
    case 'reboot':
      return done(node().reboot());
    case 'power-loss':
      return done(node().powerLoss());
    case 'partition':
      return done(node().partition());
    case 'heal':
      return done(node().heal());
    default:
      throw new VoltError('USAGE', `Unknown command '${command}'`, { hint: 'pnpm lab --help' });
  }
}

function attach(child: Awaited<ReturnType<ReturnType<Lab['node']>['spawn']>>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(exitStatus(code, signal)));
  });
}

async function done(work: Promise<void>): Promise<number> {
  await work;
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  const error = toVoltError(thrown);
  console.error(`lab: ${error.message}`);
  if (error.hint !== undefined) console.error(`hint: ${error.hint}`);
  if (error.code === 'GENERAL') console.error(error.cause);
  process.exitCode = exitCode(error.code);
}
