/*
 * Wait queues (cpu/wait.h): lists of sleepers. A queue's lock (RANK_WAIT) orders a sleeper's entry
 * before or after each wake-up; the run queue's lock, taken inside, orders its state.
 */
#include "cpu/wait.h"
#include "cpu/panic.h"
#include "proc/sched.h"

void wait_queue_init(struct wait_queue *queue)
{
	spin_lock_init(&queue->lock, RANK_WAIT);
	list_init(&queue->sleepers);
}

void wait_entry_init(struct wait_entry *wait)
{
	list_init(&wait->node);
	wait->task = current;
	wait->wake = NULL;
}

void wait_prepare(struct wait_queue *queue, struct wait_entry *wait, enum task_state state)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	ASSERT(!(current->flags & PF_IDLE));
	if (list_empty(&wait->node))
		list_add_tail(&wait->node, &queue->sleepers);
	WRITE_ONCE(to_task(wait->task)->state, state);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_finish(struct wait_queue *queue, struct wait_entry *wait)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	WRITE_ONCE(to_task(wait->task)->state, TASK_RUNNING);
	list_del(&wait->node);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_add(struct wait_queue *queue, struct wait_entry *wait)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	list_add_tail(&wait->node, &queue->sleepers);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_remove(struct wait_queue *queue, struct wait_entry *wait)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	list_del(&wait->node);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Entries stay linked: their owners unlink them when their condition holds. Queue locked. */
static void wake_all(struct wait_queue *queue, u32 events)
{
	struct wait_entry *wait;

	list_for_each_entry (wait, &queue->sleepers, node) {
		if (wait->wake)
			wait->wake(wait, events);
		else
			sched_wake(to_task(wait->task));
	}
}

void wake_up(struct wait_queue *queue)
{
	wake_up_events(queue, 0);
}

void wake_up_events(struct wait_queue *queue, u32 events)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	wake_all(queue, events);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wake_up_nested(struct wait_queue *queue, u32 events)
{
	spin_lock_nested(&queue->lock);
	wake_all(queue, events);
	spin_unlock(&queue->lock);
}
