/*
 * What the kernel is asked for, and how. Landlock's part is written down here, as the headers of the machine that
 * builds may be older than the kernel that runs.
 */
#pragma once

#include "call.h"

/* ---- Landlock --------------------------------------------------------------------------------------------------- */

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif

enum { LANDLOCK_VERSION_FLAG = 1, LANDLOCK_PATH = 1, LANDLOCK_PORT = 2 };

struct landlock_ruleset { uint64_t fs, net; };
struct landlock_path { uint64_t access; int32_t fd; } __attribute__((packed));
struct landlock_port { uint64_t access, port; };

#define NET_BIND_TCP (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)

#define FS_RUN_FILE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE (1ull << 4 | 1ull << 5)
#define FS_MAKE_DEVICE (1ull << 6 | 1ull << 11)
/* Folders, files, sockets, pipes, links. */
#define FS_MAKE (1ull << 7 | 1ull << 8 | 1ull << 9 | 1ull << 10 | 1ull << 12)
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)

/* From version 2 on. Version 1 forbids every move between folders, with which many programs cannot live. */
#define FS_ALL_2 \
	(FS_RUN_FILE | FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE | FS_MAKE_DEVICE | FS_MAKE | FS_REFER)
#define FS_OF_FILES (FS_RUN_FILE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_EXECUTE FS_RUN_FILE
/* Nobody is given leave to make devices. */
#define FS_WRITE (FS_WRITE_FILE | FS_REMOVE | FS_MAKE | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV)

/* ---- System calls ----------------------------------------------------------------------------------------------- */

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME_FLAG 0x80
#else
#define CLONE_NEWTIME_FLAG CLONE_NEWTIME
#endif

/* Newer ones than this was written for are answered as by an older kernel. Those of x32 are above as well. */
enum { LAST_KNOWN_CALL = 470, ALWAYS = -1 };

/*
 * Refused, unless the capability is kept. Each is refused by nspawn's filter as well, or is of no use to a program
 * without privileges and has been a way out.
 */
static const struct { short number, capability; } refused[] = {
	{ __NR_acct, CAP_SYS_PACCT },
	{ __NR_add_key, ALWAYS }, { __NR_keyctl, ALWAYS }, { __NR_request_key, ALWAYS },
	{ __NR_bpf, CAP_BPF }, { __NR_perf_event_open, CAP_PERFMON }, { __NR_lookup_dcookie, ALWAYS },
	{ __NR_clock_settime, CAP_SYS_TIME }, { __NR_settimeofday, CAP_SYS_TIME }, { __NR_clock_adjtime, CAP_SYS_TIME },
	{ __NR_adjtimex, CAP_SYS_TIME },
	{ __NR_init_module, CAP_SYS_MODULE }, { __NR_finit_module, CAP_SYS_MODULE },
	{ __NR_delete_module, CAP_SYS_MODULE },
	{ __NR_io_uring_setup, ALWAYS }, { __NR_io_uring_enter, ALWAYS }, { __NR_io_uring_register, ALWAYS },
	{ __NR_kexec_load, CAP_SYS_BOOT }, { __NR_kexec_file_load, CAP_SYS_BOOT }, { __NR_reboot, CAP_SYS_BOOT },
	{ __NR_mount, CAP_SYS_ADMIN }, { __NR_umount2, CAP_SYS_ADMIN }, { __NR_pivot_root, CAP_SYS_ADMIN },
	{ 428 /* open_tree */, CAP_SYS_ADMIN }, { 429 /* move_mount */, CAP_SYS_ADMIN },
	{ 430 /* fsopen */, CAP_SYS_ADMIN }, { 431 /* fsconfig */, CAP_SYS_ADMIN }, { 432 /* fsmount */, CAP_SYS_ADMIN },
	{ 433 /* fspick */, CAP_SYS_ADMIN }, { 442 /* mount_setattr */, CAP_SYS_ADMIN },
	{ 467 /* open_tree_attr */, CAP_SYS_ADMIN },
	{ __NR_setns, CAP_SYS_ADMIN }, { __NR_fanotify_init, CAP_SYS_ADMIN }, { __NR_fanotify_mark, CAP_SYS_ADMIN },
	{ __NR_quotactl, CAP_SYS_ADMIN },
	{ 443 /* quotactl_fd */, CAP_SYS_ADMIN }, { __NR_swapon, CAP_SYS_ADMIN }, { __NR_swapoff, CAP_SYS_ADMIN },
	{ __NR_open_by_handle_at, CAP_DAC_READ_SEARCH },
	{ __NR_ptrace, CAP_SYS_PTRACE }, { __NR_process_vm_readv, CAP_SYS_PTRACE },
	{ __NR_process_vm_writev, CAP_SYS_PTRACE }, { 438 /* pidfd_getfd */, CAP_SYS_PTRACE },
	{ 440 /* process_madvise */, CAP_SYS_PTRACE }, { 448 /* process_mrelease */, CAP_SYS_PTRACE },
	{ 447 /* memfd_secret */, ALWAYS }, { 454 /* futex_wake */, ALWAYS }, { 455 /* futex_wait */, ALWAYS },
	{ 456 /* futex_requeue */, ALWAYS },
	{ __NR_syslog, CAP_SYSLOG }, { __NR_userfaultfd, ALWAYS }, { __NR_vhangup, CAP_SYS_TTY_CONFIG },
	{ __NR_nfsservctl, ALWAYS },
#if defined(__x86_64__)
	{ __NR_ioperm, CAP_SYS_RAWIO }, { __NR_iopl, CAP_SYS_RAWIO }, { __NR_modify_ldt, ALWAYS },
	{ __NR__sysctl, ALWAYS }, { __NR_uselib, ALWAYS }, { __NR_ustat, ALWAYS }, { __NR_sysfs, ALWAYS },
#endif
};
