import type { Command } from '../catalog/index.ts';
import { casBuild, casGet, casPut } from './cas-contents.ts';
import { casDedup, casDiff, casLs } from './cas-show.ts';
import { casRepair, casVerify } from './cas-verify.ts';
import { clusterInit, clusterJoin } from './cluster.ts';
import { containerAttach } from './container-attach.ts';
import { containerShell } from './container-shell.ts';
import { containerCp } from './container-cp.ts';
import { containerDiff, containerExport } from './container-files.ts';
import { containerStats } from './container-stats.ts';
import { containerWait } from './container-wait.ts';
import { completion } from './completion.ts';
import { contextCommands } from './context.ts';
import { contextRenew } from './context-renew.ts';
import { deployApply } from './deploy-apply.ts';
import { exec } from './exec.ts';
import { givenCommands } from './given.ts';
import { imageExport } from './image-export.ts';
import { imageImport } from './image-import.ts';
import { logs } from './logs.ts';
import { registryLogin } from './registry.ts';
import { version } from './version.ts';
import { volumeExport, volumeImport } from './volume-archive.ts';
import { containerPrune, imagePrune, volumePrune } from './prune.ts';

/** The commands that no row of a method table can say. */
export const handCommands: readonly Command[] = [
  logs,
  exec,
  containerShell,
  containerAttach,
  containerWait,
  containerStats,
  containerCp,
  containerDiff,
  containerExport,
  imageImport,
  imageExport,
  containerPrune,
  imagePrune,
  volumeExport,
  volumeImport,
  volumePrune,
  ...givenCommands,
  registryLogin,
  casVerify,
  casRepair,
  casBuild,
  casGet,
  casPut,
  casLs,
  casDiff,
  casDedup,
  deployApply,
  clusterInit,
  clusterJoin,
  ...contextCommands,
  contextRenew,
  completion,
  version,
];
