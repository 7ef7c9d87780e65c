/* poll and select: their arrays, sets, signal masks and time limits. */
#include "fs/poll.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "fs/fdtable.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/signal.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

#define STICKY_TIMEOUTS 0x4000000u /* personality(2): the time left is not told */

#define NR_FAST_FDS   16
#define NR_FAST_WORDS 2 /* of a set */

/* ---- time limits ---- */

/* The limit of a call, and where the time left is told at its end. */
struct limit {
	u64 deadline_ns; /* POLL_NOW, POLL_FOREVER, or a time */
	u64 told_to;     /* of the user, or 0 */
	enum { LIMIT_TIMESPEC, LIMIT_TIMEVAL } kind;
};

static u64 deadline_in(u64 ns)
{
	u64 deadline_ns;

	if (ns == 0)
		return POLL_NOW;
	return __builtin_add_overflow(clock_ns(), ns, &deadline_ns) ? POLL_FOREVER : deadline_ns;
}

static int get_limit(u64 from, struct limit *limit)
{
	struct timespec ts;
	u64 ns;

	limit->deadline_ns = POLL_FOREVER;
	limit->told_to = from;
	if (!from)
		return 0;
	static_assert(sizeof(struct timeval) == sizeof(struct timespec), "ABI");
	if (copy_from_user(&ts, (const void __user *)from, sizeof(ts)) != 0)
		return -EFAULT;
	if (limit->kind == LIMIT_TIMEVAL) {
		s64 usec = ts.nsec;

		if (__builtin_add_overflow(ts.sec, usec / (s64)USEC_PER_SEC, &ts.sec))
			return -EINVAL;
		ts.nsec = usec % (s64)USEC_PER_SEC * (s64)NSEC_PER_USEC;
	}
	int error = timespec_to_ns(ts, &ns);
	if (error == 0)
		limit->deadline_ns = deadline_in(ns);
	return error;
}

/* Tells how much of the time is left. A program whose limit cannot be written gets what it would
 * have got; only made again the call cannot be then, because it would wait anew. */
static long finish_limit(const struct limit *limit, long result)
{
	u64 now = clock_ns(), left = 0;
	struct timespec ts;

	/* A limit of zero is left as it is. */
	if (!limit->told_to || limit->deadline_ns == POLL_NOW)
		return result;
	if (limit->deadline_ns > now)
		left = limit->deadline_ns - now;
	ts = (struct timespec){.sec = left / NSEC_PER_SEC, .nsec = left % NSEC_PER_SEC};
	if (limit->kind == LIMIT_TIMEVAL)
		ts.nsec /= (s64)NSEC_PER_USEC;
	if (!(current_proc->personality & STICKY_TIMEOUTS) &&
	    copy_to_user((void __user *)limit->told_to, &ts, sizeof(ts)) == 0)
		return result;
	return result == -ERESTARTNOHAND ? -EINTR : result;
}

/* ---- signal masks ---- */

/* Sets the mask for the time of the call. 0, -EFAULT, -EINVAL. */
static int set_mask(u64 from, u64 size)
{
	u64 mask;

	if (!from)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, (const void __user *)from, sizeof(mask)) != 0)
		return -EFAULT;
	signal_borrow_mask(mask);
	return 0;
}

/* The signal that interrupted the call still meets its mask. */
static void restore_mask(long result)
{
	signal_return_mask(result == -ERESTARTNOHAND);
}

/* ---- poll ---- */

static int put_revents(struct pollfd __user *to, const struct pollfd *fds, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (copy_to_user(&to[i].revents, &fds[i].revents, sizeof(fds->revents)) != 0)
			return -EFAULT;
	return 0;
}

static long do_poll(u64 user_fds, u64 nr, u64 deadline_ns)
{
	struct pollfd fast[NR_FAST_FDS], *fds = fast;
	struct pollfd __user *user = (struct pollfd __user *)user_fds;
	long result = -EFAULT;

	nr = (u32)nr;
	if (nr > fd_limit())
		return -EINVAL;
	if (nr > NR_FAST_FDS)
		fds = kmalloc(nr * sizeof(*fds), GFP_KERNEL);
	if (!fds)
		return -ENOMEM;
	if (copy_from_user(fds, user, nr * sizeof(*fds)) == 0) {
		result = poll_files(fds, nr, deadline_ns);
		if (put_revents(user, fds, nr) != 0)
			result = -EFAULT;
	}
	if (fds != fast)
		kfree(fds);
	return result;
}

static long poll_again(struct restart_block *restart);

/* Made again by itself it would wait for the whole time again. */
static long poll_until(u64 fds, u64 nr, u64 deadline_ns)
{
	long result = do_poll(fds, nr, deadline_ns);

	if (result != -ERESTARTNOHAND || deadline_ns == POLL_FOREVER)
		return result;
	current_proc->restart =
		(struct restart_block){.again = poll_again, .args = {fds, nr, deadline_ns}};
	return -ERESTART_RESTARTBLOCK;
}

static long poll_again(struct restart_block *restart)
{
	return poll_until(restart->args[0], restart->args[1], restart->args[2]);
}

long sys_poll(u64 fds, u64 nr, u64 timeout_ms)
{
	s32 ms = timeout_ms;
	u64 deadline_ns = ms < 0 ? POLL_FOREVER : deadline_in((u64)ms * NSEC_PER_MSEC);

	return poll_until(fds, nr, deadline_ns);
}

long sys_ppoll(u64 fds, u64 nr, u64 timeout, u64 mask, u64 mask_size)
{
	struct limit limit = {.kind = LIMIT_TIMESPEC};
	int error = get_limit(timeout, &limit);

	if (error == 0)
		error = set_mask(mask, mask_size);
	if (error != 0)
		return error;
	long result = do_poll(fds, nr, limit.deadline_ns);
	restore_mask(result);
	return finish_limit(&limit, result);
}

/* ---- select ---- */

/* Bytes of a set of `nr` descriptors: whole words. */
static size_t set_size(u32 nr)
{
	return (nr + 63) / 64 * sizeof(u64);
}

static int get_sets(const u64 user[NR_SELECT_SETS], u64 *const wanted[NR_SELECT_SETS], size_t size)
{
	for (u32 set = 0; set < NR_SELECT_SETS; set++)
		if (user[set] &&
		    copy_from_user(wanted[set], (const void __user *)user[set], size) != 0)
			return -EFAULT;
	return 0;
}

static int put_sets(const u64 user[NR_SELECT_SETS], u64 *const ready[NR_SELECT_SETS], size_t size)
{
	for (u32 set = 0; set < NR_SELECT_SETS; set++)
		if (user[set] && copy_to_user((void __user *)user[set], ready[set], size) != 0)
			return -EFAULT;
	return 0;
}

static long do_select(u32 nr, const u64 user[NR_SELECT_SETS], u64 deadline_ns)
{
	u64 fast[2 * NR_SELECT_SETS * NR_FAST_WORDS], *words = fast;
	u64 *wanted[NR_SELECT_SETS], *ready[NR_SELECT_SETS];
	size_t size;
	long result;

	if ((s32)nr < 0)
		return -EINVAL;
	nr = min(nr, fd_capacity()); /* as Linux does: what is beyond is not looked at */
	size = set_size(nr);
	if (size > NR_FAST_WORDS * sizeof(u64))
		words = kmalloc(2 * NR_SELECT_SETS * size, GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	memset(words, 0, 2 * NR_SELECT_SETS * size);
	for (u32 set = 0; set < NR_SELECT_SETS; set++) {
		wanted[set] = words + set * (size / sizeof(u64));
		ready[set] = words + (NR_SELECT_SETS + set) * (size / sizeof(u64));
	}
	result = get_sets(user, wanted, size);
	if (result == 0)
		result = select_files(nr, wanted, ready, deadline_ns);
	if (result >= 0 && put_sets(user, ready, size) != 0)
		result = -EFAULT;
	if (words != fast)
		kfree(words);
	return result;
}

long sys_select(u64 nr, u64 in, u64 out, u64 ex, u64 timeout)
{
	const u64 sets[NR_SELECT_SETS] = {in, out, ex};
	struct limit limit = {.kind = LIMIT_TIMEVAL};
	int error = get_limit(timeout, &limit);

	if (error != 0)
		return error;
	return finish_limit(&limit, do_select(nr, sets, limit.deadline_ns));
}

long sys_pselect6(u64 nr, u64 in, u64 out, u64 ex, u64 timeout, u64 user_mask)
{
	const u64 sets[NR_SELECT_SETS] = {in, out, ex};
	struct limit limit = {.kind = LIMIT_TIMESPEC};
	struct {
		u64 set, size;
	} mask = {0};

	if (user_mask && copy_from_user(&mask, (const void __user *)user_mask, sizeof(mask)) != 0)
		return -EFAULT;
	int error = get_limit(timeout, &limit);
	if (error == 0)
		error = set_mask(mask.set, mask.size);
	if (error != 0)
		return error;
	long result = do_select(nr, sets, limit.deadline_ns);
	restore_mask(result);
	return finish_limit(&limit, result);
}
