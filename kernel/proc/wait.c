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

/* Entries stay linked: their owners unlink them when their condition holds. */
void wake_up(struct wait_queue *queue)
{
	u64 flags = spin_lock_irqsave(&queue->lock);
	struct wait_entry *wait;

	list_for_each_entry (wait, &queue->sleepers, node) {
		if (wait->wake)
			wait->wake(wait);
		else
			sched_wake(to_task(wait->task));
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}
