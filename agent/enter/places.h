/*
 * Places for mounts in a root that will be read-only, where nspawn comes too late to make them. On the node, before
 * the container's first process. The root is an image's: its links must lead nowhere but into it.
 *
 *   enter --places ROOT OWNER KIND PATH [KIND PATH]... -- PROGRAM [ARG...]        KIND is `folder` or `file`
 */
#pragma once

static void make_one(const char *path, int is_folder, long owner)
{
	long made = is_folder
		? call(__NR_mkdirat, AT_FDCWD, (long)path, 0755, 0, 0, 0)
		: call(__NR_openat, AT_FDCWD, (long)path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644, 0, 0);
	if (made == -EEXIST) return;
	must(made, "place", path);
	must(call(__NR_fchownat, AT_FDCWD, (long)path, owner, owner, 0x100 /* AT_SYMLINK_NOFOLLOW */, 0), "place", path);
	if (!is_folder) call(__NR_close, made, 0, 0, 0, 0, 0);
}

static void make_place(const char *path, int is_folder, long owner)
{
	char part[PATH_BYTES_MAX];
	size_t bytes = length(path);
	if (path[0] != '/' || bytes >= sizeof part) fail(CANNOT_ENTER, "place", path, "No path");
	for (size_t at = 0; at <= bytes; at++) {
		if (at > 1 && path[at] == '/') {
			part[at] = 0;
			make_one(part, 1, owner);
		}
		part[at] = path[at];
	}
	make_one(part, is_folder, owner);
}

/* By a child, which alone is in that root. */
static _Noreturn void make_places(char **words, char **environment)
{
	if (!words[0] || !words[1]) fail(CANNOT_ENTER, "places", "", "No root");
	const char *root = words[0], *text = words[1];
	long owner = (long)number(&text, 10, 0, "owner");
	long child = call(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0);
	must(child, "places", "child");
	if (child == 0) {
		must(call(__NR_chroot, (long)root, 0, 0, 0, 0, 0), "root", root);
		must(call(__NR_chdir, (long)"/", 0, 0, 0, 0, 0), "root", root);
		for (words += 2; words[0] && words[1] && !equal(words[0], "--"); words += 2)
			make_place(words[1], equal(words[0], "folder"), owner);
		call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
	}
	int status = -1;
	must(call(__NR_wait4, child, (long)&status, 0, 0, 0, 0), "places", "wait");
	if (status != 0) call(__NR_exit_group, CANNOT_ENTER, 0, 0, 0, 0, 0);
	for (words += 2; *words && !equal(*words, "--"); words++);
	if (!words[0] || !words[1]) fail(CANNOT_ENTER, "program", "", "None is named");
	run(words + 1, environment);
}
