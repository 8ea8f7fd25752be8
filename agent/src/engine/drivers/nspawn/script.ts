import type { Paths } from './paths.ts';

/**
 * The program that a container's unit runs before and after it, as root: mounts,
 * network namespace and cable. Few processes, because a start waits for them.
 *
 * A mark in the run folder says that something may be left over, of this boot:
 * after a power loss mounts and namespaces are gone, and so is the mark.
 */
export const renderScript = ({ containers, run }: Pick<Paths, 'containers' | 'run'>): string => `#!/bin/sh
# Prepares and clears away what a container stands on. Called by its unit; may be repeated.
#   container up NAME VETH ADDRESS/PREFIX MAC GATEWAY BRIDGE UID-BASE UID-COUNT LOWER
#   container down NAME
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
verb=\${1-} name=\${2-}
case $name in
  '' | *[!a-z0-9-]* | -*) echo "not a container name: '$name'" >&2; exit 2 ;;
esac
home=${containers}/$name
run=${run}/$name
netns=volt-$name

down() {
  umount "$home/rootfs"
  umount "$run/lower"
  # The cable is deleted by name: a namespace takes its end along only some time later.
  [ ! -e "$run/veth" ] || { read -r veth < "$run/veth" && ip link del "$veth"; }
  ip netns del "$netns"
  rm -f "$run/veth"
  rmdir "$run/lower" "$run"
  return 0
} 2> /dev/null

up() {
  veth=$1 address=$2 mac=$3 gateway=$4 bridge=$5 base=$6 count=$7 lower=$8
  [ ! -e "$run" ] || down
  mkdir -p "$run/lower" && echo "$veth" > "$run/veth" &&
  ip -batch - << END &&
netns add $netns
link add name $veth master $bridge up type veth peer name host0 address $mac netns $netns
END
  # Ports below 1024 and ping need no privilege in a namespace that only this container is in.
  nsenter --net="/run/netns/$netns" /bin/sh -c '
    echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
    echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range
    exec ip -batch - << END
link set lo up
addr add $1 dev host0
link set host0 up
route add default via $2
END' sh "$address" "$gateway" &&
  mount -o "bind,X-mount.idmap=0:$base:$count" "$lower" "$run/lower" &&
  mount -t overlay -o "lowerdir=$run/lower,upperdir=$home/upper,workdir=$home/work" volt "$home/rootfs"
}

case $verb in
  up)
    shift 2
    up "$@" || { status=$?; down; exit "$status"; }
    ;;
  down)
    # Set by systemd when the main process has ended; outlives the unit's place in memory.
    [ -z "\${EXIT_CODE-}" ] || echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" > "$home/exit"
    down
    ;;
  *) echo "usage: container up|down NAME ..." >&2; exit 2 ;;
esac
`;
