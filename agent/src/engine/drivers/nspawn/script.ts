import { GIVEN } from './given.ts';
import { RESOLV } from './hosts.ts';
import type { Paths } from './paths.ts';

/**
 * The program that a container's unit runs, as root: mounts, network namespace
 * and cable, then nspawn in its place. One process becomes the next, with few
 * beside it, because a start waits for each.
 *
 * A mark in the run folder says that something may be left over, of this boot:
 * after a power loss mounts and namespaces are gone, and so is the mark.
 */
export const renderScript = (paths: Pick<Paths, 'containers' | 'run'>): string =>
  head(paths) + MOUNTS + GIVEN + RESOLV + RESULT + CASES;

const head = ({ containers, run }: Pick<Paths, 'containers' | 'run'>): string => `#!/bin/sh
# Prepares what a container stands on and becomes PROGRAM; clears it away. Called by the container's unit.
#   container run NAME VETH ADDRESS/PREFIX MAC GATEWAY BRIDGE UID-BASE UID-COUNT LOWER PROGRAM...
#   container down NAME
#   container files NAME LOWER UID-BASE UID-COUNT PROGRAM...
#   container clone NAME OTHER OTHER-UID-BASE UID-BASE UID-COUNT
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
verb=\${1-} name=\${2-}
case $name in
  '' | *[!a-z0-9-]* | -*) echo "not a container name: '$name'" >&2; exit 2 ;;
esac
home=${containers}/$name
run=${run}/$name
exported=/run/systemd/nspawn/unix-export/volt-$name

clear_away() {
  set +e
  # Somebody on the machine may be looking at files in it: it goes for all others at once, and for that one later.
  for mount in "$home/rootfs" "$run/lower" "$run/given"; do
    [ ! -e "$mount" ] || umount "$mount" || umount -l "$mount"
  done
  # The cable is deleted by name: a namespace takes its end along only some time later.
  [ ! -e "$run/veth" ] || { read -r veth < "$run/veth" && ip link del "$veth"; }
  ip netns del "volt-$name"
  # An nspawn that was killed leaves this, and another refuses to start over it.
  [ ! -e "$exported" ] || { umount -l "$exported"; rmdir "$exported"; }
  rm -f "$run/veth" "$run/console" "$run/resolv.conf"
  rmdir "$run/lower" "$run/given" "$run"
  set -e
} 2> /dev/null

`;

/**
 * Goes by what the store wrote beside the lower, not by the unit, which may be older than the lower. One without a note
 * is older than all others, and no container on it may come to depend on options that it was not made with. All others
 * have the same options, so that a container's own files stay good when its lower is made again in another way.
 */
const MOUNTS = `own_run_folder() {
  mkdir -p "\${run%/*}"
  mount -t tmpfs -o mode=700 volt "\${run%/*}"
  mkdir -p "$run/lower"
}

mount_rootfs() {
  way= objects= options=
  note=\${lower%/*}/way
  [ ! -e "$note" ] || read -r way objects < "$note"
  [ -z "$way" ] || options=metacopy=on,redirect_dir=on,
  layers=$run/lower
  [ "$way" != redirect ] || layers=$layers::$objects
  mount -o "bind,X-mount.idmap=0:$base:$count" "$lower" "$run/lower"
  own=upperdir=$home/upper,workdir=$home/work
  mount -t overlay -o "nodev,\${options}lowerdir=$layers,$own" volt "$home/rootfs" || {
    [ "$way" != redirect ] || echo 'The image is laid out as this kernel may not know it: start volt.service' >&2
    exit 1
  }
}

`;

/**
 * systemd does not see that the kernel killed a program for want of memory when the supervisor lives on: the group
 * still has the count. It is a program's own end by KILL then, and no other.
 */
const RESULT = `result_of_run() {
  case $EXIT_CODE-$EXIT_STATUS in
    exited-137)
      unit=system.slice/volt-container@$name.service
      for file in "$unit/memory.events" "memory/$unit/memory.oom_control" "memory/$unit/payload/memory.oom_control"; do
        ! grep -qs '^oom_kill [1-9]' "/sys/fs/cgroup/$file" || { echo oom-kill; return; }
      done
      ;;
  esac
  echo "$SERVICE_RESULT"
}

`;

const CASES = `case $verb in
  run)
    veth=$3 mac=$5 bridge=$7
    [ ! -e "$run" ] || clear_away
    mkdir -p "$run/lower"
    echo "$veth" > "$run/veth"
    ip -batch - << END
netns add volt-$name
link add name $veth master $bridge up type veth peer name host0 address $mac netns volt-$name
END
    shift 2
    exec nsenter --net="/run/netns/volt-$name" "$0" within "$name" "$@"
    ;;
  within)
    address=$4 mac=$5 gateway=$6 base=$8 count=$9
    shift 9
    lower=$1
    shift
    # Ports below 1024 and ping need no privilege in a namespace that only this container is in.
    echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
    echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range
    echo 1 > /proc/sys/net/ipv4/conf/host0/arp_notify
    mount_rootfs &
    [ ! -s "$home/given" ] || make_given
    [ ! -s "$home/resolv.conf" ] || make_resolv
    ip -batch - << END
link set lo up
addr add $address dev host0
link set host0 up
route add default via $gateway
END
    # Announces the address, for whoever asked for it too early would ask again a second later. A step of
    # its own: in the batch it comes before the bridge has seen the cable.
    ip link set host0 address "$mac"
    wait $!
    exec "$@"
    ;;
  down)
    # Set by systemd when the main process has ended; outlives the unit's place in memory.
    [ -z "\${EXIT_CODE-}" ] || echo "$(result_of_run) $EXIT_CODE $EXIT_STATUS" > "$home/exit" || true
    rm -f "$home/awaited"
    clear_away
    ;;
  files)
    # In mounts that end with whoever asked.
    lower=$3 base=$4 count=$5
    shift 5
    if ! mountpoint -q "$home/rootfs"; then
      own_run_folder
      mount_rootfs
    fi
    exec "$@"
    ;;
  clone)
    other=\${home%/*}/$3
    own_run_folder
    mkdir -p -m 700 "$home"
    mount -o "bind,X-mount.idmap=$4:$5:$6" "$other/upper" "$run/lower"
    exec cp --archive --reflink=auto --no-target-directory "$run/lower" "$home/upper"
    ;;
  *) echo "usage: container run|down|files|clone NAME ..." >&2; exit 2 ;;
esac
`;
