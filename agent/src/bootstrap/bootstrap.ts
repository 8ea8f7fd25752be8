import { VoltError } from '@volt/shared/errors';
import { init, type InitParams, type InitResult } from './init.ts';
import { leave, type LeaveParams, type LeaveResult } from './leave.ts';
import { join, type JoinParams, type JoinResult } from './join.ts';
import { clearHalfMade } from './membership.ts';
import type { BootstrapPorts } from './ports.ts';

/** Making this machine a member of a cluster, and none again. One attempt at a time; a second meanwhile is CONFLICT. */
export interface Bootstrap {
  init(params: InitParams, signal: AbortSignal): Promise<InitResult>;
  join(params: JoinParams, signal: AbortSignal): Promise<JoinResult>;
  leave(params: LeaveParams): Promise<LeaveResult>;
  /** Takes back an attempt that was cut short. To be called before anything looks at the cluster's files. */
  clearHalfMade(): Promise<void>;
}

export function createBootstrap(ports: BootstrapPorts): Bootstrap {
  let isBusy = false;
  const alone = async <T>(act: () => Promise<T>): Promise<T> => {
    if (isBusy) throw new VoltError('CONFLICT', 'This machine is joining or leaving a cluster at this moment');
    isBusy = true;
    try {
      return await act();
    } finally {
      isBusy = false;
    }
  };
  return {
    init: (params, signal) => alone(() => init(ports, params, signal)),
    join: (params, signal) => alone(() => join(ports, params, signal)),
    leave: (params) => alone(() => leave(ports, params)),
    clearHalfMade: () => alone(() => clearHalfMade(ports)),
  };
}
