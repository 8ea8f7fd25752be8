/**
 * What ends exclusive containers when nobody else does: a small program of its
 * own, in a unit of its own, for when the agent is dead while its machine runs.
 * Pure.
 */
export const DEAD_MAN_UNIT = 'volt-exclusive.service';
export const DEAD_MAN_UNIT_PATH = `/etc/systemd/system/${DEAD_MAN_UNIT}`;
export const DEAD_MAN_SCRIPT_PATH = '/usr/local/lib/volt/exclusive';
/** Until when this node's lease is good, in hundredths of a second since the machine began, suspend included. */
export const UNTIL_PATH = '/run/volt/exclusive-until';
/** One empty file for each exclusive container that may run. */
export const MARKS_PATH = '/run/volt/exclusive';

/** As long as the agent gives them. With the look each half second all is over within FENCE_STOP_MS. */
const GRACE_SECONDS = 2;

export const renderDeadManUnit = (): string => `[Unit]
Description=Ends exclusive Volt containers once the lease of this node has run out
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${DEAD_MAN_SCRIPT_PATH}
Restart=always
RestartSec=0
OOMScoreAdjust=-1000
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
`;

/** No file, or one that cannot be read, is a lease that has run out. */
export const renderDeadManScript = (): string => `#!/bin/sh
# Ends exclusive containers once the lease of this node has run out. The agent does the same, as long as it lives; this
# needs no agent. Counts by /proc/uptime, which goes on in suspend.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
while :; do
  until=0
  read -r until < ${UNTIL_PATH} || until=0
  case $until in '' | *[!0-9]*) until=0 ;; esac
  read -r up rest < /proc/uptime
  if [ "\${up%.*}\${up#*.}" -ge "$until" ]; then
    set --
    for mark in ${MARKS_PATH}/*; do
      [ ! -e "$mark" ] || set -- "$@" "volt-container@\${mark##*/}.service"
    done
    if [ $# -gt 0 ]; then
      systemctl stop --no-block "$@"
      sleep ${GRACE_SECONDS}
      systemctl kill --signal=KILL "$@"
    fi
  fi
  sleep 0.5
done 2> /dev/null
`;
