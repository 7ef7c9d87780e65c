/*
 * The pool of I/O requests. A request is needed to write a page out when memory is short, so it
 * must not need memory: they all exist from boot. Swap-in shares the pool; it may sleep for a
 * request, which a completion returns sooner or later. Reclaim begins no pass while its writes hold
 * more than half of the pool (swap_wait_writable()), so that a swap-in seldom waits for them.
 */
#include "cpu/wait.h"
#include "mm/backing.h"

static struct io_request requests[IO_NR_REQUESTS];

static DEFINE_SPINLOCK(pool_lock, RANK_IO_POOL);
static LIST_HEAD(pool); /* pool_lock */
static DEFINE_WAIT_QUEUE(pool_wait);

void io_pool_init(void)
{
	for (u32 i = 0; i < IO_NR_REQUESTS; i++)
		list_add_tail(&requests[i].node, &pool);
}

struct io_request *io_request_try_get(void)
{
	struct io_request *request = NULL;

	spin_lock(&pool_lock);
	if (!list_empty(&pool)) {
		request = list_first_entry(&pool, struct io_request, node);
		list_del(&request->node);
	}
	spin_unlock(&pool_lock);
	return request;
}

struct io_request *io_request_get(void)
{
	struct io_request *request;

	wait_event(&pool_wait, (request = io_request_try_get()));
	return request;
}

void io_request_put(struct io_request *request)
{
	spin_lock(&pool_lock);
	list_add(&request->node, &pool);
	spin_unlock(&pool_lock);
	wake_up(&pool_wait);
}
