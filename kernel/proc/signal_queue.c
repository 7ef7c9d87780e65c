/*
 * Sets of pending signals, with what each tells. A standard signal is pending once at most, real-time
 * ones as often as they were sent. All functions but signal_flush() are called under the lock that
 * guards the set.
 *
 * How many entries a user may have in all queues is limited (RLIMIT_SIGPENDING). Where there is no
 * entry, for that or for want of memory, the signal is still pending, without what it told.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/itimer.h"
#include "proc/limits.h"
#include "proc/signal.h"

/* Of all users together. */
static atomic_t nr_queued;

bool signal_charge(const struct process *process, bool ignore_limit)
{
	u64 nr = atomic_inc_return(&nr_queued);

	if (ignore_limit || nr <= limit_soft(process, RLIMIT_SIGPENDING))
		return true;
	signal_uncharge();
	return false;
}

void signal_uncharge(void)
{
	(void)atomic_dec_return(&nr_queued);
}

static bool is_real_time(s32 sig)
{
	return sig >= SIGRTMIN;
}

/* Standard signals that the kernel sends about something must not get lost: the limit does not
 * count for them. */
static bool ignores_limit(const struct siginfo *info)
{
	return !is_real_time(info->signo) && info->code >= 0;
}

static struct queued_signal *create_entry(const struct process *process, const struct siginfo *info)
{
	if (!signal_charge(process, ignores_limit(info)))
		return NULL;
	struct queued_signal *entry = kmalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry) {
		signal_uncharge();
		return NULL;
	}
	entry->info = *info;
	entry->embedded = false;
	return entry;
}

static void free_entry(struct queued_signal *entry)
{
	list_del(&entry->node);
	if (entry->embedded)
		return;
	kfree(entry);
	signal_uncharge();
}

int signal_enqueue(struct pending_signals *pending, const struct process *process,
		   const struct siginfo *info)
{
	s32 sig = info->signo;

	if (!is_real_time(sig) && (pending->set & signal_bit(sig)))
		return 0;
	struct queued_signal *entry = create_entry(process, info);
	if (entry)
		list_add_tail(&entry->node, &pending->queue);
	else if (is_real_time(sig) && info->code != SI_USER && info->code != SI_KERNEL)
		return -EAGAIN;
	pending->set |= signal_bit(sig);
	return 0;
}

static struct queued_signal *find_entry(const struct pending_signals *pending, s32 sig,
					const struct queued_signal *but)
{
	struct queued_signal *entry;

	list_for_each_entry (entry, &pending->queue, node)
		if (entry->info.signo == sig && entry != but)
			return entry;
	return NULL;
}

void signal_dequeue(struct pending_signals *pending, s32 sig, struct siginfo *info)
{
	struct queued_signal *entry = find_entry(pending, sig, NULL);

	if (!entry || !find_entry(pending, sig, entry))
		pending->set &= ~signal_bit(sig);
	if (!entry) {
		*info = (struct siginfo){.signo = sig, .code = SI_USER};
		return;
	}
	*info = entry->info;
	if (entry->embedded)
		posix_timer_taken(entry, info);
	free_entry(entry);
}

void signal_remove_entry(struct pending_signals *pending, struct queued_signal *entry)
{
	if (!find_entry(pending, entry->info.signo, entry))
		pending->set &= ~signal_bit(entry->info.signo);
	free_entry(entry);
}

void signal_discard(struct pending_signals *pending, u64 set)
{
	struct queued_signal *entry, *next;

	if (!(pending->set & set))
		return;
	pending->set &= ~set;
	list_for_each_entry_safe (entry, next, &pending->queue, node)
		if (set & signal_bit(entry->info.signo))
			free_entry(entry);
}

void signal_flush(struct pending_signals *pending)
{
	signal_discard(pending, ~0ul);
}

s32 signal_next(u64 set)
{
	if (set & SIGNALS_SYNCHRONOUS)
		set &= SIGNALS_SYNCHRONOUS;
	return set ? __builtin_ctzl(set) + 1 : 0;
}
