/*
 * The last step into a container: becomes the container's program with no more
 * than that may have. Runs inside, as root there, for the container's own
 * program and for those of `volt exec` alike.
 *
 *   enter [--fs-read=PATH] [--fs-write=PATH] [--fs-execute=PATH] [--net-bind=PORT] [--net-connect=PORT]
 *         [--landlock-min=ABI] [--seccomp] [--no-new-privileges] [--keep=CAPABILITIES-HEX]
 *         [--user=UID:GID:GROUP,...] [--cwd=PATH] [--limits-of-init] [--console] -- PROGRAM [ARG...]
 *   enter [--root=PATH [--users=FIRST:COUNT]] [OPTION...] --files -- VERB [ARG...]      see files.h
 *   enter --probe        prints the Landlock version that this kernel offers
 *   enter --places …     see places.h
 *
 * A value is all that comes after the first `=` of its argument, so no path can be taken for another option. Path
 * and port options may be repeated; `none` is a port list without ports. With no path option, paths are not limited;
 * likewise each direction of the network. Fails with 127 when there is no such program, 126 when it cannot be run,
 * and 125, before anything of the program has run, when a protection or setting cannot be had.
 *
 * Needs no C library: it must run in an image that has none, and its own start is part of every container's.
 */
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include "kernel.h"

enum { NO_SUCH_PROGRAM = 127, CANNOT_RUN = 126, CANNOT_ENTER = 125 };
enum { RULES_MAX = 512, GROUPS_MAX = 64, LIMITS = 16, PATH_BYTES_MAX = 4096, FILTER_MAX = 256 };

static char *decimal(unsigned long value, char *end)
{
	*--end = 0;
	do *--end = '0' + value % 10; while (value /= 10);
	return end;
}

static const char *reason(long error)
{
	static char unnamed[32];
	switch (-error) {
	case ENOENT: return "No such file or directory";
	case EACCES: return "Permission denied";
	case EPERM: return "Operation not permitted";
	case ENOEXEC: return "Exec format error";
	case ENOTDIR: return "Not a directory";
	case ELOOP: return "Too many levels of symbolic links";
	case E2BIG: return "Argument list too long";
	case EINVAL: return "Invalid argument";
	case ENOSYS: return "The kernel cannot do this";
	default: return decimal(-error, unnamed + sizeof unnamed);
	}
}

/* One line, and the end. */
static _Noreturn void fail(int code, const char *what, const char *value, const char *why)
{
	say("volt: "); say(what); say(" '"); say(value); say("': "); say(why); say("\n");
	call(__NR_exit_group, code, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

static void must(long result, const char *what, const char *value)
{
	if (result < 0) fail(CANNOT_ENTER, what, value, reason(result));
}

/* Reads a number up to `end`, and steps over that. */
static uint64_t number(const char **text, unsigned base, char end, const char *what)
{
	uint64_t value = 0;
	const char *at = *text;
	for (; *at && *at != end; at++) {
		unsigned digit = *at <= '9' ? (unsigned)(*at - '0') : (unsigned)(*at - 'a' + 10);
		if (digit >= base || value > (UINT64_MAX - digit) / base) fail(CANNOT_ENTER, what, *text, "Not a number");
		value = value * base + digit;
	}
	if (at == *text) fail(CANNOT_ENTER, what, *text, "Not a number");
	*text = at + (*at == end && *at);
	return value;
}

/* ---- What was asked for ---------------------------------------------------------------------------------------- */

struct rule { uint64_t access; const char *value; };

static struct {
	struct rule paths[RULES_MAX], ports[RULES_MAX];
	size_t path_count, port_count, group_count;
	uint64_t net_handled, keep;
	long landlock_min, uid, gid;
	uint32_t groups[GROUPS_MAX];
	int has_seccomp, has_no_new_privileges, has_keep, has_user, has_terminal, has_console, has_limits_of_init;
	const char *cwd, *root, *users;
	int has_files;
} asked;

static void ask_path(uint64_t access, const char *path)
{
	if (asked.path_count == RULES_MAX) fail(CANNOT_ENTER, "path", path, "Too many");
	asked.paths[asked.path_count++] = (struct rule){ access, path };
}

static void ask_port(uint64_t access, const char *port)
{
	asked.net_handled |= access;
	if (equal(port, "none")) return;
	if (asked.port_count == RULES_MAX) fail(CANNOT_ENTER, "port", port, "Too many");
	asked.ports[asked.port_count++] = (struct rule){ access, port };
}

static void ask_user(const char *text)
{
	asked.has_user = 1;
	asked.uid = number(&text, 10, ':', "user");
	asked.gid = number(&text, 10, ':', "group");
	while (*text) {
		if (asked.group_count == GROUPS_MAX) fail(CANNOT_ENTER, "group", text, "Too many");
		asked.groups[asked.group_count++] = number(&text, 10, ',', "group");
	}
}

static const char *value_of(const char *word, const char *option)
{
	while (*option && *word == *option) word++, option++;
	return *option ? 0 : word;
}

static void ask(const char *word)
{
	const char *value;
	if ((value = value_of(word, "--fs-read="))) ask_path(FS_READ, value);
	else if ((value = value_of(word, "--fs-write="))) ask_path(FS_WRITE, value);
	else if ((value = value_of(word, "--fs-execute="))) ask_path(FS_EXECUTE, value);
	else if ((value = value_of(word, "--net-bind="))) ask_port(NET_BIND_TCP, value);
	else if ((value = value_of(word, "--net-connect="))) ask_port(NET_CONNECT_TCP, value);
	else if ((value = value_of(word, "--landlock-min="))) asked.landlock_min = number(&value, 10, 0, "version");
	else if ((value = value_of(word, "--keep="))) asked.has_keep = 1, asked.keep = number(&value, 16, 0, "capabilities");
	else if ((value = value_of(word, "--user="))) ask_user(value);
	else if ((value = value_of(word, "--cwd="))) asked.cwd = value;
	else if (equal(word, "--seccomp")) asked.has_seccomp = 1;
	else if (equal(word, "--no-new-privileges")) asked.has_no_new_privileges = 1;
	else if (equal(word, "--terminal")) asked.has_terminal = 1;
	else if (equal(word, "--console")) asked.has_console = 1;
	else if (equal(word, "--limits-of-init")) asked.has_limits_of_init = 1;
	else if ((value = value_of(word, "--root="))) asked.root = value;
	else if ((value = value_of(word, "--users="))) asked.users = value;
	else if (equal(word, "--files")) asked.has_files = 1;
	else fail(CANNOT_ENTER, "option", word, "Unknown");
}

/* ---- Landlock --------------------------------------------------------------------------------------------------- */

static long landlock_version(void)
{
	long version = call(__NR_landlock_create_ruleset, 0, 0, LANDLOCK_VERSION_FLAG, 0, 0, 0);
	return version < 0 ? 0 : version;
}

static void allow_path(long ruleset, uint64_t handled, const struct rule *rule)
{
	struct landlock_path path = { .access = rule->access & handled };
	path.fd = call(__NR_openat, AT_FDCWD, (long)rule->value, O_PATH | O_CLOEXEC, 0, 0, 0);
	must(path.fd, "path of the policy", rule->value);
	long result = call(__NR_landlock_add_rule, ruleset, LANDLOCK_PATH, (long)&path, 0, 0, 0);
	if (result == -EINVAL) {
		/* Not a folder: takes only what can be done with a file. */
		path.access &= FS_OF_FILES;
		result = call(__NR_landlock_add_rule, ruleset, LANDLOCK_PATH, (long)&path, 0, 0, 0);
	}
	must(result, "path of the policy", rule->value);
	call(__NR_close, path.fd, 0, 0, 0, 0, 0);
}

static void allow_port(long ruleset, const struct rule *rule)
{
	const char *text = rule->value;
	struct landlock_port port = { .access = rule->access, .port = number(&text, 10, 0, "port") };
	must(call(__NR_landlock_add_rule, ruleset, LANDLOCK_PORT, (long)&port, 0, 0, 0), "port of the policy", rule->value);
}

/* As much as the kernel knows, unless told that less than a version will not do. */
static void enter_landlock(void)
{
	if (asked.path_count == 0 && asked.net_handled == 0) return;
	long version = landlock_version();
	char text[32];
	if (version < asked.landlock_min)
		fail(CANNOT_ENTER, "landlock", decimal(version, text + sizeof text), "The kernel's version is too old");
	struct landlock_ruleset wanted = { 0, 0 };
	if (version >= 2 && asked.path_count > 0) {
		wanted.fs = FS_ALL_2;
		if (version >= 3) wanted.fs |= FS_TRUNCATE;
		if (version >= 5) wanted.fs |= FS_IOCTL_DEV;
	}
	if (version >= 4) wanted.net = asked.net_handled;
	if (wanted.fs == 0 && wanted.net == 0) return;

	long size = version >= 4 ? sizeof wanted : sizeof wanted.fs;
	long ruleset = call(__NR_landlock_create_ruleset, (long)&wanted, size, 0, 0, 0, 0);
	must(ruleset, "landlock", "ruleset");
	if (wanted.fs) for (size_t n = 0; n < asked.path_count; n++) allow_path(ruleset, wanted.fs, &asked.paths[n]);
	if (wanted.net) for (size_t n = 0; n < asked.port_count; n++) allow_port(ruleset, &asked.ports[n]);
	must(call(__NR_landlock_restrict_self, ruleset, 0, 0, 0, 0, 0), "landlock", "restrict");
	call(__NR_close, ruleset, 0, 0, 0, 0, 0);
}

/* ---- System calls ----------------------------------------------------------------------------------------------- */

static struct sock_filter filter[FILTER_MAX];
static size_t filter_length;

static void emit(uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (filter_length == FILTER_MAX) fail(CANNOT_ENTER, "filter", "length", "Too long");
	filter[filter_length++] = (struct sock_filter){ code, yes, no, k };
}

static void load(size_t offset) { emit(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }
static void answer(int error) { emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0); }
/* What follows is passed over, one instruction, unless the comparison holds. */
static void when(uint16_t comparison, uint32_t k) { emit(BPF_JMP | comparison | BPF_K, k, 0, 1); }
static void when_not(uint16_t comparison, uint32_t k) { emit(BPF_JMP | comparison | BPF_K, k, 1, 0); }

/* Of the call with this number, looks at the low half of an argument; `size` instructions follow. */
static void of_argument(uint32_t number, unsigned argument, uint8_t size)
{
	load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JEQ | BPF_K, number, 0, size + 1);
	load(offsetof(struct seccomp_data, args) + 8 * argument);
}

static int keeps(int capability) { return asked.has_keep && (asked.keep >> capability & 1); }

static void filter_namespaces(void)
{
	const uint32_t namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		CLONE_NEWUTS | CLONE_NEWCGROUP;
	of_argument(__NR_clone, 0, 2);
	when(BPF_JSET, namespaces);
	answer(EPERM);
	of_argument(__NR_unshare, 0, 2);
	when(BPF_JSET, namespaces | CLONE_NEWTIME_FLAG);
	answer(EPERM);
	/* Its flags are in memory, where a filter cannot look; programs fall back to clone. */
	load(offsetof(struct seccomp_data, nr));
	when(BPF_JEQ, __NR_clone3);
	answer(ENOSYS);
}

static void filter_sockets(void)
{
	of_argument(__NR_socket, 0, 6);
	emit(BPF_JMP | BPF_JEQ | BPF_K, 1 /* AF_UNIX */, 5, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, 2 /* AF_INET */, 4, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, 10 /* AF_INET6 */, 3, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, 16 /* AF_NETLINK */, 2, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, keeps(CAP_NET_RAW) ? 17 /* AF_PACKET */ : 1, 1, 0);
	answer(EAFNOSUPPORT);
	/* As if the kernel had none: programs that log people in go on without. The kernel has one audit for all. */
	load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 5);
	load(offsetof(struct seccomp_data, args));
	emit(BPF_JMP | BPF_JEQ | BPF_K, 16 /* AF_NETLINK */, 0, 3);
	load(offsetof(struct seccomp_data, args) + 16);
	when(BPF_JEQ, 9 /* NETLINK_AUDIT */);
	answer(EAFNOSUPPORT);
	/* Landlock's rules of ports are for plain TCP, and these would be a way around. */
	of_argument(__NR_socket, 2, 4);
	when(BPF_JEQ, 262 /* IPPROTO_MPTCP */);
	answer(EPROTONOSUPPORT);
	when(BPF_JEQ, 256 /* IPPROTO_SMC */);
	answer(EPROTONOSUPPORT);
}

/* Typing into the terminal that one was given, which may be a person's. */
static void filter_terminals(void)
{
	of_argument(__NR_ioctl, 1, 4);
	when(BPF_JEQ, 0x5412 /* TIOCSTI */);
	answer(EPERM);
	when(BPF_JEQ, 0x541C /* TIOCLINUX */);
	answer(EPERM);
}

static void enter_filter(void)
{
	load(offsetof(struct seccomp_data, arch));
	when_not(BPF_JEQ, OWN_ARCHITECTURE);
	answer(ENOSYS);
	load(offsetof(struct seccomp_data, nr));
	when(BPF_JGT, LAST_KNOWN_CALL);
	answer(ENOSYS);
	for (size_t n = 0; n < sizeof refused / sizeof *refused; n++) {
		if (refused[n].capability >= 0 && keeps(refused[n].capability)) continue;
		when(BPF_JEQ, refused[n].number);
		answer(EPERM);
	}
	if (!keeps(CAP_SYS_ADMIN)) filter_namespaces();
	filter_sockets();
	filter_terminals();
	emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	struct sock_fprog program = { filter_length, filter };
	must(call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program, 0, 0, 0), "system call filter", "install");
}

/* ---- User, capabilities, program ------------------------------------------------------------------------------- */

static void drop_capabilities(void)
{
	if (!asked.has_keep) return;
	for (int one = 0; one < 64; one++) {
		if (asked.keep >> one & 1) continue;
		long is_there = call(__NR_prctl, PR_CAPBSET_READ, one, 0, 0, 0, 0);
		if (is_there == 1) must(call(__NR_prctl, PR_CAPBSET_DROP, one, 0, 0, 0, 0), "capabilities", "drop");
	}
	call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0);
}

static void become_user(void)
{
	static char terminal_settings[64];
	if (!asked.has_user) return;
	/* Its terminal, if it has one, so that what is in /dev/stdout can be opened again. It works without, too. */
	if (call(__NR_ioctl, 0, TERMINAL_IS_ONE, (long)terminal_settings, 0, 0, 0) >= 0)
		call(__NR_fchown, 0, asked.uid, -1, 0, 0, 0);
	must(call(__NR_setgroups, asked.group_count, (long)asked.groups, 0, 0, 0, 0), "user", "groups");
	must(call(__NR_setresgid, asked.gid, asked.gid, asked.gid, 0, 0, 0), "user", "group");
	must(call(__NR_setresuid, asked.uid, asked.uid, asked.uid, 0, 0, 0), "user", "user");
}

/* What is held at this moment; the next program gets its own from the bounding set, if it is root's. */
static void lower_capabilities(void)
{
	if (!asked.has_keep) return;
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct held[2];
	must(call(__NR_capget, (long)&header, (long)held, 0, 0, 0, 0), "capabilities", "read");
	for (int half = 0; half < 2; half++) {
		uint32_t kept = held[half].permitted & (uint32_t)(asked.keep >> 32 * half);
		held[half] = (struct __user_cap_data_struct){ kept, kept, 0 };
	}
	must(call(__NR_capset, (long)&header, (long)held, 0, 0, 0, 0), "capabilities", "lower");
}

static const char *search_path(char **environment)
{
	for (; *environment; environment++) {
		const char *value = value_of(*environment, "PATH=");
		if (value) return value;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* As a shell looks for a program: one that may not be run is passed over, and remembered. */
static _Noreturn void run(char **arguments, char **environment)
{
	const char *name = arguments[0];
	long error = -ENOENT;
	int has_slash = 0;
	for (const char *at = name; *at; at++) has_slash |= *at == '/';
	if (has_slash) {
		error = call(__NR_execve, (long)name, (long)arguments, (long)environment, 0, 0, 0);
	} else if (*name) {
		for (const char *at = search_path(environment); at; ) {
			char path[PATH_BYTES_MAX];
			size_t used = 0;
			for (; *at && *at != ':'; at++) if (used < sizeof path - 2) path[used++] = *at;
			at = *at ? at + 1 : 0;
			if (used + length(name) + 2 > sizeof path) continue;
			if (used) path[used++] = '/';
			for (const char *from = name; *from; from++) path[used++] = *from;
			path[used] = 0;
			long result = call(__NR_execve, (long)path, (long)arguments, (long)environment, 0, 0, 0);
			if (result != -ENOENT && result != -ENOTDIR) error = result;
			if (error != -ENOENT && error != -EACCES) break;
		}
	}
	fail(error == -ENOENT ? NO_SUCH_PROGRAM : CANNOT_RUN, "cannot run", name, reason(error));
}

/* As the container's own program has them. Nobody inside may raise a limit that came from outside: that stays lower. */
static void take_limits_of_init(void)
{
	for (int resource = 0; resource < LIMITS; resource++) {
		struct { uint64_t soft, hard; } wanted, own;
		must(call(__NR_prlimit64, 1, resource, 0, (long)&wanted, 0, 0), "limits", "read");
		must(call(__NR_prlimit64, 0, resource, 0, (long)&own, 0, 0), "limits", "read");
		if (wanted.hard > own.hard) wanted.hard = own.hard;
		if (wanted.soft > wanted.hard) wanted.soft = wanted.hard;
		must(call(__NR_prlimit64, 0, resource, (long)&wanted, 0, 0, 0), "limits", "take");
	}
}

/*
 * Standard input is a socket of agent/enter/console.c. A terminal of the container's own is made, so that it has a name
 * in here; that program is handed the other end, and says when it has given the terminal its size.
 */
static void take_terminal(void)
{
	int unlocked = 0;
	char ready;
	long near = call(__NR_openat, AT_FDCWD, (long)"/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0, 0, 0);
	must(near, "terminal", "/dev/ptmx");
	must(call(__NR_ioctl, near, TERMINAL_LOCK, (long)&unlocked, 0, 0, 0), "terminal", "unlock");
	long own = call(__NR_ioctl, near, TERMINAL_PEER, O_RDWR | O_NOCTTY, 0, 0, 0);
	must(own, "terminal", "open");

	struct { size_t length; int level, type; int fd; } passed = { 20, 1 /* SOL_SOCKET */, 1 /* SCM_RIGHTS */, near };
	struct vector byte = { "", 1 };
	struct message message = { .vectors = &byte, .vector_count = 1, .control = &passed, .control_length = 24 };
	must(call(__NR_sendmsg, 0, (long)&message, MESSAGE_NO_SIGNAL, 0, 0, 0), "terminal", "hand over");
	long answered = call(__NR_read, 0, (long)&ready, 1, 0, 0, 0);
	must(answered == 1 ? 0 : -EPIPE, "terminal", "wait");
	call(__NR_close, near, 0, 0, 0, 0, 0);

	/* The first process of a container is at the head of a session already. */
	long made = call(__NR_setsid, 0, 0, 0, 0, 0, 0);
	if (made < 0 && call(__NR_getsid, 0, 0, 0, 0, 0, 0) != call(__NR_getpid, 0, 0, 0, 0, 0, 0))
		fail(CANNOT_ENTER, "terminal", "session", "It is not the first of a session");
	must(call(__NR_ioctl, own, TERMINAL_TAKE, 0, 0, 0, 0), "terminal", "take");
	for (int fd = 0; fd < 3; fd++) must(call(__NR_dup3, own, fd, 0, 0, 0, 0), "terminal", "use");
	if (own > 2) call(__NR_close, own, 0, 0, 0, 0, 0);
}

#include "files.h"
#include "places.h"
#include "root.h"

_Noreturn void begin(long *stack)
{
	char **arguments = (char **)(stack + 1);
	char **environment = arguments + stack[0] + 1;
	if (stack[0] == 2 && equal(arguments[1], "--probe")) {
		char text[32];
		const char *version = decimal(landlock_version(), text + sizeof text);
		call(__NR_write, 1, (long)version, length(version), 0, 0, 0);
		call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
	}
	if (stack[0] > 1 && equal(arguments[1], "--places")) make_places(arguments + 2, environment);
	for (arguments++; *arguments && !equal(*arguments, "--"); arguments++) ask(*arguments);
	if (!arguments[0] || !arguments[1]) fail(CANNOT_ENTER, "program", "", "None is named");
	enter_root();

	if (asked.has_terminal) {
		must(call(__NR_setsid, 0, 0, 0, 0, 0, 0), "terminal", "session");
		must(call(__NR_ioctl, 0, 0x540E /* TIOCSCTTY */, 1, 0, 0, 0), "terminal", "take");
	}
	if (asked.has_console) take_terminal();
	if (asked.has_limits_of_init) take_limits_of_init();
	if (asked.has_no_new_privileges)
		must(call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0), "privileges", "give up");
	if (asked.cwd) must(call(__NR_chdir, (long)asked.cwd, 0, 0, 0, 0, 0), "working directory", asked.cwd);
	enter_landlock();
	drop_capabilities();
	become_user();
	lower_capabilities();
	if (asked.has_seccomp) enter_filter();
	if (asked.has_files) work_on_files(arguments + 1);
	run(arguments + 1, environment);
}
