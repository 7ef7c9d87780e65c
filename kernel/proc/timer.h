/*
 * Timers of the kernel: a function that is called once a time has come, by a thread of its own, with
 * no locks held; and the tick's part of sleeping (cpu/wait.h). The resolution is a tick; nothing
 * comes early.
 */
#ifndef PROC_TIMER_H
#define PROC_TIMER_H

#include "lib/list.h"

struct ktimer {
	struct list_head node;                /* empty: not armed */
	u64 deadline_ns;                      /* of clock_ns() */
	void (*expire)(struct ktimer *timer); /* may arm it again; may sleep */
};

/* Starts the thread. */
void timer_init(void);

void ktimer_init(struct ktimer *timer, void (*expire)(struct ktimer *timer));

/* Arms it, anew if it is armed. Any spinlock below RANK_TIMER may be held. */
void ktimer_start(struct ktimer *timer, u64 deadline_ns);

/* Disarms it; its function may still be running, or about to. */
void ktimer_stop(struct ktimer *timer);

/* Disarms it and waits until its function has ended: then it may be freed. Sleeps; not under a lock
 * that the function takes. */
void ktimer_destroy(struct ktimer *timer);

/* When something that expired at `expired_ns`, and does so each `interval_ns` (not 0), next does behind
 * `now`; ~0: never. *times: how often it did until `now`, the first time included. */
u64 ktimer_next_expiry(u64 expired_ns, u64 interval_ns, u64 now, u64 *times);

/* Wakes those whose time has come. Interrupts off; on one CPU only. */
void timer_tick(void);

#endif
