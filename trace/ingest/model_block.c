/*
 * Requests that the disk has: one for each tag at a time. What completes is what was issued.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static struct request *request_of(struct model *m, uint16_t tag)
{
	if (tag < MAX_REQUESTS)
		return &m->requests[tag];
	violation(m, fmt("tag %u", tag), fmt("below %d", MAX_REQUESTS), fmt("%u", tag));
	return NULL;
}

void on_block_rq_issue(struct model *m, const struct trace_ev_block_rq_issue *e)
{
	struct request *request = request_of(m, e->tag);

	if (!request)
		return;
	if (request->open)
		violation(m, fmt("tag %u", e->tag), fmt("free"),
			  fmt("a request at sector %" PRIu64, request->sector));
	*request = (struct request){.open = true,
				    .seen = true,
				    .sector = e->sector,
				    .nr_sector = e->nr_sector,
				    .write = e->write};
}

void on_block_rq_complete(struct model *m, const struct trace_ev_block_rq_complete *e)
{
	struct request *request = request_of(m, e->tag);

	if (!request)
		return;
	/* One that was issued before tracing began has no beginning. */
	if (!request->open ? request->seen
			   : request->sector != e->sector || request->nr_sector != e->nr_sector ||
				     request->write != e->write)
		violation(m, fmt("tag %u", e->tag),
			  request->open ? fmt("%u sectors at %" PRIu64 ", write %u",
					      request->nr_sector, request->sector, request->write)
					: fmt("no request"),
			  fmt("%u sectors at %" PRIu64 ", write %u", e->nr_sector,
			      (uint64_t)e->sector, e->write));
	request->open = false;
	request->seen = true;
}
