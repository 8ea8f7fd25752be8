import { expect, test } from 'vitest';
import { renderServiceUnit, renderSocketUnit } from './units.ts';

test('the socket', () => {
  expect(renderSocketUnit()).toMatchInlineSnapshot(`
    "[Unit]
    Description=Volt agent, its socket

    [Socket]
    ListenStream=/run/volt/volt.sock
    # Anyone may ask; who asks is known from the kernel, and decides what they may do.
    SocketMode=0666
    DirectoryMode=0755
    RemoveOnStop=yes

    [Install]
    WantedBy=sockets.target
    "
  `);
});

test('the service', () => {
  expect(renderServiceUnit('/usr/local/bin/volt')).toMatchInlineSnapshot(`
    "[Unit]
    Description=Volt agent
    Requires=volt.socket
    After=volt.socket dbus.socket network.target
    StartLimitIntervalSec=0

    [Service]
    Type=notify
    ExecStart=/usr/local/bin/volt daemon
    ExecReload=/bin/kill -HUP $MAINPID
    Restart=always
    RestartSec=1
    WatchdogSec=30
    TimeoutStopSec=20
    KillMode=process
    OOMScoreAdjust=-900
    LimitNOFILE=65536
    # One heap for all threads: each of its own keeps what it once needed, and the agent's have little to do.
    Environment=MALLOC_ARENA_MAX=1

    [Install]
    WantedBy=multi-user.target
    "
  `);
});
