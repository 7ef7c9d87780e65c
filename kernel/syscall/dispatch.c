/* From the number in a register to the function that does it. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/upcall.h"
#include "lib/errno.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

typedef long (*syscall_fn)(const u64 *args);

#define CALL_0(name) sys_##name()
#define CALL_1(name) sys_##name(args[0])
#define CALL_2(name) sys_##name(args[0], args[1])
#define CALL_3(name) sys_##name(args[0], args[1], args[2])
#define CALL_4(name) sys_##name(args[0], args[1], args[2], args[3])
#define CALL_6(name) sys_##name(args[0], args[1], args[2], args[3], args[4], args[5])

#define SYSCALL(nr, name, nargs)                 \
	static long call_##name(const u64 *args) \
	{                                        \
		(void)args;                      \
		return CALL_##nargs(name);       \
	}
#include "syscall/table.def"
#undef SYSCALL

static const syscall_fn table[] = {
#define SYSCALL(nr, name, nargs) [nr] = call_##name,
#include "syscall/table.def"
#undef SYSCALL
};

long sys_not_implemented(void)
{
	TRACE(sys_unimplemented, .nr = frame_syscall_nr(user_frame(current->kernel_sp_top)),
	      .pid = current->pid);
	return -ENOSYS;
}

void upcall_syscall(struct trap_frame *frame)
{
	const u64 args[] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
	u64 nr = frame_syscall_nr(frame);
	long result;

	if (nr < ARRAY_SIZE(table) && table[nr])
		result = table[nr](args);
	else
		result = sys_not_implemented();
	frame_set_result(frame, result);
}
