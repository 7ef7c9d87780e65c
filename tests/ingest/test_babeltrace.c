/*
 * The independent oracle: babeltrace2 reads the same directory without a warning and counts the
 * same events.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

static void test_babeltrace(const char *dir)
{
	char script[900];
	struct result result;

	writer_open(&w, dir, 3);
	w.packet_size = 4096;
	guest_boot(&g, &w, 41);
	guest_run(&g, 2000);
	guest_baseline(&g);
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	snprintf(script, sizeof(script),
		 "cd %s && set -o pipefail && "
		 "babeltrace2 --no-delta --clock-seconds ctf 2> warnings > text && test ! -s "
		 "warnings && "
		 "sed -E 's/^\\[[0-9.]+\\] ([a-z_0-9]+):.*/\\1/' text | sort | uniq -c | "
		 "awk '{print $2 \"|\" $1}' | sort > theirs && "
		 "sqlite3 session.db 'SELECT event, n FROM event_count' | sort > ours && "
		 "diff ours theirs && cat warnings",
		 dir);
	result = run((const char *const[]){"bash", "-c", script, NULL});
	if (result.status != 0 || result.output[0])
		die("status %d: %s", result.status, result.output);
}

const struct test babeltrace_tests[] = {{"babeltrace2 counts the same", test_babeltrace},
					{NULL, NULL}};
