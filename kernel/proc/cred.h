/*
 * Who the current task acts as: user and group ids, supplementary groups, capabilities. Each thread
 * has its own, as on Linux; C libraries change those of all threads together.
 *
 * A task's cred is written by the task itself under tasks_lock: it may read it without, others under
 * the lock.
 */
#ifndef PROC_CRED_H
#define PROC_CRED_H

#include "cpu/atomic.h"
#include "lib/types.h"

/* Linux's numbers. */
#define CAP_CHOWN           0
#define CAP_DAC_OVERRIDE    1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER          3
#define CAP_FSETID          4
#define CAP_KILL            5
#define CAP_SETGID          6
#define CAP_SETUID          7
#define CAP_SETPCAP         8
#define CAP_LINUX_IMMUTABLE 9
#define CAP_IPC_OWNER       15
#define CAP_SYS_CHROOT      18
#define CAP_SYS_PTRACE      19
#define CAP_SYS_ADMIN       21
#define CAP_SYS_BOOT        22
#define CAP_SYS_NICE        23
#define CAP_SYS_RESOURCE    24
#define CAP_SYS_TIME        25
#define CAP_MKNOD           27
#define CAP_MAC_OVERRIDE    32
#define CAP_SYSLOG          34
#define NR_CAPABILITIES     41
#define ALL_CAPABILITIES    (BIT(NR_CAPABILITIES) - 1)

/* Securebits. */
#define SECURE_NOROOT           BIT(0)
#define SECURE_NO_SETUID_FIXUP  BIT(2)
#define SECURE_KEEP_CAPS        BIT(4)
#define SECURE_NO_AMBIENT_RAISE BIT(6)

#define MAX_GROUPS 65536

/* Never changed once made. */
struct groups {
	atomic_t refs;
	u32 nr;
	u32 gids[];
};

struct cred {
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	struct groups *groups; /* a reference; NULL: none */
	u64 effective, permitted, inheritable, bounding, ambient;
	u32 securebits;
	bool no_new_privs;
	bool dumpable; /* of its process, as far as prctl(2) tells */
};

struct task;

/* Those of the first process: root with everything. */
void cred_init(struct cred *cred);
/* Those of a child: the current task's. */
void cred_fork(struct cred *child);
void cred_release(struct cred *cred);

/* exec: what of the file's owner counts (set-user-ID and set-group-ID bits of `mode`), and which
 * capabilities follow. */
void cred_exec(u32 mode, u32 owner, u32 group);

u32 cred_uid(void);
u32 cred_gid(void);
u32 cred_euid(void);
u32 cred_egid(void);
u32 cred_fsuid(void);
u32 cred_fsgid(void);
/* Whether `gid` is its group for files, or one of its supplementary groups. */
bool cred_in_group(u32 gid);
bool cred_capable(u32 capability);

/* Whether access(2) asks: by the real ids, and root's capabilities by them. The former are to be
 * given back by cred_end_access(). */
void cred_begin_access(struct cred *saved);
void cred_end_access(const struct cred *saved);

/* Whether the current task may send that signal to the task; tasks_lock held. */
bool cred_may_signal(const struct task *task, s32 sig);
/* Whether it may look into it: memory, files, locks (Linux's ptrace_may_access()). tasks_lock held. */
bool cred_may_inspect(const struct task *task);
/* Whether it may change its limits and the like; tasks_lock held. */
bool cred_may_control(const struct task *task);

/* Each as the call of that name; -1 as (u32)-1 means: leave it. */
int cred_setuid(u32 uid);
int cred_setreuid(u32 uid, u32 euid);
int cred_setresuid(u32 uid, u32 euid, u32 suid);
u32 cred_setfsuid(u32 uid);
int cred_setgid(u32 gid);
int cred_setregid(u32 gid, u32 egid);
int cred_setresgid(u32 gid, u32 egid, u32 sgid);
u32 cred_setfsgid(u32 gid);
/* Takes the caller's reference, and sorts them: getgroups(2) tells them in that order. 0 or -EPERM, which leaves the reference to the caller. */
int cred_setgroups(struct groups *groups);
int cred_capset(u64 effective, u64 permitted, u64 inheritable);

/* Changes the current task's; what changes makes who it is another one ends dumping and
 * PR_SET_PDEATHSIG. */
void cred_commit(const struct cred *new);

#endif
