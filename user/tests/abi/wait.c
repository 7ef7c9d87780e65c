/* How processes end and what their parent hears of it. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static int exit_with(void *context)
{
	return *(int *)context;
}

static int kill_self(void *context)
{
	kill(getpid(), *(int *)context);
	return 77;
}

static int read_null(void *context)
{
	return *(volatile int *)context;
}

static int divide_by_zero(void *context)
{
	int quotient = 1, rest = 0;

	__asm__ volatile("idivl %2" : "+a"(quotient), "+d"(rest) : "m"(*(int *)context));
	return quotient;
}

static int undefined_instruction(void *context)
{
	(void)context;
	__asm__ volatile("ud2");
	return 0;
}

static int privileged_instruction(void *context)
{
	(void)context;
	__asm__ volatile("hlt");
	return 0;
}

/* A core flag depends on the limits of who runs this, so it is not asked about. */
static void endings(void)
{
	static const int codes[] = {0, 1, 127, 255, 256, 0x1234, -1};
	const int signals[] = {SIGHUP,   SIGINT,  SIGQUIT, SIGABRT,  SIGKILL, SIGUSR1,
			       SIGSEGV,  SIGPIPE, SIGALRM, SIGTERM,  SIGCHLD, SIGURG,
			       SIGWINCH, SIGXCPU, SIGSYS,  SIGRTMIN, SIGRTMAX};
	int zero = 0;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		show_child("exit", exit_with, (void *)&codes[i]);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		show_child("signal", kill_self, (void *)&signals[i]);
	show_child("null", read_null, NULL);
	show_child("divide", divide_by_zero, &zero);
	show_child("ud2", undefined_instruction, NULL);
	show_child("hlt", privileged_instruction, NULL);
}

static void errors(void)
{
	int status;

	SHOW(waitpid(-1, &status, 0));
	SHOW(waitpid(-1, &status, WNOHANG));
	SHOW(waitpid(getpid(), &status, 0));
	SHOW(waitpid(0, &status, 0));
	SHOW(waitpid(-1, &status, 0x00100000));
	SHOW(kill(0x7ffffff0, 0));
	SHOW(kill(getpid(), 65));
	SHOW(kill(getpid(), -1));
	SHOW(kill(getpid(), 0));
}

static void running_child(void)
{
	int status = -1;
	pid_t pid = fork();

	while (pid == 0)
		sched_yield();
	SHOW(waitpid(pid, &status, WNOHANG));
	SHOW(kill(pid, SIGTERM));
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("SIGTERM", status);
	SHOW(kill(pid, 0));
	SHOW(waitpid(pid, &status, 0));
}

int main(void)
{
	endings();
	errors();
	running_child();
	return 3;
}
