/* The root of a container that does not run, for work on its files alone: see files.h. */
#pragma once

static void write_map(const char *process, const char *file)
{
	char path[64] = "/proc/", map[64];
	size_t at = length(path), bytes = 0;
	for (; *process; process++) path[at++] = *process;
	for (; *file; file++) path[at++] = *file;
	path[at] = 0;
	for (const char *from = "0 "; *from; from++) map[bytes++] = *from;
	for (const char *from = asked.users; *from && bytes < sizeof map - 1; from++)
		map[bytes++] = *from == ':' ? ' ' : *from;
	map[bytes] = 0;
	long fd = call(__NR_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC, 0, 0, 0);
	must(fd, "users", path);
	must(call(__NR_write, fd, (long)map, bytes, 0, 0, 0), "users", map);
	call(__NR_close, fd, 0, 0, 0, 0, 0);
}

/* Who is in a new user namespace has no users until somebody outside gives it some: a child that stays behind does. */
static void take_users(void)
{
	int pipe[2];
	char text[32], byte = 0;
	const char *self = decimal(call(__NR_getpid, 0, 0, 0, 0, 0, 0), text + sizeof text);
	must(call(__NR_pipe2, (long)pipe, O_CLOEXEC, 0, 0, 0, 0), "users", "pipe");
	long child = call(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0);
	must(child, "users", "child");
	if (child == 0) {
		call(__NR_close, pipe[1], 0, 0, 0, 0, 0);
		if (call(__NR_read, pipe[0], (long)&byte, 1, 0, 0, 0) == 1) {
			write_map(self, "/uid_map");
			write_map(self, "/gid_map");
		}
		call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
	}
	must(call(__NR_unshare, CLONE_NEWUSER, 0, 0, 0, 0, 0), "users", "namespace");
	must(call(__NR_write, pipe[1], (long)&byte, 1, 0, 0, 0), "users", "pipe");
	int status = -1;
	must(call(__NR_wait4, child, (long)&status, 0, 0, 0, 0), "users", "wait");
	if (status != 0) fail(CANNOT_ENTER, "users", asked.users, "Not given");
	call(__NR_close, pipe[0], 0, 0, 0, 0, 0);
	call(__NR_close, pipe[1], 0, 0, 0, 0, 0);
}

/* No program is run in it, so nothing can leave it that a program would need a namespace to be kept from. */
static void enter_root(void)
{
	if (!asked.root) return;
	if (!asked.has_files) fail(CANNOT_ENTER, "option", "--root", "Only for files");
	must(call(__NR_chdir, (long)asked.root, 0, 0, 0, 0, 0), "root", asked.root);
	if (asked.users) take_users();
	must(call(__NR_chroot, (long)".", 0, 0, 0, 0, 0), "root", asked.root);
}
