/** Entry of the gateway's two processes: `main.ts inside|outside SETTINGS_FILE`. Both run until they are killed. */
import { readFile } from 'node:fs/promises';
import { writeDurably } from '../state.ts';
import { runInside } from './inside.ts';
import { runOutside, type OutsideSettings } from './outside.ts';

interface GatewaySettings extends OutsideSettings {
  /** Written when the half works; the outside half's has its ports in it. */
  readonly readyFile: string;
}

const [half, file = ''] = process.argv.slice(2);
const settings = JSON.parse(await readFile(file, 'utf8')) as GatewaySettings;
const ready = half === 'inside' ? await runInside(settings.sockets) : await runOutside(settings);
await writeDurably(settings.readyFile, JSON.stringify(ready ?? {}));
