/* Resource limits of a process (setrlimit(2)). What mm asks about them is mm/limits.h. */
#ifndef PROC_LIMITS_H
#define PROC_LIMITS_H

#include "lib/types.h"

/* Linux's numbers. */
enum {
	RLIMIT_CPU, /* seconds */
	RLIMIT_FSIZE,
	RLIMIT_DATA,
	RLIMIT_STACK,
	RLIMIT_CORE,
	RLIMIT_RSS,
	RLIMIT_NPROC,
	RLIMIT_NOFILE,
	RLIMIT_MEMLOCK,
	RLIMIT_AS,
	RLIMIT_LOCKS,
	RLIMIT_SIGPENDING,
	RLIMIT_MSGQUEUE,
	RLIMIT_NICE,
	RLIMIT_RTPRIO,
	RLIMIT_RTTIME,
	NR_RLIMITS
};

#define RLIM_INFINITY (~0ul)
#define MAX_NOFILE    (1u << 20) /* Linux's sysctl nr_open */

/* struct rlimit of the ABI. */
struct rlimit {
	u64 soft, hard;
};

struct process;

/* Those of the first process. */
void limits_init(struct rlimit limits[NR_RLIMITS]);

/* Read without a lock; a change comes into force when it is next asked for. */
u64 limit_soft(const struct process *process, u32 resource);
u64 limit_hard(const struct process *process, u32 resource);

/* Either may be NULL. 0, -EINVAL: soft above hard; -EPERM: a higher hard limit without the right to
 * it. tasks_lock held: `process` may be another one. */
int limit_change(struct process *process, u32 resource, const struct rlimit *new,
		 struct rlimit *old);

/* Whether the current user may have one more process (RLIMIT_NPROC); root may. */
bool limit_allows_process(void);

/* How many bytes of `size` may be written at `pos` of a file (RLIMIT_FSIZE): at least one, or -EFBIG
 * and SIGXFSZ is sent. */
long limit_file_write(u64 pos, u64 size);
/* Whether a file may become `size` bytes large: 0, or -EFBIG and the signal. */
int limit_file_size(u64 size);

#endif
