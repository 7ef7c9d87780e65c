/*
 * Sleep and wake, declared where every layer sees them; proc/ implements them.
 *
 * A sleeper writes its state before it tests its condition, a waker makes the condition true before
 * it reads the state:
 *
 *   struct wait_entry wait;                       condition = true;
 *   for (;;) {                                    wake_up(&queue);
 *           wait_prepare(&queue, &wait, TASK_UNINTERRUPTIBLE);
 *           if (condition)
 *                   break;
 *           schedule();
 *   }
 *   wait_finish(&queue, &wait);
 *
 * wait_event() below is that loop. Wakers may be interrupt handlers.
 */
#ifndef CPU_WAIT_H
#define CPU_WAIT_H

#include "cpu/current.h"
#include "cpu/spinlock.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "trace/trace_abi.h"

/* Of functions in which a task may sleep for others: who called them is told as the place where it sleeps. */
#define __sched __attribute__((section(".text.sched")))

struct wait_queue {
	spinlock_t lock; /* RANK_WAIT, interrupts off */
	struct list_head sleepers;
};

struct wait_entry {
	struct list_head node;     /* empty when not queued; guarded by the queue's lock */
	struct current_task *task; /* who sleeps */
	/* Called by wake_up() instead of waking the task, under the queue's lock with interrupts
	 * off; NULL: none. For entries that do not sleep themselves (fs/poll.h). `events`: what
	 * wake_up_events() was told, 0: anything. */
	void (*wake)(struct wait_entry *wait, u32 events);
};

#define WAIT_QUEUE_INIT(name)                                             \
	{                                                                 \
		SPINLOCK_INIT(RANK_WAIT), LIST_HEAD_INIT((name).sleepers) \
	}
#define DEFINE_WAIT_QUEUE(name) struct wait_queue name = WAIT_QUEUE_INIT(name)

void wait_queue_init(struct wait_queue *queue);

/* Queues the current task and sets its state; may be called again in the loop. `wait` needs no
 * initialisation first time only if wait_entry_init() was called. */
void wait_entry_init(struct wait_entry *wait);
void wait_prepare(struct wait_queue *queue, struct wait_entry *wait, enum task_state state);
void wait_finish(struct wait_queue *queue, struct wait_entry *wait);

/* Queues an entry with a wake function, or takes it out; the task's state is left alone. */
void wait_add(struct wait_queue *queue, struct wait_entry *wait);
void wait_remove(struct wait_queue *queue, struct wait_entry *wait);

/* Wakes all sleepers. Any context; takes RANK_WAIT and RANK_RUNQUEUE. */
void wake_up(struct wait_queue *queue);

/* The same; says to entries with a wake function what has come to be possible (EPOLL* of fs/poll.h),
 * for queues that are woken for several reasons. */
void wake_up_events(struct wait_queue *queue, u32 events);

/* The same in a wake function, so while another queue is locked: the caller says why two never wait for each
 * other. */
void wake_up_nested(struct wait_queue *queue, u32 events);

/* Gives the CPU away; returns when the task runs again. No spinlock may be held. The quiesce point
 * of sleeping tasks. */
void schedule(void);

/* The explicit preemption point of long kernel work: parks if a quiesce asks for it, schedules if
 * another task should run. No spinlock may be held. Does nothing when the scheduler does not run
 * yet. */
void cond_resched(void);

/* schedule(), with a wake-up at `deadline_ns` of clock_ns() at the latest: between wait_prepare()
 * and wait_finish(). */
void schedule_until(u64 deadline_ns);

/* Sleeps until `deadline_ns` of clock_ns(), or a wake-up, or (interruptible) a fatal signal.
 * Returns 0 when the time has come, -EINTR otherwise. */
int sleep_until(u64 deadline_ns, enum task_state state);

/* Sleeps until then: 0; or until a signal is pending: -ERESTARTSYS. */
int sleep_interruptible(u64 deadline_ns);

#define wait_event_state(queue, condition, state)               \
	do {                                                    \
		struct wait_entry wait_;                        \
		wait_entry_init(&wait_);                        \
		for (;;) {                                      \
			wait_prepare((queue), &wait_, (state)); \
			if (condition)                          \
				break;                          \
			schedule();                             \
		}                                               \
		wait_finish((queue), &wait_);                   \
	} while (0)

/* Sleeps until the condition holds: 0; or a signal is pending: -ERESTARTSYS. An expression. */
#define wait_event_interruptible(queue, condition)                         \
	({                                                                 \
		struct wait_entry wait_;                                   \
		int interrupted_ = 0;                                      \
		wait_entry_init(&wait_);                                   \
		for (;;) {                                                 \
			wait_prepare((queue), &wait_, TASK_INTERRUPTIBLE); \
			if (condition)                                     \
				break;                                     \
			if (current_has_signal()) {                        \
				interrupted_ = -ERESTARTSYS;               \
				break;                                     \
			}                                                  \
			schedule();                                        \
		}                                                          \
		wait_finish((queue), &wait_);                              \
		interrupted_;                                              \
	})

/* Sleeps until the condition holds: 0; or the task is going to die: -EINTR. Other signals do not end
 * it. An expression. */
#define wait_event_killable(queue, condition)                                                      \
	({                                                                                         \
		int killed_ = 0;                                                                   \
		wait_event_state(                                                                  \
			queue, (condition) || (killed_ = READ_ONCE(current->killed) ? -EINTR : 0), \
			TASK_KILLABLE);                                                            \
		killed_;                                                                           \
	})

#define wait_event(queue, condition) wait_event_state(queue, condition, TASK_UNINTERRUPTIBLE)

#endif
