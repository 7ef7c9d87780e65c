/*
 * System V shared memory: segments that programs find by a key or a number. The content of one is a file of
 * tmpfs that no directory has. Constants and structures are Linux's.
 */
#ifndef FS_SHM_H
#define FS_SHM_H

#include "lib/types.h"

#define IPC_PRIVATE 0
#define IPC_CREAT   01000u
#define IPC_EXCL    02000u

#define SHM_HUGETLB   04000u
#define SHM_NORESERVE 010000u

#define SHM_RDONLY 010000u
#define SHM_RND    020000u
#define SHM_REMAP  040000u
#define SHM_EXEC   0100000u

/* In shmid_ds.perm.mode, beside the rights. */
#define SHM_DEST   01000u
#define SHM_LOCKED 02000u

struct ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad;
	u32 pad2;
	u64 unused[2];
};

struct shmid_ds {
	struct ipc_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime; /* seconds */
	s32 cpid, lpid;
	u64 nattch, unused[2];
};

struct shm_info {
	s32 used_ids;
	u32 pad;
	u64 tot, rss, swp, swap_attempts, swap_successes; /* pages */
};

static_assert(sizeof(struct shmid_ds) == 112 && sizeof(struct shm_info) == 48, "ABI");

/* /proc/sys/kernel/shmmax (bytes), shmall (pages), shmmni. Each is read and written by itself. */
struct shm_limits {
	u64 max, all;
	u32 mni;
};
extern struct shm_limits shm_limits;
#define SHM_MAX_MNI 32768

/* As the calls of those names, for the current task: a number, an address, 0, or -errno. Sleep. */
int shm_get(s32 key, u64 size, u32 flags);
long shm_attach(s32 id, u64 addr, u32 flags);
int shm_detach(u64 addr);

/* How a call names a segment. */
enum shm_by {
	SHM_BY_ID,
	SHM_BY_INDEX,     /* its place in the table: SHM_STAT */
	SHM_BY_INDEX_ANY, /* the same without a check of rights: SHM_STAT_ANY */
};
/* 0, or by index its id; -EINVAL, -EACCES. */
int shm_stat(s32 id, enum shm_by by, struct shmid_ds *status);
/* Each 0, -EINVAL or -EPERM. */
int shm_set(s32 id, const struct shmid_ds *status);
int shm_remove(s32 id);
/* Reclaim leaves its pages alone, or takes them again. Locking may give -ENOMEM: more than the limit. */
int shm_lock(s32 id);
int shm_unlock(s32 id);
/* Sums over all segments; returns the highest index in use, or 0. */
int shm_totals(struct shm_info *info);

/* Visits all segments by ascending index, under a spinlock. */
void shm_for_each(void (*visit)(s32 id, const struct shmid_ds *status, u64 rss, u64 swp, void *arg),
		  void *arg);

#endif
