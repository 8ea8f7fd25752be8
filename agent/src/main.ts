import { VoltError } from '@volt/shared/errors';

export async function main(_argv: readonly string[]): Promise<number> {
  throw new VoltError('GENERAL', 'The agent is not there');
}
