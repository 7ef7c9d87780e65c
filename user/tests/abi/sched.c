/* What programs ask about scheduling. */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi.h"

int main(void)
{
	static const int policies[] = {0, 1, 2, 3, 4, 5, 6, -1};
	unsigned long mask[16] = {0};
	int priority = 77;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		SHOW(syscall(SYS_sched_get_priority_min, policies[i]));
		SHOW(syscall(SYS_sched_get_priority_max, policies[i]));
	}
	SHOW(syscall(SYS_sched_getscheduler, 0));
	SHOW(syscall(SYS_sched_getscheduler, -1));
	SHOW(syscall(SYS_sched_getscheduler, 0x7ffffff));
	SHOW(syscall(SYS_sched_getparam, 0, &priority));
	say("priority %d", priority);
	SHOW(syscall(SYS_sched_getparam, 0, NULL));
	SHOW(syscall(SYS_sched_getparam, -1, &priority));
	SHOW(syscall(SYS_sched_getparam, 0x7ffffff, &priority));
	SHOW(syscall(SYS_sched_getaffinity, 0, 0, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, 9, mask));
	SHOW(syscall(SYS_sched_getaffinity, -1, sizeof(mask), mask));
	SHOW(syscall(SYS_sched_getaffinity, 0x7ffffff, sizeof(mask), mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, sizeof(mask), (void *)8));
	SHOW_OK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
	say("cpu 0 %s", mask[0] & 1 ? "allowed" : "not allowed");
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	SHOW(syscall(SYS_sched_setaffinity, 0x7ffffff, sizeof(mask), mask));
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof(mask), (void *)8));
	memset(mask, 0, sizeof(mask));
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	return 0;
}
