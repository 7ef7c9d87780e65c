/*
 * test INGESTER PLAIN_INGESTER FAULTY_DISK RECOVERER CONTRACT_DIR [NAME...]: runs every test (or those named) in a process and a
 * directory of its own. Silent but for the tests that fail.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ingest/check.h"

static const struct test *const suites[] = {
	btree_tests,  good_tests,    damage_tests,     disk_tests,     follow_tests,
	memory_tests, layout_tests,  violation_tests,  pmd_tests,      cache_tests,
	loss_tests,   recover_tests, babeltrace_tests, keyframe_tests, pause_tests};

static bool run_test(const struct test *test)
{
	char dir[] = "/tmp/ingest-test-XXXXXX";
	int status = -1;
	pid_t child;

	if (!mkdtemp(dir))
		die("%s: cannot be made", dir);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		test->run(dir);
		fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		printf("FAILED: ingest: %s\n", test->name);
	run((const char *const[]){"rm", "-rf", dir, NULL});
	return status == 0;
}

static bool is_named(char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	if (argc == 4 && !strcmp(argv[1], "--pmd-session")) {
		contract_dir = argv[2];
		pmd_session(argv[3]);
		return 0;
	}
	if (argc < 6) {
		fprintf(stderr,
			"usage: test INGESTER PLAIN_INGESTER FAULTY_DISK RECOVERER CONTRACT_DIR "
			"[NAME...]\n"
			"       test --pmd-session CONTRACT_DIR SESSION_DIR\n");
		return 2;
	}
	ingester = argv[1];
	plain_ingester = argv[2];
	faulty_disk = argv[3];
	recoverer = argv[4];
	contract_dir = argv[5];
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (const struct test *test = suites[i]; test->name; test++) {
			if (argc > 6 && !is_named(argv + 6, test->name))
				continue;
			if (run_test(test))
				passed++;
			else
				failed++;
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
