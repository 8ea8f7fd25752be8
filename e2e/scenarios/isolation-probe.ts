/**
 * A program that tries to get out of the container it runs in, by asking the
 * kernel directly. Perl, as every Debian has it and as it makes any system call.
 */

/** By name, on each processor that scenarios run on. */
const numbers: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: {
    socket: 41,
    connect: 42,
    bind: 49,
    clone: 56,
    ptrace: 101,
    mknodat: 259,
    unshare: 272,
    mount: 165,
    setns: 308,
    add_key: 248,
    bpf: 321,
    setitimer: 38,
    exit_group: 231,
  },
  arm64: {
    socket: 198,
    connect: 203,
    bind: 200,
    clone: 220,
    ptrace: 117,
    mknodat: 33,
    unshare: 97,
    mount: 40,
    setns: 268,
    add_key: 217,
    bpf: 280,
    setitimer: 103,
    exit_group: 94,
  },
};

const calls = (): string =>
  Object.entries(numbers[process.arch] ?? {})
    .map(([name, number]) => `${name} => ${number}`)
    .join(', ');

/** What is tried: the words of a test, and a Perl expression that is true when it worked. */
export const attempts = {
  'mounting a file system': 'call("mount", "none", "/srv", "tmpfs", 0, 0) == 0',
  'opening a raw socket': 'call("socket", 2, 3, 1) >= 0',
  'opening a packet socket': 'call("socket", 17, 3, 768) >= 0',
  'tracing a process that is not its own': 'call("ptrace", 0x4206, 1, 0, 0) == 0',
  'pulling the trigger of sysrq': `do {
    call("mount", "proc", "/srv", "proc", 0, 0);
    sysopen(my $f, "/srv/sysrq-trigger", 1) || sysopen($f, "/proc/sysrq-trigger", 1)
  }`,
  'putting a key into the kernel': 'call("add_key", "user", "escape", "x", 1, -3) >= 0',
  'making a user namespace': 'call("unshare", 0x10000000) == 0',
  'making a process in a user namespace': `do {
    my $pid = call("clone", 0x10000000 | 17, 0, 0, 0, 0);
    call("exit_group", 0) if $pid == 0;
    $pid > 0
  }`,
  'making a mount namespace': 'call("unshare", 0x20000) == 0',
  'loading a program into the kernel': 'call("bpf", 0, pack("LLLLLLLx64", 1, 4, 4, 1, 0, 0, 0), 72) >= 0',
  'making a device node': 'call("mknodat", -100, "/dev/escape-mem", 0020600, 0x0101) == 0',
  "reading the disk that other containers' files are on": `do {
    call("mknodat", -100, "/dev/escape-disk", 0060600, DISK);
    my ($f, $text);
    open($f, "<", "/dev/escape-disk") && sysread($f, $text, 6) == 6 && $text eq "SECRET"
  }`,
  'changing a setting of the kernel':
    'do { call("mount", "proc", "/srv", "proc", 0, 0); sysopen(my $f, "/srv/sys/vm/swappiness", 1) }',
} as const;

/** The same of what a policy of Landlock forbids: `isolation.test.ts` says which. */
export const outsideThePolicy = {
  'writing a file': 'open(my $f, ">", "/etc/escape")',
  'making a folder': 'mkdir("/etc/escape.d")',
  'writing to a file that is there': 'open(my $f, ">>", "/bin/tty")',
  'shortening a file': 'truncate("/etc/shorten", 0)',
  'moving a file': 'rename("/etc/move", "/etc/moved")',
  'looking into a folder': 'opendir(my $d, "/root")',
  'reading a file': 'open(my $f, "<", "/root/secret")',
  'running a program': 'system("/opt/echo > /dev/null") == 0',
  'listening on a port': 'call("bind", tcp(6), address(4711), 16) == 0',
  // That nobody listens is told only to those who may ask.
  'connecting to a port': 'call("connect", tcp(6), address(4711), 16) == 0 || $! == 111',
  'listening on a port by way of another protocol': 'call("bind", tcp(262), address(4712), 16) == 0',
} as const;

/** And of what it allows, so that a policy which forbids all is not taken for a good one. */
export const withinThePolicy = {
  'writing a file': 'open(my $f, ">", "/tmp/mine")',
  'moving a file to another folder': `do {
    mkdir "/tmp/there"; open(my $f, ">", "/tmp/move"); close $f; rename("/tmp/move", "/tmp/there/moved")
  }`,
  'running a program': 'system("/bin/echo > /dev/null") == 0',
  'listening on a port': 'call("bind", tcp(6), address(8080), 16) == 0',
  'connecting to a port': 'call("connect", tcp(6), address(8080), 16) == 0 || $! == 111',
} as const;

const PRELUDE = () => `
my %calls = (${calls()});
sub call { my ($name, @all) = @_; syscall($calls{$name}, @all) }
sub tcp { call("socket", 2, 1, $_[0]) }
sub address { pack("SnNx8", 2, $_[0], 0x7f000001) }
`;

/** Prints `yes NAME` or `no NAME` for each. Each is tried by a process of its own, so that none helps another. */
export function probe(tries: Readonly<Record<string, string>>, disk = '0'): string {
  const one = ([name, expression]: [string, string]) => `
my $pid = fork();
if ($pid == 0) { my $worked = eval { ${expression.replaceAll('DISK', disk)} }; call("exit_group", $worked ? 0 : 1) }
waitpid($pid, 0);
print(($? == 0 ? "yes" : "no"), " ${name}\\n");`;
  return (
    PRELUDE() +
    Object.entries(tries)
      .map(one)
      .map((block) => `{${block}}`)
      .join('\n')
  );
}

/**
 * Prints the numbers of all system calls that are refused, whatever they are
 * asked for. Left out are those that would end or hold up the probe itself.
 */
export const sweep = (): string =>
  `${PRELUDE()}
$| = 1;
my %left = map { $_ => 1 } (LEFT_OUT);
for my $number (grep { !$left{$_} } 0 .. 470) {
  my $pid = fork();
  if ($pid == 0) {
    call("setitimer", 0, pack("qqqq", 0, 0, 0, 50000), 0);
    my $result = syscall($number, -1, -1, -1, -1, -1, -1);
    call("exit_group", $result == -1 && ($! == 1 || $! == 38) ? 1 : 0);
  }
  waitpid($pid, 0);
  print "$number\\n" if $? == 256;
}`.replace('LEFT_OUT', (leftOut[process.arch] ?? []).join(', '));

/** exit, exit_group, fork, vfork, kill, tkill, tgkill, pause, vhangup, setsid and the like. */
const leftOut: Readonly<Record<string, readonly number[]>> = {
  x64: [15, 24, 34, 35, 57, 58, 60, 61, 62, 200, 219, 230, 231, 234, 247, 424],
  arm64: [93, 94, 95, 101, 115, 124, 128, 129, 130, 131, 139, 260, 424],
};
