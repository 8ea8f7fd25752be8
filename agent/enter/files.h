/*
 * What `enter --files` does in place of a program: reads files of the container into one stream, or writes one stream
 * into files, with no more than a program inside may have. The stream is records of a fixed head and what follows it;
 * agent/src/engine/files/records.ts is its other end.
 *
 *   look PATH              one record of what is there, its last name not followed
 *   list PATH NAME         records of all that is below, as if all files were empty
 *   pack PATH NAME [-L]    the same with contents; with -L PATH is followed where it is a link
 *   each PATH              the same of names in that folder, which come on standard input, but of nothing below them
 *   unpack PATH            makes below that folder what comes on standard input
 *
 * Nothing is opened by a path of more than one name but PATH, which the container's own root ends: every other step is
 * from an open folder to one of its names, and links are not followed. So whoever swaps names meanwhile gets an error,
 * or has the swapped thing as it is, but sends nobody elsewhere.
 */
#pragma once

#include <linux/stat.h>
#include <linux/openat2.h>

enum { NO_SUCH_FILE = 10, MAY_NOT = 11, WRONG_KIND = 12, NO_SPACE = 13, FILE_FAILED = 14 };
enum { DEPTH_MAX = 256, NAMES_BYTES_MAX = 32768, XATTRS_BYTES_MAX = 131072, BLOCK_BYTES = 131072 };
enum { FILE_TYPE, HARDLINK, SYMLINK, CHARDEV, BLOCKDEV, FOLDER, FIFO };

/* As it travels: numbers little-endian, as those of all machines that this runs on. */
struct record {
	uint8_t mark, type;
	uint16_t name_bytes, link_bytes, reserved;
	uint32_t mode, uid, gid, nanoseconds;
	int64_t seconds;
	uint64_t size;
	uint32_t major, minor, xattrs_bytes, reserved_too;
};

static void copy_bytes(void *to, const void *from, size_t size)
{
	for (size_t n = 0; n < size; n++) ((volatile char *)to)[n] = ((const char *)from)[n];
}

static int is_starting_with(const char *text, const char *start)
{
	while (*start && *text == *start) text++, start++;
	return !*start;
}

static int code_of(long error)
{
	switch (-error) {
	case ENOENT: return NO_SUCH_FILE;
	case EACCES: case EPERM: case EROFS: return MAY_NOT;
	case ENOTDIR: case EISDIR: case EEXIST: case ENOTEMPTY: case ELOOP: case EXDEV: case EBUSY: return WRONG_KIND;
	case ENOSPC: case EDQUOT: case EMFILE: case ENFILE: case ENOMEM: case EFBIG: return NO_SPACE;
	default: return FILE_FAILED;
	}
}

static const char *file_reason(long error)
{
	switch (-error) {
	case EROFS: return "Read-only file system";
	case EISDIR: return "Is a directory";
	case EEXIST: return "File exists";
	case ENOTEMPTY: return "Directory not empty";
	case ELOOP: return "A symbolic link is in the way";
	case EBUSY: return "Something is mounted there";
	case ENOSPC: return "No space left on device";
	case EDQUOT: return "Disk quota exceeded";
	default: return reason(error);
	}
}

static long file_must(long result, const char *what, const char *name)
{
	if (result < 0) fail(code_of(result), what, name, file_reason(result));
	return result;
}

static void close_file(long fd) { call(__NR_close, fd, 0, 0, 0, 0, 0); }

static long open_at(long folder, const char *name, long flags, long mode)
{
	return call(__NR_openat, folder, (long)name, flags | O_CLOEXEC, mode, 0, 0);
}

static void write_all(const void *bytes, size_t size)
{
	for (size_t done = 0; done < size; ) {
		long wrote = call(__NR_write, 1, (long)bytes + done, size - done, 0, 0, 0);
		if (wrote == -EINTR) continue;
		/* Nobody listens any more, so nobody is to be told. */
		if (wrote <= 0) call(__NR_exit_group, FILE_FAILED, 0, 0, 0, 0, 0);
		done += wrote;
	}
}

static char block[BLOCK_BYTES];

/* ---- Reading: what every entry is -------------------------------------------------------------------------------- */

/* The path of what is being read, as it is called in the stream. */
static char path[NAMES_BYTES_MAX];
static size_t path_length;
static char xattr_names[65536], xattr_value[65536], xattrs[XATTRS_BYTES_MAX];
static int has_contents, follows_first, is_flat;

static int type_of(unsigned mode)
{
	switch (mode & 0170000) {
	case 0100000: return FILE_TYPE;
	case 0120000: return SYMLINK;
	case 0020000: return CHARDEV;
	case 0060000: return BLOCKDEV;
	case 0040000: return FOLDER;
	case 0010000: return FIFO;
	default: return -1;
	}
}

static struct record record_of(const struct statx *found)
{
	return (struct record){
		.mark = 'E', .type = type_of(found->stx_mode), .name_bytes = path_length, .mode = found->stx_mode & 07777,
		.uid = found->stx_uid, .gid = found->stx_gid, .nanoseconds = found->stx_mtime.tv_nsec,
		.seconds = found->stx_mtime.tv_sec, .size = type_of(found->stx_mode) == FILE_TYPE ? found->stx_size : 0,
		.major = found->stx_rdev_major, .minor = found->stx_rdev_minor,
	};
}

static long look_at(long folder, const char *name, struct statx *found, int follows)
{
	long flags = *name ? (follows ? 0 : 0x100 /* AT_SYMLINK_NOFOLLOW */) : 0x1000 /* AT_EMPTY_PATH */;
	return call(__NR_statx, folder, (long)name, flags, STATX_BASIC_STATS, (long)found, 0);
}

/* What a file carries besides, one after the other: length of its name, length of its value, both. */
static uint32_t read_xattrs(long fd)
{
	size_t used = 0;
	long listed = call(__NR_flistxattr, fd, (long)xattr_names, sizeof xattr_names, 0, 0, 0);
	for (char *name = xattr_names; listed > 0 && name < xattr_names + listed; name += length(name) + 1) {
		long size = call(__NR_fgetxattr, fd, (long)name, (long)xattr_value, sizeof xattr_value, 0, 0);
		if (size < 0 || is_starting_with(name, "security.selinux")) continue;
		uint16_t name_bytes = length(name);
		uint32_t value_bytes = size;
		if (used + 6 + name_bytes + value_bytes > sizeof xattrs) fail(FILE_FAILED, "read", path, "Too many attributes");
		copy_bytes(xattrs + used, &name_bytes, 2);
		copy_bytes(xattrs + used + 2, &value_bytes, 4);
		copy_bytes(xattrs + used + 6, name, name_bytes);
		copy_bytes(xattrs + used + 6 + name_bytes, xattr_value, value_bytes);
		used += 6 + name_bytes + value_bytes;
	}
	return used;
}

static void write_record(struct record record, const char *link)
{
	write_all(&record, sizeof record);
	write_all(path, record.name_bytes);
	if (record.link_bytes) write_all(link, record.link_bytes);
	if (record.xattrs_bytes) write_all(xattrs, record.xattrs_bytes);
}

static void write_end(void)
{
	static const struct record end = { .mark = 'Z' };
	write_all(&end, sizeof end);
}

/* As many bytes as were promised: a file that shrinks meanwhile ends in zeros. */
static void write_contents(long fd, uint64_t size)
{
	while (size > 0) {
		size_t wanted = size < sizeof block ? size : sizeof block;
		long got = call(__NR_read, fd, (long)block, wanted, 0, 0, 0);
		if (got == -EINTR) continue;
		file_must(got, "read", path);
		if (got == 0) {
			memset(block, 0, wanted);
			got = wanted;
		}
		write_all(block, got);
		size -= got;
	}
}

/* ---- Reading: files of several names ----------------------------------------------------------------------------- */

enum { LINKS_MAX = 1 << 20, LINK_NAMES_BYTES_MAX = 1 << 28 };
static struct link { uint64_t device, inode; uint32_t name, bytes; } *links;
static char *link_names;
static size_t link_count, link_names_used = 1;

/* Pages of it that are not touched cost nothing. */
static void *reserve(size_t size)
{
	long at = call(__NR_mmap, 0, size, 3 /* read, write */, 0x4022 /* private, of no file, not counted */, -1, 0);
	return at < 0 && at > -4096 ? 0 : (void *)at;
}

/* The entry of a file seen before; otherwise this is its first name. Without room, all are files of their own. */
static const struct link *seen_before(const struct statx *found)
{
	if (!links) {
		links = reserve(LINKS_MAX * sizeof *links);
		link_names = reserve(LINK_NAMES_BYTES_MAX);
	}
	if (!links || !link_names) return 0;
	uint64_t device = (uint64_t)found->stx_dev_major << 32 | found->stx_dev_minor;
	size_t at = (found->stx_ino * 0x9E3779B97F4A7C15ull ^ device) >> 20 & (LINKS_MAX - 1);
	for (; links[at].name; at = (at + 1) & (LINKS_MAX - 1))
		if (links[at].device == device && links[at].inode == found->stx_ino) return &links[at];
	if (link_count >= LINKS_MAX / 2 || link_names_used + path_length > LINK_NAMES_BYTES_MAX) return 0;
	links[at] = (struct link){ device, found->stx_ino, link_names_used, path_length };
	copy_bytes(link_names + link_names_used, path, path_length);
	link_names_used += path_length;
	link_count++;
	return 0;
}

/* ---- Reading: folders -------------------------------------------------------------------------------------------- */

struct name_in_folder { uint64_t inode; int64_t offset; uint16_t bytes; uint8_t type; char name[]; };

static void pack(long folder, const char *name, int depth);

static void pack_folder(long fd, int depth)
{
	static char names[DEPTH_MAX][4096];
	if (depth + 1 >= DEPTH_MAX) fail(NO_SPACE, "read", path, "Too deep");
	size_t own_length = path_length;
	for (;;) {
		long got = file_must(call(__NR_getdents64, fd, (long)names[depth], sizeof names[depth], 0, 0, 0), "read", path);
		if (got == 0) return;
		for (long at = 0; at < got; ) {
			const struct name_in_folder *one = (const void *)(names[depth] + at);
			at += one->bytes;
			if (equal(one->name, ".") || equal(one->name, "..")) continue;
			size_t bytes = length(one->name);
			if (path_length + bytes + 2 > sizeof path) fail(NO_SPACE, "read", path, "Its path is too long");
			path[path_length++] = '/';
			copy_bytes(path + path_length, one->name, bytes + 1);
			path_length += bytes;
			pack(fd, one->name, depth + 1);
			path_length = own_length;
			path[path_length] = 0;
		}
	}
}

/* One that goes away meanwhile is left out; but that for which this was called must be there. */
static int is_gone(long result, int depth) { return result == -ENOENT && depth > 0; }

static void pack(long folder, const char *name, int depth)
{
	struct statx found;
	int follows = follows_first && depth == 0;
	long result = look_at(folder, name, &found, follows);
	if (is_gone(result, depth)) return;
	file_must(result, "read", path);
	int type = type_of(found.stx_mode);
	if (type < 0) return;
	if (type == FILE_TYPE || type == FOLDER) {
		/* Never waits for what it finds to be something else by now. */
		long flags = O_RDONLY | O_NONBLOCK | (follows ? 0 : O_NOFOLLOW) | (type == FOLDER ? O_DIRECTORY : 0);
		long fd = open_at(folder, name, flags, 0);
		if (is_gone(fd, depth) || (depth > 0 && (fd == -ELOOP || fd == -ENOTDIR))) return;
		file_must(fd, "read", path);
		file_must(look_at(fd, "", &found, 0), "read", path);
		if (type_of(found.stx_mode) == type) {
			struct record record = record_of(&found);
			const struct link *first = type == FILE_TYPE && found.stx_nlink > 1 ? seen_before(&found) : 0;
			if (first) {
				record.type = HARDLINK;
				record.size = 0;
				record.link_bytes = first->bytes;
				write_record(record, link_names + first->name);
			} else {
				record.xattrs_bytes = read_xattrs(fd);
				if (!has_contents) record.size = 0;
				write_record(record, 0);
				if (type == FILE_TYPE && has_contents) write_contents(fd, found.stx_size);
				if (type == FOLDER && !is_flat) pack_folder(fd, depth);
			}
		}
		close_file(fd);
		return;
	}
	struct record record = record_of(&found);
	if (type == SYMLINK) {
		long bytes = call(__NR_readlinkat, folder, (long)name, (long)block, sizeof block, 0, 0);
		if (depth > 0 && (bytes == -ENOENT || bytes == -EINVAL)) return;
		record.link_bytes = file_must(bytes, "read", path);
	}
	write_record(record, block);
}

static void name_stream(const char *name)
{
	path_length = length(name);
	if (path_length + 1 > sizeof path) fail(NO_SPACE, "read", name, "Its path is too long");
	copy_bytes(path, name, path_length + 1);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static char link_path[NAMES_BYTES_MAX];
static char spare_name[64];
static long spare_folder = -1;

/* Nothing half-made stays. */
static _Noreturn void fail_writing(long error, const char *name)
{
	if (spare_folder >= 0) call(__NR_unlinkat, spare_folder, (long)spare_name, 0, 0, 0, 0);
	fail(code_of(error), "write", name, file_reason(error));
}

static long write_must(long result, const char *name)
{
	if (result < 0) fail_writing(result, name);
	return result;
}

/* False where the stream ends instead. */
static int read_all(void *bytes, size_t size)
{
	for (size_t done = 0; done < size; ) {
		long got = call(__NR_read, 0, (long)bytes + done, size - done, 0, 0, 0);
		if (got == -EINTR) continue;
		if (got <= 0) return 0;
		done += got;
	}
	return 1;
}

static void receive(void *bytes, size_t size)
{
	if (!read_all(bytes, size)) fail_writing(-EPIPE, path);
}

/* To get to what is in it, which is no reading: whoever may write to a folder need not be able to list it. */
static long open_below(long base, const char *below)
{
	struct open_how how = {
		.flags = O_DIRECTORY | O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return call(__NR_openat2, base, (long)below, (long)&how, sizeof how, 0, 0);
}

/* A name that is gone is left out. */
static void pack_each(const char *where)
{
	long base = file_must(open_at(AT_FDCWD, where, O_PATH | O_DIRECTORY, 0), "read", where);
	is_flat = 1;
	for (;;) {
		uint16_t bytes;
		receive(&bytes, sizeof bytes);
		if (bytes == 0) return;
		if (bytes >= sizeof path) fail(NO_SPACE, "read", where, "A path is too long");
		receive(path, bytes);
		path[bytes] = 0;
		path_length = bytes;
		char *slash = 0;
		for (char *at = path; *at; at++) if (*at == '/') slash = at;
		if (slash) *slash = 0;
		long folder = open_below(base, slash ? path : ".");
		if (slash) *slash = '/';
		if (folder == -ENOENT) continue;
		file_must(folder, "read", path);
		pack(folder, slash ? slash + 1 : path, 1);
		close_file(folder);
	}
}

/* The folder that `whole` is in, made where it is not there, and the last name. */
static long folder_of(long base, char *whole, const char **last)
{
	char *slash = 0;
	for (char *at = whole; *at; at++) if (*at == '/') slash = at;
	*last = slash ? slash + 1 : whole;
	if (!slash) return write_must(open_below(base, "."), whole);
	*slash = 0;
	long folder = open_below(base, whole);
	for (char *at = whole; folder == -ENOENT && *at; at++) {
		/* Each part of the way in turn; those that are there stay as they are. */
		if (at[1] != '/' && at[1] != 0) continue;
		char kept = at[1];
		at[1] = 0;
		char *name = whole;
		for (char *back = whole; *back; back++) if (*back == '/') name = back + 1;
		char *cut = name > whole ? name - 1 : 0;
		if (cut) *cut = 0;
		long above = write_must(open_below(base, cut ? whole : "."), whole);
		if (cut) *cut = '/';
		long made = call(__NR_mkdirat, above, (long)name, 0755, 0, 0, 0);
		if (made != -EEXIST) write_must(made, whole);
		close_file(above);
		at[1] = kept;
	}
	if (folder == -ENOENT) folder = open_below(base, whole);
	write_must(folder, whole);
	*slash = '/';
	return folder;
}

static void set_xattrs(long fd, uint32_t bytes)
{
	for (size_t at = 0; at + 6 <= bytes; ) {
		uint16_t name_bytes;
		uint32_t value_bytes;
		copy_bytes(&name_bytes, xattrs + at, 2);
		copy_bytes(&value_bytes, xattrs + at + 2, 4);
		at += 6;
		if (name_bytes > 255 || at + name_bytes + value_bytes > bytes) fail_writing(-EINVAL, path);
		char name[256];
		copy_bytes(name, xattrs + at, name_bytes);
		name[name_bytes] = 0;
		write_must(call(__NR_fsetxattr, fd, (long)name, (long)xattrs + at + name_bytes, value_bytes, 0, 0), path);
		at += name_bytes + value_bytes;
	}
}

static void set_times(long folder, const char *name, const struct record *record, long flags)
{
	struct { int64_t seconds, nanoseconds; } times[2] = {
		{ 0, 0x3ffffffe /* UTIME_OMIT */ }, { record->seconds, record->nanoseconds },
	};
	write_must(call(__NR_utimensat, folder, (long)name, (long)times, flags, 0, 0), path);
}

/* Owner first, as a change of it takes mode bits away. */
static void finish_open(long fd, const struct record *record)
{
	if (record->uid || record->gid) write_must(call(__NR_fchown, fd, record->uid, record->gid, 0, 0, 0), path);
	set_xattrs(fd, record->xattrs_bytes);
	write_must(call(__NR_fchmod, fd, record->mode, 0, 0, 0, 0), path);
	set_times(fd, 0, record, 0);
}

/* Folders that were made here get mode and time when all that is in them is there. Each is inside the one before. */
static struct { long fd; struct record record; size_t bytes; } unfinished[DEPTH_MAX];
static int unfinished_count;
static char entered[NAMES_BYTES_MAX];

static int is_in_entered(const char *next, size_t bytes)
{
	if (!next) return 0;
	for (size_t n = 0; n < bytes; n++) if (next[n] != entered[n]) return 0;
	return next[bytes] == '/';
}

static void finish_folder(long fd, const struct record *record)
{
	if (record->uid || record->gid)
		write_must(call(__NR_fchownat, fd, (long)".", record->uid, record->gid, 0, 0), path);
	write_must(call(__NR_fchmodat, fd, (long)".", record->mode, 0, 0, 0), path);
	set_times(fd, ".", record, 0);
	close_file(fd);
}

static void leave_folders(const char *next)
{
	while (unfinished_count > 0 && !is_in_entered(next, unfinished[unfinished_count - 1].bytes)) {
		unfinished_count--;
		finish_folder(unfinished[unfinished_count].fd, &unfinished[unfinished_count].record);
	}
}

static void make_folder(long folder, const char *name, struct record record)
{
	long made = call(__NR_mkdirat, folder, (long)name, 0700, 0, 0, 0);
	if (made < 0 && made != -EEXIST) fail_writing(made, path);
	long fd = write_must(open_below(folder, name), path);
	/* One that is there stays as it is. */
	if (made == -EEXIST) return close_file(fd);
	if (record.xattrs_bytes) {
		long open = write_must(open_at(fd, ".", O_RDONLY | O_DIRECTORY, 0), path);
		set_xattrs(open, record.xattrs_bytes);
		close_file(open);
	}
	if (unfinished_count == DEPTH_MAX) fail(NO_SPACE, "write", path, "Too deep");
	copy_bytes(entered, path, length(path) + 1);
	unfinished[unfinished_count].fd = fd;
	unfinished[unfinished_count].record = record;
	unfinished[unfinished_count++].bytes = length(path);
}

static void write_file(long folder, const struct record *record)
{
	long fd = write_must(open_at(folder, spare_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600), path);
	spare_folder = folder;
	for (uint64_t missing = record->size; missing > 0; ) {
		size_t wanted = missing < sizeof block ? missing : sizeof block;
		receive(block, wanted);
		for (size_t done = 0; done < wanted; ) {
			long wrote = call(__NR_write, fd, (long)block + done, wanted - done, 0, 0, 0);
			if (wrote == -EINTR) continue;
			done += write_must(wrote, path);
		}
		missing -= wanted;
	}
	finish_open(fd, record);
	close_file(fd);
}

static void link_file(long base, long folder)
{
	const char *first;
	long first_folder = folder_of(base, link_path, &first);
	write_must(call(__NR_linkat, first_folder, (long)first, folder, (long)spare_name, 0, 0), path);
	spare_folder = folder;
	close_file(first_folder);
}

static void make_other(long base, long folder, const struct record *record)
{
	if (record->type == HARDLINK) return link_file(base, folder);
	if (record->type == SYMLINK)
		write_must(call(__NR_symlinkat, (long)link_path, folder, (long)spare_name, 0, 0, 0), path);
	else if (record->type == FIFO)
		write_must(call(__NR_mknodat, folder, (long)spare_name, 0010600, 0, 0, 0), path);
	else fail(WRONG_KIND, "write", path, "It is a device");
	spare_folder = folder;
	const long itself = 0x100 /* AT_SYMLINK_NOFOLLOW */;
	if (record->uid || record->gid)
		write_must(call(__NR_fchownat, folder, (long)spare_name, record->uid, record->gid, itself, 0), path);
	if (record->type == FIFO)
		write_must(call(__NR_fchmodat, folder, (long)spare_name, record->mode, 0, 0, 0), path);
	set_times(folder, spare_name, record, itself);
}

/* A file takes the place of another at once, when all of it is there; that of a folder it does not take. */
static void unpack_entry(long base, const struct record *record)
{
	leave_folders(path);
	const char *name;
	long folder = folder_of(base, path, &name);
	if (record->type == FOLDER) {
		make_folder(folder, name, *record);
	} else {
		if (record->type == FILE_TYPE) write_file(folder, record);
		else make_other(base, folder, record);
		write_must(call(__NR_renameat, folder, (long)spare_name, folder, (long)name, 0, 0), path);
		/* Two names of one file are left as they are by a rename. */
		if (record->type == HARDLINK) call(__NR_unlinkat, folder, (long)spare_name, 0, 0, 0, 0);
		spare_folder = -1;
	}
	close_file(folder);
}

static void unpack(const char *where)
{
	static const char start[] = ".volt-copy-";
	copy_bytes(spare_name, start, sizeof start);
	char number_text[32];
	const char *own = decimal(call(__NR_getpid, 0, 0, 0, 0, 0, 0), number_text + sizeof number_text);
	copy_bytes(spare_name + sizeof start - 1, own, length(own) + 1);
	call(__NR_umask, 0, 0, 0, 0, 0, 0);
	long base = file_must(open_at(AT_FDCWD, where, O_PATH | O_DIRECTORY, 0), "write", where);
	for (struct record record; ; ) {
		receive(&record, sizeof record);
		if (record.mark == 'Z') break;
		if (record.mark != 'E' || record.name_bytes == 0 || record.name_bytes >= sizeof path ||
			record.link_bytes >= sizeof link_path || record.xattrs_bytes > sizeof xattrs)
			fail_writing(-EINVAL, where);
		receive(path, record.name_bytes);
		path[record.name_bytes] = 0;
		receive(link_path, record.link_bytes);
		link_path[record.link_bytes] = 0;
		receive(xattrs, record.xattrs_bytes);
		unpack_entry(base, &record);
	}
	leave_folders(0);
}

/* ---- What was asked for ------------------------------------------------------------------------------------------ */

static _Noreturn void work_on_files(char **words)
{
	const char *verb = words[0], *where = words[1], *name = where ? words[2] : 0;
	if (where && equal(verb, "unpack")) {
		unpack(where);
	} else if (where && equal(verb, "each")) {
		has_contents = 1;
		pack_each(where);
		write_end();
	} else if (where && equal(verb, "look")) {
		struct statx found;
		name_stream(where);
		file_must(look_at(AT_FDCWD, where, &found, 0), "look at", where);
		struct record record = record_of(&found);
		if (record.type == SYMLINK) {
			long bytes = call(__NR_readlinkat, AT_FDCWD, (long)where, (long)block, sizeof block, 0, 0);
			record.link_bytes = file_must(bytes, "look at", where);
		}
		write_record(record, block);
	} else if (name && (equal(verb, "pack") || equal(verb, "list"))) {
		has_contents = equal(verb, "pack");
		follows_first = words[3] && equal(words[3], "-L");
		name_stream(name);
		pack(AT_FDCWD, where, 0);
		write_end();
	} else {
		fail(CANNOT_ENTER, "files", verb, "Not asked for in full");
	}
	call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}
