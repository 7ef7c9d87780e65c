#include "tests/ingest/check.h"
const struct test layout_tests[] = {{NULL, NULL}};
