/*
 * Timers of programs: the three of setitimer(2), which each process has, and those of
 * timer_create(2). Times are in ns; those of clocks as deadlines of clock_ns().
 *
 * Timers of processor time are looked at by the tick: it asks the running thread to do so on its way
 * to user mode (cur.timer_work), so nothing is late by more than a tick.
 */
#ifndef PROC_ITIMER_H
#define PROC_ITIMER_H

#include "proc/siginfo.h"
#include "proc/signal_state.h"
#include "proc/timer.h"

/* Of setitimer(2); Linux's. */
#define ITIMER_REAL    0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF    2

struct timer_setting {
	u64 value_ns;    /* until it expires; 0: disarmed */
	u64 interval_ns; /* then again and again; 0: once */
};

/* When something next expires in processor time of the process: 0 never. */
struct cpu_timer {
	u64 expires_ns, interval_ns;
};

/* Of a process; guarded by the lock of its handlers. */
struct process_timers {
	struct ktimer real;
	u64 real_interval_ns;
	struct cpu_timer virtual_, prof;
	struct list_head posix; /* struct posix_timer, by id */
	s32 next_id;
	bool watch_cpu;  /* a timer or a limit of processor time is to be looked at */
	u64 cpu_limit_s; /* RLIMIT_CPU: seconds after which SIGXCPU comes (again) */
};

struct process;

void timers_init_process(struct process *process);

/* The last thread of the current process exits, or it execs: timers of timer_create() go, and in the
 * first case those of setitimer(). Sleeps. */
void timers_exit(void);
void timers_exec(void);

/* `which` is checked. Either may be NULL. */
int itimer_set(u32 which, const struct timer_setting *new, struct timer_setting *old);

/* What of the process's own processor time is to be looked at has changed. Signal lock held. */
void timers_watch_cpu(struct process *process);

/* Looks at the timers and limits of processor time of the current thread and its process. No locks
 * held. */
void timers_check_cpu(void);

/* ---- timer_create(2) and the others ---- */

#define TIMER_CLOCK_REAL    0 /* deadlines of clock_ns() */
#define TIMER_CLOCK_PROCESS 1 /* processor time of the process */
#define TIMER_CLOCK_THREAD  2 /* of the thread that made the timer */

#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2
#define SIGEV_THREAD_ID 4

struct timer_event {
	s32 notify; /* SIGEV_* */
	s32 sig;
	s32 tid; /* with SIGEV_THREAD_ID */
	u64 value;
	bool value_is_id;
};

/* The id, -EAGAIN without memory or with too many, -EINVAL. */
long posix_timer_create(u32 clock, const struct timer_event *event);
/* `absolute`: new->value_ns is a time of the clock. 0, -EINVAL. `old` may be NULL. */
int posix_timer_set(s32 id, const struct timer_setting *new, bool absolute,
		    struct timer_setting *old);
int posix_timer_get(s32 id, struct timer_setting *setting);
/* Expirations that its last signal stood for beside the first one; -EINVAL. */
long posix_timer_overrun(s32 id);
int posix_timer_delete(s32 id);

/* The signal of a timer is taken from a queue: fills in what it tells. Signal lock held. */
void posix_timer_taken(struct queued_signal *entry, struct siginfo *info);

/* For itimer.c: those of processor time. Signal lock held. Returns whether there are any. */
bool posix_timers_watch_cpu(const struct process *process);
void posix_timers_check_cpu(u64 process_ns, u64 thread_ns);
void posix_timers_destroy(struct process *process);

#endif
