/** Before the contracts: what the machine lacks is installed, and the nodes' nats-server is there to be run. */
import { openLab } from '../lab/index.ts';

export default async function setup(): Promise<void> {
  const lab = await openLab({ report: console.error });
  process.env['VOLT_NATS_SERVER'] ??= await lab.natsServerPath();
}
