/*
 * Prints events.tsv, which travels with every trace: id, name, payload size in bytes and layout
 * hash of each event, so that a reader of another version can skip what it does not know and refuse
 * what it would misread.
 */
#include <inttypes.h>
#include <stdio.h>

#include "trace/gen/event_info.h"

int main(void)
{
	puts("id\tname\tsize\tlayout");
	for (size_t i = 0; i < nr_event_infos; i++) {
		const struct event_info *event = &event_infos[i];

		printf("0x%02x\t%s\t%u\t%016" PRIx64 "\n", event->id, event->name, event->size,
		       event_layout_hash(event));
	}
	return fflush(stdout) != 0;
}
