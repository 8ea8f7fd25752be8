/*
 * Stands between a program and those who look at it: holds the other end of its terminal, or its pipes, for as long as
 * it runs, whoever comes and goes.
 *
 *   console serve SOCKET MARK terminal|pipes|output UID:GID PROGRAM [ARG...]
 *       For a container, as the main process of its unit. Takes watchers at SOCKET, and copies what is printed to its
 *       own standard output and error, which is the journal. If there is a file MARK, that is removed, and the program
 *       does not begin before somebody watches. With `output` it has no input, and one pipe for output and errors, so
 *       that their lines stay in order. Pipes belong to the user: who opens /dev/stdout by name needs that, and something
 *       else than the socket of the journal, which cannot be opened.
 *   console exec PROGRAM [ARG...]
 *       For a program that is run inside, on a terminal: the only watcher is on standard input and output. If it goes
 *       without a word the terminal is hung up.
 *
 * A frame is a letter, the length of what follows in four bytes, and that. From a watcher: `i` input, `e` its end, `w`
 * size of the window as two numbers of two bytes, columns first, `d` on leaving an exec that is to go on. To a watcher:
 * `o` output, `r` errors, and `x` at the end, with the exit code in four bytes. Numbers have their low byte first.
 *
 * PROGRAM gets a terminal by handing over one that it made itself: agent/enter/enter.c.
 * Whoever does not read holds the program up, for a while; so does the journal, for as long as it takes.
 */
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/time.h>
#include <linux/un.h>
#include "call.h"

enum { WATCHERS_MAX = 16, FRAME_MAX = 16 * 1024, HEAD = 5, OUT_MAX = 64 * 1024, LINE_MAX = 1024 };
enum { BACKLOG = 16, BAD_USE = 2 };
/* How long a watcher may read nothing, how long one is waited for at the start, and at the end what is on its way. */
enum { STALLED_MS = 30000, AWAITED_MS = 10000, QUIET_MS = 100, LAST_WORDS_MS = 5000, POLL_MS = 1000 };
enum { IN = 1, OUT = 4, PEER_GONE = 0x2000 };
enum { INTERRUPT = 2, HANGUP = 1, BROKEN_PIPE = 13, TERMINATE = 15, CHILD = 17, BLOCK = 0, UNBLOCK = 1 };
enum { NO_WAIT_OPEN = 04000, AF_UNIX = 1, STREAM = 1, NO_HANG = 1, SET_FLAGS = 4, GET_FLAGS = 3 };

struct buffer { uint8_t bytes[OUT_MAX]; size_t start, length; };

static struct watcher {
	int in, out, is_there, is_leaving, is_deaf;
	uint8_t head[HEAD + FRAME_MAX];
	size_t head_length;
	struct buffer to;
	int64_t stalled_since;
} watchers[WATCHERS_MAX];

static struct source {
	int fd, letter, copy;
	struct buffer journal;
} sources[2];

static struct {
	int is_exec, has_terminal, has_only_output, has_begun, has_ended, is_left, has_size, is_resting;
	int signals, listener, handover, near;
	/* What has been printed of a line that goes on, such as a prompt: who comes would see nothing otherwise. */
	uint8_t line[LINE_MAX];
	size_t line_length;
	long child, code, uid, gid;
	int64_t began, ended, last_output;
	uint16_t size[4];
} now = { .listener = -1, .handover = -1, .near = -1 };

/* The compiler calls it as well. */
void *memcpy(void *to, const void *from, size_t size)
{
	for (size_t n = 0; n < size; n++) ((volatile char *)to)[n] = ((const char *)from)[n];
	return to;
}

static _Noreturn void leave(long code)
{
	call(__NR_exit_group, code, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

static long must(long result, const char *what)
{
	if (result >= 0) return result;
	say("volt: console: cannot "); say(what); say("\n");
	leave(125);
}

static void shut(int *fd)
{
	if (*fd >= 0) call(__NR_close, *fd, 0, 0, 0, 0, 0);
	*fd = -1;
}

static int64_t clock_ms(void)
{
	struct __kernel_timespec at;
	call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&at, 0, 0, 0, 0);
	return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void no_waiting(int fd)
{
	call(__NR_fcntl, fd, SET_FLAGS, call(__NR_fcntl, fd, GET_FLAGS, 0, 0, 0, 0) | NO_WAIT_OPEN, 0, 0, 0);
}

/* ---- Buffers ---------------------------------------------------------------------------------------------------- */

static size_t room(const struct buffer *buffer) { return OUT_MAX - buffer->length; }

static void append(struct buffer *buffer, const void *bytes, size_t size)
{
	/* Never so, as whoever fills it looks for room before; and not to be found out by writing beyond its end. */
	if (size > room(buffer)) leave(125);
	if (buffer->start + buffer->length + size > OUT_MAX) {
		for (size_t n = 0; n < buffer->length; n++) buffer->bytes[n] = buffer->bytes[buffer->start + n];
		buffer->start = 0;
	}
	memcpy(buffer->bytes + buffer->start + buffer->length, bytes, size);
	buffer->length += size;
}

/* Below zero when nobody is there any more. */
static long drain(struct buffer *buffer, int fd, int is_shared)
{
	while (buffer->length > 0) {
		const uint8_t *from = buffer->bytes + buffer->start;
		/* What others write to as well must not be switched to not waiting. */
		long n = is_shared
			? call(__NR_sendto, fd, (long)from, buffer->length, MESSAGE_NO_WAIT | MESSAGE_NO_SIGNAL, 0, 0)
			: call(__NR_write, fd, (long)from, buffer->length, 0, 0, 0);
		if (n == -ENOTSOCK) n = call(__NR_write, fd, (long)from, buffer->length, 0, 0, 0);
		if (n == -EINTR) continue;
		if (n == -EAGAIN) return 0;
		if (n <= 0) return -EPIPE;
		buffer->start += n;
		buffer->length -= n;
	}
	buffer->start = 0;
	return 0;
}

/* ---- Watchers --------------------------------------------------------------------------------------------------- */

static void put_number(uint8_t *at, uint32_t value) { for (int n = 0; n < 4; n++) at[n] = value >> 8 * n; }

static void tell(struct watcher *one, char letter, const void *bytes, uint32_t size)
{
	if (one->is_deaf) return;
	uint8_t head[HEAD] = { letter };
	put_number(head + 1, size);
	append(&one->to, head, HEAD);
	append(&one->to, bytes, size);
}

static void forget(struct watcher *one)
{
	if (now.is_exec && !now.is_left && !now.has_ended) leave(128 + HANGUP);
	shut(&one->in);
	shut(&one->out);
	one->is_there = 0;
}

static void greet(int in, int out)
{
	for (size_t n = 0; n < WATCHERS_MAX; n++) {
		struct watcher *one = &watchers[n];
		if (one->is_there) continue;
		one->in = in, one->out = out;
		one->head_length = one->to.start = one->to.length = 0;
		one->stalled_since = one->is_leaving = one->is_deaf = 0;
		one->is_there = 1;
		if (now.line_length > 0) tell(one, 'o', now.line, now.line_length);
		return;
	}
	call(__NR_close, in, 0, 0, 0, 0, 0);
}

static void resize(void)
{
	if (now.near < 0 || !now.has_terminal || !now.has_size) return;
	call(__NR_ioctl, now.near, TERMINAL_SIZE, (long)now.size, 0, 0, 0);
}

static void take_size(const uint8_t *at)
{
	uint16_t columns = at[0] | at[1] << 8, rows = at[2] | at[3] << 8;
	/* The kernel tells nobody of a size that is no other; but who just came sees an empty window. */
	if (now.size[0] == rows && now.size[1] == columns) { now.size[0] = rows > 1 ? rows - 1 : rows + 1; resize(); }
	now.size[0] = rows, now.size[1] = columns, now.has_size = 1;
	resize();
}

/* As much as the program takes of `size` bytes. What nobody reads any more is dropped. */
static size_t type(const uint8_t *bytes, size_t size)
{
	if (now.near < 0) return now.has_begun && now.handover < 0 ? size : 0;
	long n = call(__NR_write, now.near, (long)bytes, size, 0, 0, 0);
	if (n == -EAGAIN || n == -EINTR) return 0;
	if (n < 0 && !now.has_terminal) shut(&now.near);
	return n < 0 ? size : (size_t)n;
}

static void end_input(void)
{
	if (now.has_terminal) type((const uint8_t *)"\004", 1);
	else shut(&now.near);
}

static uint32_t size_of(const uint8_t *frame)
{
	return frame[1] | frame[2] << 8 | frame[3] << 16 | (uint32_t)frame[4] << 24;
}

/* Acts on what has come of frames. Stops at what the program does not take yet. */
static void listen_to(struct watcher *one)
{
	while (one->is_there && one->head_length >= HEAD) {
		uint8_t *frame = one->head, letter = frame[0];
		uint32_t size = size_of(frame);
		if (size > FRAME_MAX) { forget(one); return; }
		size_t used, has = one->head_length - HEAD;
		if (letter == 'i') {
			used = type(frame + HEAD, has < size ? has : size);
			if (used == 0 && size > 0) return;
		} else {
			if (has < size) return;
			used = size;
			if (letter == 'w' && size == 4) take_size(frame + HEAD);
			else if (letter == 'e' && now.near < 0 && !now.has_begun) return;
			else if (letter == 'e') end_input();
			else if (letter == 'd') { now.is_left = 1; forget(one); return; }
		}
		size_t rest = size - used, gone = rest == 0 ? HEAD + used : used;
		if (rest > 0) put_number(frame + 1, rest);
		uint8_t *to = rest == 0 ? frame : frame + HEAD, *from = frame + HEAD + used;
		for (size_t n = 0; n < has - used; n++) to[n] = from[n];
		one->head_length -= gone;
		if (rest > 0 && one->head_length == HEAD) return;
	}
}

static void hear(struct watcher *one)
{
	size_t has = one->head_length;
	long n = call(__NR_read, one->in, (long)(one->head + has), sizeof one->head - has, 0, 0, 0);
	if (n == -EAGAIN || n == -EINTR) return;
	if (n > 0) one->head_length += n;
	else if (now.is_exec) forget(one);
	else one->is_leaving = 1;
}

/* ---- The program ------------------------------------------------------------------------------------------------ */

static void signals(int how)
{
	uint64_t mask = 1ull << (INTERRUPT - 1) | 1ull << (HANGUP - 1) | 1ull << (BROKEN_PIPE - 1) |
		1ull << (TERMINATE - 1) | 1ull << (CHILD - 1);
	must(call(__NR_rt_sigprocmask, how, (long)&mask, 0, 8, 0, 0), "block signals");
	if (how == BLOCK) {
		mask &= ~(1ull << (BROKEN_PIPE - 1));
		now.signals = must(call(__NR_signalfd4, -1, (long)&mask, 8, O_CLOEXEC | NO_WAIT_OPEN, 0, 0), "see signals");
	}
}

static void pair(int *both)
{
	must(call(__NR_socketpair, AF_UNIX, STREAM | O_CLOEXEC, 0, (long)both, 0, 0), "make a socket");
}

static _Noreturn void become(char **program, char **environment, const int *stdio)
{
	signals(UNBLOCK);
	for (int fd = 0; fd < 3; fd++)
		if (stdio[fd] != fd) must(call(__NR_dup3, stdio[fd], fd, 0, 0, 0, 0), "set up the program");
	must(call(__NR_execve, (long)program[0], (long)program, (long)environment, 0, 0, 0), "run the program");
	leave(127);
}

/* Of the user of the program. */
static void pipe_of_user(int *both)
{
	must(call(__NR_pipe2, (long)both, O_CLOEXEC, 0, 0, 0, 0), "make a pipe");
	must(call(__NR_fchown, both[0], now.uid, now.gid, 0, 0, 0), "give a pipe away");
}

static void begin_program(char **program, char **environment)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	if (now.has_terminal) {
		pair(in);
		now.handover = in[0];
	} else {
		pipe_of_user(out);
		sources[0].fd = out[0];
		no_waiting(out[0]);
	}
	if (!now.has_terminal && !now.has_only_output) {
		pipe_of_user(in);
		int swap = in[0]; in[0] = in[1]; in[1] = swap;
		pipe_of_user(errors);
		now.near = in[0], sources[1].fd = errors[0];
		no_waiting(now.near);
		no_waiting(errors[0]);
	}
	int stdio[3] = { in[1], out[1], errors[1] };
	if (now.has_only_output) stdio[0] = 0, stdio[2] = out[1];
	/* Of an exec, standard output is for frames. */
	if (now.has_terminal) stdio[1] = now.is_exec ? 2 : 1, stdio[2] = 2;
	now.child = must(call(__NR_clone, CHILD, 0, 0, 0, 0, 0), "fork");
	if (now.child == 0) become(program, environment, stdio);
	shut(&in[1]);
	shut(&out[1]);
	shut(&errors[1]);
	now.has_begun = 1;
}

/* The program made a terminal, and hands over our end of it. */
static void take_terminal(void)
{
	char byte;
	struct { size_t length; int level, type; int fd, none; } passed = { 0, 0, 0, -1, 0 };
	struct vector vector = { &byte, 1 };
	struct message message = { .vectors = &vector, .vector_count = 1, .control = &passed };
	message.control_length = sizeof passed;
	long n = call(__NR_recvmsg, now.handover, (long)&message, MESSAGE_CLOSE_ON_EXEC | MESSAGE_NO_WAIT, 0, 0, 0);
	if (n == -EAGAIN || n == -EINTR) return;
	if (n == 1 && message.control_length >= 20 && passed.type == 1) {
		now.near = passed.fd;
		no_waiting(now.near);
		sources[0].fd = now.near;
		resize();
		call(__NR_write, now.handover, (long)"", 1, 0, 0, 0);
	}
	shut(&now.handover);
}

static void notice_end(void)
{
	int status;
	if (call(__NR_wait4, now.child, (long)&status, NO_HANG, 0, 0, 0) != now.child) return;
	int by_signal = status & 0x7f;
	now.code = by_signal ? 128 + by_signal : status >> 8 & 0xff;
	now.has_ended = 1;
	now.ended = now.last_output = clock_ms();
}

static void take_signal(void)
{
	struct { uint32_t number; uint8_t rest[124]; } info;
	while (call(__NR_read, now.signals, (long)&info, sizeof info, 0, 0, 0) == sizeof info) {
		if (info.number == CHILD) notice_end();
		else if (now.has_begun && !now.has_ended) call(__NR_kill, now.child, info.number, 0, 0, 0, 0);
		else if (!now.has_begun) leave(128 + info.number);
	}
}

/* ---- Output ----------------------------------------------------------------------------------------------------- */

static int can_take(int source)
{
	int can = now.is_exec || room(&sources[source].journal) >= FRAME_MAX;
	for (size_t n = 0; n < WATCHERS_MAX; n++) {
		struct watcher *one = &watchers[n];
		if (!one->is_there || one->is_leaving || one->is_deaf) continue;
		if (room(&one->to) >= FRAME_MAX + HEAD) { one->stalled_since = 0; continue; }
		int64_t at = clock_ms();
		if (one->stalled_since == 0) one->stalled_since = at;
		/* The only one of an exec is waited for: without it there is no sense in going on. */
		if (!now.is_exec && at - one->stalled_since > STALLED_MS) forget(one);
		else can = 0;
	}
	return can;
}

static void remember_line(const uint8_t *bytes, size_t size)
{
	for (size_t n = 0; n < size; n++) {
		if (bytes[n] == '\n') now.line_length = 0;
		else if (now.line_length < LINE_MAX) now.line[now.line_length++] = bytes[n];
	}
}

static void copy_output(int source)
{
	static uint8_t bytes[FRAME_MAX];
	long n = call(__NR_read, sources[source].fd, (long)bytes, sizeof bytes, 0, 0, 0);
	if (n == -EAGAIN || n == -EINTR) return;
	if (n <= 0) {
		/*
		 * A terminal that no program has open, for the moment: some close it before they end, and would be hung up by
		 * our closing it then. It is one for both directions.
		 */
		if (now.has_terminal && !now.has_ended) { now.is_resting = 1; return; }
		if (sources[source].fd == now.near) now.near = -1;
		shut(&sources[source].fd);
		return;
	}
	now.last_output = clock_ms();
	if (now.has_terminal) remember_line(bytes, n);
	if (!now.is_exec) append(&sources[source].journal, bytes, n);
	for (size_t one = 0; one < WATCHERS_MAX; one++)
		if (watchers[one].is_there && !watchers[one].is_leaving) tell(&watchers[one], sources[source].letter, bytes, n);
}

/* ---- Waiting for whatever comes first ---------------------------------------------------------------------------- */

static struct { int fd; short wanted, got; } waits[8 + 2 * WATCHERS_MAX];
static size_t wait_count;

static size_t wait_for(int fd, short what)
{
	waits[wait_count].fd = what == 0 ? -1 : fd;
	waits[wait_count].wanted = what;
	waits[wait_count].got = 0;
	return wait_count++;
}

static int came(size_t at) { return waits[at].got != 0; }

static int has_input_waiting(void)
{
	for (size_t n = 0; n < WATCHERS_MAX; n++) {
		const struct watcher *one = &watchers[n];
		if (!one->is_there || one->head_length < HEAD) continue;
		/* What came of other frames than input is nothing yet. */
		size_t has = one->head_length - HEAD, size = size_of(one->head);
		if (one->head[0] == 'i' ? has > 0 || size == 0 : has >= size) return 1;
	}
	return 0;
}

static void turn(int timeout_ms)
{
	wait_count = 0;
	size_t signal = wait_for(now.signals, IN), listener = wait_for(now.listener, now.listener < 0 ? 0 : IN);
	size_t handover = wait_for(now.handover, now.handover < 0 ? 0 : IN);
	size_t source[2], in[WATCHERS_MAX];
	for (int n = 0; n < 2; n++) {
		source[n] = wait_for(sources[n].fd, sources[n].fd >= 0 && !now.is_resting && can_take(n) ? IN : 0);
		wait_for(sources[n].copy, sources[n].journal.length > 0 ? OUT : 0);
	}
	wait_for(now.near, now.near >= 0 && has_input_waiting() ? OUT : 0);
	for (size_t n = 0; n < WATCHERS_MAX; n++) {
		struct watcher *one = &watchers[n];
		/* One that is not listened to for the moment can go all the same. */
		short heard = one->head_length < sizeof one->head ? IN : now.is_exec ? PEER_GONE : 0;
		in[n] = wait_for(one->in, one->is_there && !one->is_leaving ? heard : 0);
		wait_for(one->out, one->is_there && one->to.length > 0 ? OUT : 0);
	}
	if (now.is_resting && timeout_ms > QUIET_MS) timeout_ms = QUIET_MS;
	now.is_resting = 0;
	struct __kernel_timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000ll };
	call(__NR_ppoll, (long)waits, wait_count, (long)&timeout, 0, 0, 0);

	if (came(signal)) take_signal();
	if (came(handover)) take_terminal();
	for (int n = 0; n < 2; n++) {
		/* The first of both may have taken the room that there was. */
		if (came(source[n]) && can_take(n)) copy_output(n);
		if (sources[n].journal.length > 0 && drain(&sources[n].journal, sources[n].copy, 1) < 0)
			sources[n].journal.length = sources[n].journal.start = 0;
	}
	for (size_t n = 0; n < WATCHERS_MAX; n++) {
		struct watcher *one = &watchers[n];
		if (one->is_there && came(in[n])) {
			if (one->head_length < sizeof one->head) hear(one);
			else forget(one);
		}
		if (one->is_there) listen_to(one);
		if (one->is_there && one->to.length > 0 && drain(&one->to, one->out, 0) < 0) {
			/* That it left may be among what it sent before: of an exec, only the end of that is an end. */
			one->is_deaf = now.is_exec;
			one->to.length = one->to.start = 0;
			if (!now.is_exec) forget(one);
		}
		/* What it sent before it went is still typed. */
		int has_typed = one->head_length <= HEAD || one->head[0] != 'i';
		if (one->is_there && one->is_leaving && (has_typed || now.has_ended)) forget(one);
	}
	if (came(listener)) {
		long fd = call(__NR_accept4, now.listener, 0, 0, O_CLOEXEC | NO_WAIT_OPEN, 0, 0);
		if (fd >= 0) greet(fd, fd);
	}
}

static int is_watched(void)
{
	for (size_t n = 0; n < WATCHERS_MAX; n++) if (watchers[n].is_there && !watchers[n].is_leaving) return 1;
	return 0;
}

static int has_something_to_say(void)
{
	for (size_t n = 0; n < WATCHERS_MAX; n++) if (watchers[n].is_there && watchers[n].to.length > 0) return 1;
	return sources[0].journal.length + sources[1].journal.length > 0;
}

static _Noreturn void finish(void)
{
	/* Whatever was printed is on its way; what runs on in the background is not waited for. */
	while ((sources[0].fd >= 0 || sources[1].fd >= 0) && clock_ms() - now.ended < LAST_WORDS_MS &&
	       (clock_ms() - now.last_output < QUIET_MS || !can_take(0) || !can_take(1))) turn(QUIET_MS);
	/* Who still does not read has none of the rest, which the journal has. */
	if (!now.is_exec)
		for (size_t n = 0; n < WATCHERS_MAX; n++)
			if (watchers[n].is_there && room(&watchers[n].to) < FRAME_MAX + HEAD) forget(&watchers[n]);
	int64_t rest = clock_ms();
	while ((sources[0].fd >= 0 || sources[1].fd >= 0) && clock_ms() - rest < LAST_WORDS_MS &&
	       clock_ms() - now.last_output < QUIET_MS) turn(QUIET_MS);
	uint8_t code[4];
	put_number(code, now.code);
	int64_t began = clock_ms();
	for (size_t n = 0; n < WATCHERS_MAX; n++) {
		struct watcher *one = &watchers[n];
		while (one->is_there && room(&one->to) < HEAD + 4 && clock_ms() - began < LAST_WORDS_MS) turn(QUIET_MS);
		if (one->is_there && room(&one->to) >= HEAD + 4) tell(one, 'x', code, 4);
	}
	shut(&sources[0].fd);
	shut(&sources[1].fd);
	now.near = -1;
	while (has_something_to_say() && clock_ms() - began < LAST_WORDS_MS) turn(QUIET_MS);
	leave(now.code);
}

static void open_socket(const char *path)
{
	struct sockaddr_un at = { AF_UNIX, { 0 } };
	if (length(path) >= sizeof at.sun_path) must(-EINVAL, "use such a long path");
	memcpy(at.sun_path, path, length(path));
	call(__NR_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
	now.listener = must(call(__NR_socket, AF_UNIX, STREAM | O_CLOEXEC | NO_WAIT_OPEN, 0, 0, 0, 0), "make a socket");
	long before = call(__NR_umask, 0177, 0, 0, 0, 0, 0);
	must(call(__NR_bind, now.listener, (long)&at, sizeof at, 0, 0, 0), "bind its socket");
	call(__NR_umask, before, 0, 0, 0, 0, 0);
	must(call(__NR_listen, now.listener, BACKLOG, 0, 0, 0, 0), "listen");
}

static void read_owner(const char *text)
{
	long *part = &now.uid;
	for (; *text; text++) {
		if (*text == ':' && part == &now.uid) part = &now.gid;
		else if (*text >= '0' && *text <= '9') *part = *part * 10 + (*text - '0');
		else must(-EINVAL, "read the owner of its pipes");
	}
}

_Noreturn void begin(long *stack)
{
	char **words = (char **)(stack + 1), **environment = words + stack[0] + 1;
	long count = stack[0];
	signals(BLOCK);
	sources[0].fd = sources[1].fd = -1;
	sources[0].letter = 'o', sources[0].copy = 1;
	sources[1].letter = 'r', sources[1].copy = 2;
	if (count >= 6 && equal(words[1], "serve")) {
		now.has_terminal = equal(words[4], "terminal");
		now.has_only_output = equal(words[4], "output");
		/* A unit that was read before an upgrade has no owner here, and goes on until it is read again. */
		int is_old = words[5][0] == '/';
		if (!is_old) read_owner(words[5]);
		open_socket(words[2]);
		int is_awaited = call(__NR_unlinkat, AT_FDCWD, (long)words[3], 0, 0, 0, 0) == 0;
		int64_t began = clock_ms();
		while (is_awaited && !is_watched() && clock_ms() - began < AWAITED_MS) turn(POLL_MS);
		words += is_old ? 5 : 6;
	} else if (count >= 3 && equal(words[1], "exec")) {
		now.is_exec = now.has_terminal = 1;
		/* Those who are at the other ends have descriptions of their own. */
		int in = must(call(__NR_fcntl, 0, 1030 /* F_DUPFD_CLOEXEC */, 3, 0, 0, 0), "use its input");
		int out = must(call(__NR_fcntl, 1, 1030, 3, 0, 0, 0), "use its output");
		no_waiting(in);
		no_waiting(out);
		greet(in, out);
		words += 2;
	} else {
		say("usage: console serve SOCKET MARK terminal|pipes|output UID:GID PROGRAM... | console exec PROGRAM...\n");
		leave(BAD_USE);
	}
	begin_program(words, environment);
	while (!now.has_ended) turn(POLL_MS);
	finish();
}
