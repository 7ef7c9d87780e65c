#include "tests/ingest/check.h"
const struct test violation_tests[] = {{NULL, NULL}};
