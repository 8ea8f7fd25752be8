/** Entry of the gateway's two processes: `main.ts inside|outside SETTINGS_FILE`. Both run until they are killed. */
import { readFile } from 'node:fs/promises';
import { writeDurably } from '../state.ts';
import { runInside } from './inside.ts';
import { GatewaySettings, runOutside } from './outside.ts';

const [half, file = ''] = process.argv.slice(2);
const settings = GatewaySettings.parse(JSON.parse(await readFile(file, 'utf8')));
const ready = half === 'inside' ? await runInside(settings.sockets) : await runOutside(settings);
await writeDurably(settings.readyFile, JSON.stringify(ready ?? {}));
