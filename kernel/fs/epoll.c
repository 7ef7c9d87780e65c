/*
 * epoll. An item for each watched file has entries (hooks) in the queues that the file names; one
 * that is woken puts the item on the list of those that are perhaps ready, and wakes who waits. Who
 * collects events takes items from that list, and asks each file what it can do now.
 *
 * An item has no reference of its file: it ends when the last one is dropped, before the file's own
 * release, so that the queues are still there.
 *
 * An epoll can be watched by another, up to MAX_NESTS deep and never in a circle. So locks of two
 * epolls, and of their queues, nest from the watcher to the watched, and from what is woken to its
 * watcher, and never the other way round.
 *
 * Who reads and writes: [L] epoll->lock (sleeping), which keeps an item and its file alive, [R]
 * epoll->ready_lock, which wakers take, [W] watchers_lock, [T] tree_lock (sleeping). Order: tree_lock,
 * lock of the watcher, lock of the watched, watchers_lock, a wait queue's, ready_lock. What is collected
 * is copied to the program under epoll->lock, which no fault needs.
 */
#include "fs/epoll.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "fs/open.h"
#include "lib/errno.h"
#include "lib/rbtree.h"
#include "mm/page.h"
#include "mm/slab.h"

/* Links of a chain of epolls; Linux's. */
#define MAX_NESTS 4

/* Bits of an item that ask for no event. */
#define PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
/* What EPOLLEXCLUSIVE goes together with. */
#define EXCLUSIVE_BITS \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

/* Linux: a 25th of memory, of which an item takes so much. */
#define MEMORY_SHARE 25
#define ITEM_COST    184

struct epoll {
	atomic_t refs; /* its file; who is about to remove an item */
	struct file *file;
	struct rwsem lock;
	spinlock_t ready_lock;
	struct list_head ready;       /* [R] items */
	struct wait_queue wait;       /* in epoll_wait() */
	struct wait_queue polls_wait; /* who polls the epoll itself */
	struct rb_root items;         /* [L] by file and descriptor */
	struct list_head nested;      /* [T] items that are epolls */
	u64 visited;                  /* [T] the walk that saw it last, */
	u32 depth;                    /* [T] and what that found */
};

struct epoll_hook {
	struct wait_entry wait;
	struct wait_queue *queue;
	struct epoll_item *item;
	struct epoll_hook *next;
};

struct epoll_item {
	struct rb_node node; /* [L] */
	struct epoll *epoll;
	struct file *file;
	s32 fd;
	struct epoll_item *next;      /* [W] of file->watchers */
	struct epoll_hook *hooks;     /* [L] */
	struct list_head ready_node;  /* [R] */
	struct list_head nested_node; /* [T] */
	struct epoll_event event;     /* [L] and [R] to write, either to read */
};

u64 epoll_max_watches;
static u64 nr_watches; /* atomic */
static DEFINE_SPINLOCK(watchers_lock, RANK_WATCHERS);
static struct rwsem tree_lock = RWSEM_INIT(tree_lock, RANK_EPOLL_TREE);

static const struct file_ops epoll_ops;

static bool is_epoll(const struct file *file)
{
	return file->ops == &epoll_ops;
}

/* ---- what is ready ---- */

/* At the head or the tail of the list, unless it is on a list already. ready_lock held. */
static void push(struct epoll_item *item, bool at_head)
{
	if (!list_empty(&item->ready_node))
		return;
	if (at_head)
		list_add(&item->ready_node, &item->epoll->ready);
	else
		list_add_tail(&item->ready_node, &item->epoll->ready);
}

static void push_locking(struct epoll_item *item, bool at_head)
{
	u64 flags = spin_lock_irqsave(&item->epoll->ready_lock);

	push(item, at_head);
	spin_unlock_irqrestore(&item->epoll->ready_lock, flags);
}

/* A queue of the file is woken: its lock is held, interrupts are off. */
static void wake_item(struct wait_entry *wait, u32 events)
{
	struct epoll_item *item = container_of(wait, struct epoll_hook, wait)->item;
	struct epoll *epoll = item->epoll;

	spin_lock(&epoll->ready_lock);
	bool is_wanted = item->event.events & ~PRIVATE_BITS & (events ?: ~0u);
	if (is_wanted)
		push(item, false);
	spin_unlock(&epoll->ready_lock);
	if (is_wanted) {
		wake_up_nested(&epoll->wait, EPOLL_READABLE);
		wake_up_nested(&epoll->polls_wait, EPOLL_READABLE);
	}
}

/* Takes the first item from a list, or NULL. epoll->lock held. */
static struct epoll_item *pop(struct epoll *epoll, struct list_head *list)
{
	struct epoll_item *item = NULL;
	u64 flags = spin_lock_irqsave(&epoll->ready_lock);

	if (!list_empty(list)) {
		item = list_first_entry(list, struct epoll_item, ready_node);
		list_del(&item->ready_node);
	}
	spin_unlock_irqrestore(&epoll->ready_lock, flags);
	return item;
}

static bool has_ready(const struct epoll *epoll)
{
	return READ_ONCE(epoll->ready.next) != &epoll->ready;
}

/* An item that is asked is on no list meanwhile, so who looks then may go to sleep: whoever leaves
 * items on the list wakes him again. */
static void wake_others(struct epoll *epoll)
{
	if (has_ready(epoll))
		wake_up(&epoll->wait);
}

/* What of the events that are asked for the file can do now. epoll->lock held. */
static u32 item_events(const struct epoll_item *item)
{
	return file_poll(item->file, NULL) & item->event.events;
}

/* ---- items; epoll->lock held ---- */

static s64 compare(const struct epoll_item *item, const struct file *file, s32 fd)
{
	if (file != item->file)
		return (s64)((u64)file - (u64)item->file);
	return (s64)fd - item->fd;
}

static struct epoll_item *find(struct epoll *epoll, const struct file *file, s32 fd)
{
	struct rb_node *node = epoll->items.rb_node;

	while (node) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);
		s64 order = compare(item, file, fd);

		if (order == 0)
			return item;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void insert(struct epoll *epoll, struct epoll_item *new)
{
	struct rb_node **link = &epoll->items.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		struct epoll_item *item = rb_entry(parent, struct epoll_item, node);
		link = compare(item, new->file, new->fd) < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &epoll->items);
}

/* The file may be gone when this returns, if its last reference is. */
static void unlink_watcher(struct epoll_item *item)
{
	struct epoll_item **link = &item->file->watchers;

	spin_lock(&watchers_lock);
	while (*link != item)
		link = &(*link)->next;
	WRITE_ONCE(*link, item->next);
	spin_unlock(&watchers_lock);
}

/* Also tree_lock, if the item is an epoll. */
static void remove_item(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	struct epoll_hook *hook;

	while ((hook = item->hooks)) {
		item->hooks = hook->next;
		wait_remove(hook->queue, &hook->wait);
		kfree(hook);
	}
	list_del(&item->nested_node);
	u64 flags = spin_lock_irqsave(&epoll->ready_lock);
	list_del(&item->ready_node);
	spin_unlock_irqrestore(&epoll->ready_lock, flags);
	rb_erase(&item->node, &epoll->items);
	unlink_watcher(item);
	kfree(item);
	__atomic_fetch_sub(&nr_watches, 1, __ATOMIC_RELAXED);
}

/* While a file is asked for its queues. */
struct registration {
	struct poll_table table;
	struct epoll_item *item;
	int error;
};

static void add_hook(struct poll_table *table, struct file *file, struct wait_queue *queue)
{
	struct registration *registration = container_of(table, struct registration, table);
	struct epoll_item *item = registration->item;
	struct epoll_hook *hook = kmalloc(sizeof(*hook), GFP_KERNEL);

	(void)file;
	if (!hook) {
		registration->error = -ENOMEM;
		return;
	}
	hook->queue = queue;
	hook->item = item;
	hook->next = item->hooks;
	item->hooks = hook;
	wait_entry_init(&hook->wait);
	hook->wait.wake = wake_item;
	wait_add(queue, &hook->wait);
}

/* The item is ready now, whatever its queues say. */
static void announce(struct epoll_item *item)
{
	push_locking(item, false);
	wake_up(&item->epoll->wait);
	wake_up_events(&item->epoll->polls_wait, EPOLL_READABLE);
}

/* Also tree_lock, if the file is an epoll. */
static int add_item(struct epoll *epoll, struct file *file, s32 fd, const struct epoll_event *event)
{
	struct epoll_item *item = kmalloc(sizeof(*item), GFP_ZERO);

	if (!item)
		return -ENOMEM;
	if (__atomic_fetch_add(&nr_watches, 1, __ATOMIC_RELAXED) >= READ_ONCE(epoll_max_watches)) {
		__atomic_fetch_sub(&nr_watches, 1, __ATOMIC_RELAXED);
		kfree(item);
		return -ENOSPC;
	}
	item->epoll = epoll;
	item->file = file;
	item->fd = fd;
	item->event = *event;
	list_init(&item->ready_node);
	list_init(&item->nested_node);
	insert(epoll, item);
	if (is_epoll(file))
		list_add(&item->nested_node, &epoll->nested);
	spin_lock(&watchers_lock);
	item->next = file->watchers;
	WRITE_ONCE(file->watchers, item);
	spin_unlock(&watchers_lock);

	struct registration registration = {{add_hook}, item, 0};
	u32 events = file_poll(file, &registration.table) & item->event.events;
	if (registration.error != 0)
		remove_item(item);
	else if (events)
		announce(item);
	return registration.error;
}

static int change_item(struct epoll_item *item, const struct epoll_event *event)
{
	if (item->event.events & EPOLLEXCLUSIVE)
		return -EINVAL;
	u64 flags = spin_lock_irqsave(&item->epoll->ready_lock);
	item->event = *event;
	spin_unlock_irqrestore(&item->epoll->ready_lock, flags);
	if (item_events(item))
		announce(item);
	return 0;
}

/* ---- epolls that watch epolls; tree_lock held ---- */

static u64 walk; /* number of the last one */

/* Links of the longest chain from an epoll to those that it watches. */
static u32 depth_below(struct epoll *epoll)
{
	struct epoll_item *item;

	if (epoll->visited == walk)
		return epoll->depth;
	epoll->visited = walk;
	epoll->depth = 0;
	list_for_each_entry (item, &epoll->nested, nested_node)
		epoll->depth = max(epoll->depth, depth_below(item->file->private) + 1);
	return epoll->depth;
}

/* The same to those that watch it: items of an epoll are added and removed under tree_lock. */
static u32 depth_above(struct epoll *epoll)
{
	if (epoll->visited == walk)
		return epoll->depth;
	epoll->visited = walk;
	epoll->depth = 0;
	for (struct epoll_item *item = epoll->file->watchers; item; item = item->next)
		epoll->depth = max(epoll->depth, depth_above(item->epoll) + 1);
	return epoll->depth;
}

/* Whether one may watch another: 0 or -ELOOP. */
static int check_nesting(struct epoll *watcher, struct epoll *watched)
{
	walk++;
	u32 below = depth_below(watched);
	if (watcher->visited == walk)
		return -ELOOP;
	walk++;
	return below + 1 + depth_above(watcher) > MAX_NESTS ? -ELOOP : 0;
}

/* ---- epoll_ctl ---- */

static bool is_allowed(u32 op, const struct file *file, u32 events)
{
	if (!(events & EPOLLEXCLUSIVE) || (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD))
		return true;
	return op == EPOLL_CTL_ADD && !is_epoll(file) && !(events & ~EXCLUSIVE_BITS);
}

/* epoll->lock held, and tree_lock if the file is an epoll. */
static int change(struct epoll *epoll, u32 op, struct file *file, s32 fd,
		  const struct epoll_event *event)
{
	struct epoll_item *item = find(epoll, file, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		return item ? -EEXIST : add_item(epoll, file, fd, event);
	case EPOLL_CTL_DEL:
		if (item)
			remove_item(item);
		return item ? 0 : -ENOENT;
	case EPOLL_CTL_MOD:
		return item ? change_item(item, event) : -ENOENT;
	default:
		return -EINVAL;
	}
}

int epoll_change(struct file *epoll_file, u32 op, struct file *file, s32 fd,
		 const struct epoll_event *event)
{
	struct epoll *epoll = epoll_file->private;
	struct epoll_event wanted = *event;
	int error = 0;

	wanted.events |= EPOLLERR | EPOLLHUP;
	if (!file->ops->poll)
		return -EPERM;
	if (file == epoll_file || !is_epoll(epoll_file) || !is_allowed(op, file, event->events))
		return -EINVAL;
	if (is_epoll(file) && down_write_killable(&tree_lock) != 0)
		return -EINTR;
	if (is_epoll(file) && op == EPOLL_CTL_ADD)
		error = check_nesting(epoll, file->private);
	if (error == 0)
		error = down_write_killable(&epoll->lock);
	if (error == 0) {
		error = change(epoll, op, file, fd, &wanted);
		up_write(&epoll->lock);
	}
	if (is_epoll(file))
		up_write(&tree_lock);
	return error;
}

/* ---- epoll_wait ---- */

/* Writes the events of items that are ready; epoll->lock held. How many, or -EFAULT. */
static long collect(struct epoll *epoll, struct epoll_event __user *to, u32 max)
{
	LIST_HEAD(asked); /* those that are not asked stay first */
	struct epoll_item *item;
	long nr = 0;
	u64 flags = spin_lock_irqsave(&epoll->ready_lock);

	list_splice_tail(&epoll->ready, &asked);
	spin_unlock_irqrestore(&epoll->ready_lock, flags);
	while (nr < (long)max && (item = pop(epoll, &asked))) {
		struct epoll_event event = {.events = item_events(item), .data = item->event.data};

		if (!event.events)
			continue;
		if (copy_to_user(&to[nr], &event, sizeof(event)) != 0) {
			push_locking(item, true);
			nr = nr ?: -EFAULT;
			break;
		}
		nr++;
		if (item->event.events & EPOLLONESHOT) {
			flags = spin_lock_irqsave(&epoll->ready_lock);
			item->event.events &= PRIVATE_BITS;
			spin_unlock_irqrestore(&epoll->ready_lock, flags);
		} else if (!(item->event.events & EPOLLET)) {
			push_locking(item, false);
		}
	}
	flags = spin_lock_irqsave(&epoll->ready_lock);
	list_splice_tail(&epoll->ready, &asked);
	list_splice_tail(&asked, &epoll->ready);
	spin_unlock_irqrestore(&epoll->ready_lock, flags);
	wake_others(epoll);
	return nr;
}

static void sleep_once(struct epoll *epoll, u64 deadline_ns)
{
	struct wait_entry wait;

	wait_entry_init(&wait);
	wait_prepare(&epoll->wait, &wait, TASK_INTERRUPTIBLE);
	if (!has_ready(epoll) && !current_has_signal()) {
		if (deadline_ns == POLL_FOREVER)
			schedule();
		else
			schedule_until(deadline_ns);
	}
	wait_finish(&epoll->wait, &wait);
}

long epoll_wait(struct file *file, struct epoll_event __user *to, u32 max, u64 deadline_ns)
{
	struct epoll *epoll = file->private;

	if (!is_epoll(file))
		return -EINVAL;
	for (;;) {
		bool timed_out = deadline_ns != POLL_FOREVER && clock_ns() >= deadline_ns;

		/* A last look waits for who may have taken the items to ask them. */
		if (has_ready(epoll) || timed_out) {
			if (down_write_killable(&epoll->lock) != 0)
				return -EINTR;
			long nr = collect(epoll, to, max);
			up_write(&epoll->lock);
			if (nr != 0)
				return nr;
		}
		if (timed_out)
			return 0;
		if (current_has_signal())
			return -EINTR;
		sleep_once(epoll, deadline_ns);
	}
}

/* ---- the epoll as a file ---- */

static void epoll_put(struct epoll *epoll)
{
	if (atomic_dec_return(&epoll->refs) == 0)
		kfree(epoll);
}

/* Another epoll's lock may be held, which watches this one. */
static u32 poll_epoll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->private;
	struct epoll_item *item;

	poll_wait(file, &epoll->polls_wait, table);
	down_write_nested(&epoll->lock);
	while ((item = pop(epoll, &epoll->ready)) && !item_events(item))
		;
	if (item)
		push_locking(item, true);
	up_write(&epoll->lock);
	wake_others(epoll);
	return item ? EPOLL_READABLE : 0;
}

/* Nobody has the file any more, but those whose last reference goes may be about to remove their items. */
static void release_epoll(struct file *file)
{
	struct epoll *epoll = file->private;
	struct rb_node *node;

	down_write(&tree_lock);
	down_write(&epoll->lock);
	while ((node = rb_first(&epoll->items)))
		remove_item(rb_entry(node, struct epoll_item, node));
	up_write(&epoll->lock);
	up_write(&tree_lock);
	epoll_put(epoll);
}

static const struct file_ops epoll_ops = {.poll = poll_epoll, .release = release_epoll};

/* An epoll that watches the file, with a reference, or NULL. */
static struct epoll *get_watcher(struct file *file)
{
	spin_lock(&watchers_lock);
	struct epoll *epoll = file->watchers ? file->watchers->epoll : NULL;
	if (epoll)
		atomic_inc(&epoll->refs);
	spin_unlock(&watchers_lock);
	return epoll;
}

/* An item of that epoll for the file, under whatever descriptor, or NULL. epoll->lock held. */
static struct epoll_item *find_any(struct epoll *epoll, struct file *file)
{
	struct epoll_item *item;

	spin_lock(&watchers_lock);
	for (item = file->watchers; item && item->epoll != epoll; item = item->next)
		;
	spin_unlock(&watchers_lock);
	return item;
}

void epoll_forget_file(struct file *file)
{
	struct epoll_item *item;
	struct epoll *epoll;

	down_write(&tree_lock);
	while ((epoll = get_watcher(file))) {
		down_write(&epoll->lock);
		while ((item = find_any(epoll, file)))
			remove_item(item);
		up_write(&epoll->lock);
		epoll_put(epoll);
	}
	up_write(&tree_lock);
}

int epoll_create(struct file **result)
{
	struct epoll *epoll = kmalloc(sizeof(*epoll), GFP_ZERO);
	struct inode *inode = epoll ? pseudo_inode_create(0600) : NULL;

	if (!inode) {
		kfree(epoll);
		return -ENOMEM;
	}
	atomic_set(&epoll->refs, 1);
	rwsem_init(&epoll->lock, RANK_EPOLL);
	spin_lock_init(&epoll->ready_lock, RANK_EPOLL_READY);
	list_init(&epoll->ready);
	list_init(&epoll->nested);
	wait_queue_init(&epoll->wait);
	wait_queue_init(&epoll->polls_wait);
	int error = open_pseudo(inode, "anon_inode:[eventpoll]", &epoll_ops, O_RDWR, result);
	if (error != 0) {
		kfree(epoll);
		return error;
	}
	epoll->file = *result;
	(*result)->private = epoll;
	(*result)->mode |= FMODE_STREAM;
	return 0;
}

void epoll_init(void)
{
	epoll_max_watches = (u64)nr_managed_frames * PAGE_SIZE / MEMORY_SHARE / ITEM_COST;
}
