import assert from 'node:assert/strict';
import type { ClusterConnection } from '@volt/shared/kv';
import { vi } from 'vitest';

/** Waits until the line is up. */
export async function connected(connection: ClusterConnection): Promise<ClusterConnection> {
  await vi.waitFor(() => assert(connection.isConnected(), 'no nats-server answers'), { timeout: 30_000 });
  return connection;
}
