#include "tests/ingest/check.h"
const struct test babeltrace_tests[] = {{NULL, NULL}};
