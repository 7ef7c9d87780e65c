#include "tests/ingest/check.h"
const struct test damage_tests[] = {{NULL, NULL}};
