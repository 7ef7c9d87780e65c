/* Process 1: a task that begins in the kernel and execs /init by itself, so that it goes the way of
 * every other program. */
#include "proc/init.h"
#include "cpu/panic.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/signal.h"

#define INIT_PATH      "/init"
#define STATUS_NO_INIT (127 << 8)

static const char *const environment[] = {"PATH=/bin", "HOME=/"};

static void give_up(const char *what, int error) __noreturn;
static void give_up(const char *what, int error)
{
	printk("palimpsest: cannot start " INIT_PATH ": %s (error %d)", what, -error);
	session_end(STATUS_NO_INIT, SESSION_EXIT);
}

static int collect_args(struct exec_args *args)
{
	int error;

	args->limit = ARG_MIN_LIMIT;
	error = exec_args_add_kernel(args, INIT_PATH);
	if (error == 0)
		error = exec_args_add_kernel(args, INIT_PATH);
	args->argc = 1;
	args->envc = ARRAY_SIZE(environment);
	for (u32 i = 0; i < args->envc && error == 0; i++)
		error = exec_args_add_kernel(args, environment[i]);
	return error;
}

static const struct exec_file init_file = {.dirfd = AT_FDCWD, .path = INIT_PATH, .name = INIT_PATH};

static void init_entry(void *unused)
{
	(void)unused;
	sched_begin_task();

	struct exec_args *args = kmalloc(sizeof(*args), GFP_ZERO);
	if (!args)
		give_up("no memory", 0);
	int error = collect_args(args);
	if (error == 0)
		error = task_exec(&init_file, args);
	if (error != 0)
		give_up("exec failed", error);
	exec_args_release(args);
	kfree(args);
	arch_enter_user(user_frame(current->kernel_sp_top));
}

void start_init(void)
{
	struct task *init = task_create("init", 0, init_entry, NULL);

	if (!init)
		give_up("no memory", 0);
	cred_init(&init->cred);
	init->process = process_create();
	init->sighand = sighand_create();
	init->files = files_create();
	init->fs = fs_create();
	if (!init->process || !init->sighand || !init->files || !init->fs)
		give_up("no memory for the first process", 0);
	task_link(init, &(struct task_birth){.is_init = true}); /* its pid is reserved */
	task_start(init);
}
