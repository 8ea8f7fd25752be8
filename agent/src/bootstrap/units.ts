/** Units of a controller node, rendered. Pure. */
import { clusterFiles, clusterPath, NATS_UNITS } from '@volt/shared/pki';

export const CONTROLLER_UNIT = 'volt-controller.service';
export const UNIT_DIR = '/etc/systemd/system';

export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

/** In the order in which they are started. */
export function controllerUnits(program: string, options: { hasWitness: boolean }): UnitFile[] {
  return [
    { name: NATS_UNITS.data, text: natsUnit('data') },
    ...(options.hasWitness ? [{ name: NATS_UNITS.witness, text: natsUnit('witness') }] : []),
    { name: CONTROLLER_UNIT, text: controllerUnit(program) },
  ];
}

const descriptions = {
  data: 'NATS server of the Volt cluster',
  witness: 'Second NATS server of a Volt cluster that has fewer than three controllers',
} as const;

/**
 * NATS cannot tell systemd when it is ready; who needs it connects until it
 * answers. It runs as the Debian package's user, and is given its keys,
 * which that user cannot read, as credentials.
 */
function natsUnit(which: 'data' | 'witness'): string {
  const config = clusterPath(which === 'data' ? 'nats' : 'witness');
  const store = which === 'data' ? 'volt/nats' : 'volt/nats-witness';
  return `[Unit]
Description=${descriptions[which]}
Documentation=https://docs.nats.io
Wants=network-online.target
After=network-online.target
ConditionPathExists=${config}
StartLimitIntervalSec=0

[Service]
Type=exec
User=nats
Group=nats
ExecStart=nats-server -c ${config}
ExecReload=/bin/kill -s HUP $MAINPID
LoadCredential=${clusterFiles.key.name}:${clusterPath('key')}
LoadCredential=${clusterFiles.routesKey.name}:${clusterPath('routesKey')}
StateDirectory=${store}
StateDirectoryMode=0700
Restart=always
RestartSec=1
# What it ends with when it is asked to stop.
SuccessExitStatus=1
TimeoutStopSec=20
LimitNOFILE=65536
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=multi-user.target
`;
}

function controllerUnit(program: string): string {
  // systemd would take these for its own: specifiers, quotes, spaces between words.
  if (!/^\/[A-Za-z0-9._/-]+$/.test(program)) throw new Error(`Not a program path for a unit: ${program}`);
  return `[Unit]
Description=Volt controller
Wants=network-online.target ${NATS_UNITS.data}
After=network-online.target ${NATS_UNITS.data}
ConditionPathExists=${clusterPath('config')}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${program} controller
Restart=always
RestartSec=1
TimeoutStopSec=30

[Install]
WantedBy=multi-user.target
`;
}
