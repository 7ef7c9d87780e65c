/* Ids, capabilities, limits, prctl: asked of children, because what is given up does not come back. */
#define _GNU_SOURCE
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static void tell_ids(const char *what)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	say("%s: uid %d %d %d fs %d gid %d %d %d fs %d", what, (int)r, (int)e, (int)s,
	    setfsuid((uid_t)-1), (int)gr, (int)ge, (int)gs, setfsgid((gid_t)-1));
}

struct capability_header {
	uint32_t version;
	int pid;
};
struct capability_data {
	uint32_t effective, permitted, inheritable;
};

static void tell_capabilities(const char *what)
{
	struct capability_header header = {0x20080522, 0};
	struct capability_data data[2] = {0};

	long result = syscall(SYS_capget, &header, data);
	/* The bounding set of the host may be smaller: what is told is whether there are any. */
	say("%s: %ld effective %d permitted %d inheritable %d", what, result,
	    data[0].effective != 0, data[0].permitted != 0, data[0].inheritable != 0);
}

static int setuids(void *context)
{
	(void)context;
	tell_ids("root");
	SHOW(syscall(SYS_setreuid, -1, 1000));
	tell_ids("effective");
	tell_capabilities("effective");
	SHOW(syscall(SYS_setreuid, -1, 0));
	tell_capabilities("back");
	SHOW(syscall(SYS_setresuid, 1000, 1001, 1002));
	tell_ids("all three");
	tell_capabilities("all three");
	SHOW(syscall(SYS_setuid, 0));
	SHOW(syscall(SYS_setuid, 1000));
	tell_ids("setuid to the real one");
	SHOW(syscall(SYS_setuid, 1002));
	SHOW(syscall(SYS_setuid, 1001));
	SHOW(syscall(SYS_setreuid, 1002, 1000));
	tell_ids("setreuid");
	SHOW(syscall(SYS_setresuid, -1, 1002, -1));
	SHOW(syscall(SYS_setresuid, -1, 0, -1));
	SHOW(syscall(SYS_setfsuid, 1000));
	tell_ids("end");
	return 0;
}

static int setgids(void *context)
{
	/* They are kept in order. */
	gid_t groups[3] = {7, 60000, 5}, got[3] = {0};

	(void)context;
	SHOW(syscall(SYS_setgroups, 3, groups));
	SHOW(syscall(SYS_getgroups, 0, NULL));
	SHOW(syscall(SYS_getgroups, 2, got));
	SHOW(syscall(SYS_getgroups, -1, got));
	SHOW(syscall(SYS_getgroups, 3, got));
	SHOW(syscall(SYS_getgroups, 3, 1));
	say("groups %u %u %u", got[0], got[1], got[2]);
	SHOW(syscall(SYS_setgroups, 65537, groups));
	SHOW(syscall(SYS_setgroups, 1, 1));
	SHOW(syscall(SYS_setresgid, 10, 11, 12));
	tell_ids("root still");
	SHOW(syscall(SYS_setuid, 1000));
	SHOW(syscall(SYS_setgroups, 0, NULL));
	SHOW(syscall(SYS_setgid, 0));
	SHOW(syscall(SYS_setgid, 12));
	SHOW(syscall(SYS_setregid, 11, 10));
	SHOW(syscall(SYS_setregid, 12, 10));
	tell_ids("end");
	return 0;
}

static int keep_caps(void *context)
{
	(void)context;
	SHOW(prctl(PR_GET_KEEPCAPS));
	SHOW(prctl(PR_SET_KEEPCAPS, 2));
	SHOW(prctl(PR_SET_KEEPCAPS, 1));
	SHOW(syscall(SYS_setuid, 1000));
	tell_capabilities("kept");
	return 0;
}

static int capabilities(void *context)
{
	struct capability_header header = {0x20080522, 0};
	struct capability_data data[2] = {{1, 1, 0}, {0, 0, 0}};

	(void)context;
	header.version = 1;
	SHOW(syscall(SYS_capget, &header, NULL));
	say("version %x", header.version);
	header.version = 1;
	SHOW(syscall(SYS_capget, &header, data));
	header.pid = -1;
	SHOW(syscall(SYS_capget, &header, data));
	header.pid = 0x7fffff00;
	SHOW(syscall(SYS_capget, &header, data));
	SHOW(syscall(SYS_capget, 1, data));
	header.pid = 0;
	SHOW(syscall(SYS_capget, &header, 1));
	data[0] = (struct capability_data){1, 1, 0};
	data[1] = (struct capability_data){0, 0, 0};
	SHOW(syscall(SYS_capset, &header, data));
	tell_capabilities("little");
	data[0].permitted = 3;
	SHOW(syscall(SYS_capset, &header, data));
	data[0] = (struct capability_data){1, 0, 0};
	SHOW(syscall(SYS_capset, &header, data));
	SHOW(kill(getppid(), 0));
	SHOW(syscall(SYS_setuid, 1000));
	SHOW(prctl(PR_CAPBSET_READ, 0));
	SHOW(prctl(PR_CAPBSET_READ, 63));
	SHOW(prctl(PR_CAPBSET_DROP, 0));
	return 0;
}

static int kills(void *context)
{
	pid_t root = *(pid_t *)context;

	setuid(1000);
	SHOW(kill(getpid(), 0));
	SHOW(kill(root, 0));
	SHOW(kill(root, SIGCONT));
	SHOW(kill(1, SIGTERM));

	return 0;
}

/* ---- limits ---- */

static void tell_limit(const char *what, int resource)
{
	struct rlimit limit = {0, 0};

	getrlimit(resource, &limit);
	say("%s: %lld %lld", what, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

static volatile int nr_xfsz, nr_xcpu;

static void count(int sig)
{
	if (sig == SIGXFSZ)
		nr_xfsz++;
	else
		nr_xcpu++;
}

static int limits(void *context)
{
	struct rlimit limit = {10, 5}, old;
	int fds[40], nr = 0;

	(void)context;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	SHOW(syscall(SYS_getrlimit, 16, &limit));
	SHOW(syscall(SYS_setrlimit, 16, &limit));
	SHOW(syscall(SYS_getrlimit, 0, 1));
	SHOW(syscall(SYS_setrlimit, 0, 1));
	limit = (struct rlimit){20, 30};
	SHOW(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL));
	SHOW(syscall(SYS_prlimit64, 0x7fffff00, RLIMIT_NOFILE, NULL, &old));
	SHOW(syscall(SYS_prlimit64, getpid(), RLIMIT_NOFILE, NULL, &old));
	tell_limit("files", RLIMIT_NOFILE);
	while (nr < 40 && (fds[nr] = dup(0)) >= 0)
		nr++;
	say("no more: %s, highest %d", errno_name(errno), fds[nr - 1]);
	SHOW(dup2(0, 20));
	while (nr > 0)
		close(fds[--nr]);
	setuid(1000);
	limit.rlim_max = 31;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	limit = (struct rlimit){5, 25};
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_max = 30;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	limit = (struct rlimit){0, 0};
	SHOW(setrlimit(RLIMIT_SIGPENDING, &limit));
	sigset_t mask;
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){0}));
	SHOW(kill(getpid(), SIGRTMIN));
	SHOW(kill(getpid(), SIGUSR1));
	return 0;
}

static int processor_time(void *context)
{
	struct rlimit limit = {1, 2};

	(void)context;
	signal(SIGXCPU, count);
	SHOW(setrlimit(RLIMIT_CPU, &limit));
	while (nr_xcpu == 0)
		;
	say("SIGXCPU");
	for (;;)
		;
	return 0;
}

/* ---- prctl ---- */

static int names(void *context)
{
	char name[17] = "";

	(void)context;
	SHOW(prctl(PR_SET_NAME, "a name that is too long"));
	SHOW(prctl(PR_GET_NAME, name));
	say("name '%s'", name);
	SHOW(prctl(PR_SET_NAME, 1));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 2));
	SHOW(prctl(PR_SET_DUMPABLE, 0));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_PDEATHSIG, 65));
	SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	int sig = 0;
	SHOW(prctl(PR_GET_PDEATHSIG, &sig));
	say("signal %d", sig);
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	int reaper = 9;
	SHOW(prctl(PR_GET_CHILD_SUBREAPER, &reaper));
	say("reaper %d", reaper);
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 5));
	SHOW(prctl(PR_GET_CHILD_SUBREAPER, &reaper));
	say("reaper %d", reaper);
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_SET_TIMERSLACK, 1234));
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_SET_TIMERSLACK, 0));
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_GET_SECUREBITS));
	SHOW(prctl(12345));
	return 0;
}

/* A grandchild is the child of the reaper once its parent was waited for. */
static int reaper(void *context)
{
	pid_t self = getpid(), child;
	int fds[2], status;
	char byte;

	(void)context;
	pipe(fds);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child == 0) {
		if (fork() == 0)
			_exit(read(fds[0], &byte, 1) == 1 && getppid() == self ? 7 : 8);
		_exit(6);
	}
	waitpid(child, &status, 0);
	show_status("child", status);
	SHOW(write(fds[1], "x", 1));
	SHOW(wait(&status) > 0);
	show_status("grandchild", status);
	return 0;
}

static int death_signal(void *context)
{
	int fds[2];
	char byte;

	(void)context;
	pipe(fds);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		pid_t child = fork();

		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			write(fds[1], "x", 1);
			for (;;)
				pause();
		}
		read(fds[0], &byte, 1);
		_exit(3);
	}
	int status;
	wait(&status);
	show_status("parent", status);
	wait(&status);
	show_status("child", status);
	return 0;
}

int main(void)
{
	pid_t self = getpid();

	show_child("setuid", setuids, NULL);
	show_child("setgid", setgids, NULL);
	show_child("keep capabilities", keep_caps, NULL);
	show_child("capabilities", capabilities, NULL);
	show_child("kill", kills, &self);
	show_child("limits", limits, NULL);
	show_child("processor time", processor_time, NULL);
	show_child("prctl", names, NULL);
	show_child("subreaper", reaper, NULL);
	show_child("death signal", death_signal, NULL);
	return 0;
}
