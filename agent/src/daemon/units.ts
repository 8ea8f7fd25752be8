/** The agent's own units, as the specification names them. */

export const SOCKET_UNIT = 'volt.socket';
export const SERVICE_UNIT = 'volt.service';

/** What a busy machine may need to answer; a stuck agent is restarted after this. */
const WATCHDOG_SECONDS = 30;

export const renderSocketUnit = (): string => `[Unit]
Description=Volt agent, its socket

[Socket]
ListenStream=/run/volt/volt.sock
# Anyone may ask; who asks is known from the kernel, and decides what they may do.
SocketMode=0666
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;

/**
 * Only the agent itself is killed on a stop: containers are units of their own
 * and do not notice. The agent needs the machine as it is, so nothing of it is
 * hidden here; what it runs is confined instead.
 */
export const renderServiceUnit = (program: string): string => `[Unit]
Description=Volt agent
Requires=${SOCKET_UNIT}
After=${SOCKET_UNIT} dbus.socket network.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${program} daemon
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
WatchdogSec=${WATCHDOG_SECONDS}
TimeoutStopSec=20
KillMode=process
OOMScoreAdjust=-900
LimitNOFILE=65536
# One heap for all threads: each of its own keeps what it once needed, and the agent's have little to do.
Environment=MALLOC_ARENA_MAX=1

[Install]
WantedBy=multi-user.target
`;
