/* From the number in a register to the function that does it. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/upcall.h"
#include "lib/errno.h"
#include "syscall/syscall.h"
#include "trace/trace.h"

typedef long (*syscall_fn)(const struct trap_frame *frame);

#define CALL_0(name) sys_##name()
#define CALL_1(name) sys_##name(f->rdi)
#define CALL_2(name) sys_##name(f->rdi, f->rsi)
#define CALL_3(name) sys_##name(f->rdi, f->rsi, f->rdx)
#define CALL_4(name) sys_##name(f->rdi, f->rsi, f->rdx, f->r10)
#define CALL_5(name) sys_##name(f->rdi, f->rsi, f->rdx, f->r10, f->r8)
#define CALL_6(name) sys_##name(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9)

/* Takes from the frame just what the call needs. */
#define SYSCALL(nr, name, nargs)                            \
	static long call_##name(const struct trap_frame *f) \
	{                                                   \
		(void)f;                                    \
		return CALL_##nargs(name);                  \
	}
#include "syscall/table.def"
#undef SYSCALL

static const syscall_fn table[] = {
#define SYSCALL(nr, name, nargs) [nr] = call_##name,
#include "syscall/table.def"
#undef SYSCALL
};

/* ---- INT 0x80: numbers and registers of i386 ---- */

#undef CALL_0
#undef CALL_1
#undef CALL_2
#undef CALL_3
#define CALL_0(name) sys_##name()
#define CALL_1(name) sys_##name((u32)f->rbx)
#define CALL_2(name) sys_##name((u32)f->rbx, (u32)f->rcx)
#define CALL_3(name) sys_##name((u32)f->rbx, (u32)f->rcx, (u32)f->rdx)

#define SYSCALL(nr, name, nargs)                                 \
	static long call_i386_##name(const struct trap_frame *f) \
	{                                                        \
		(void)f;                                         \
		return CALL_##nargs(name);                       \
	}
#include "syscall/table_i386.def"
#undef SYSCALL

static const syscall_fn table_i386[] = {
#define SYSCALL(nr, name, nargs) [nr] = call_i386_##name,
#include "syscall/table_i386.def"
#undef SYSCALL
};

/* ---- both ---- */

/* In sys_unimplemented: the number is one of i386. */
#define NR_I386 BIT(31)

long sys_not_implemented(void)
{
	const struct trap_frame *frame = user_frame(current->kernel_sp_top);

	TRACE(sys_unimplemented,
	      .nr = frame_syscall_nr(frame) | (frame->vector == INT80_VECTOR ? NR_I386 : 0),
	      .pid = current->pid);
	return -ENOSYS;
}

void upcall_syscall_i386(struct trap_frame *frame)
{
	u64 nr = frame_syscall_nr(frame);
	long result;

	if (nr < ARRAY_SIZE(table_i386) && table_i386[nr])
		result = table_i386[nr](frame);
	else
		result = sys_not_implemented();
	frame_set_result(frame, result);
}

void upcall_syscall(struct trap_frame *frame)
{
	u64 nr = frame_syscall_nr(frame);
	long result;

	if (nr < ARRAY_SIZE(table) && table[nr])
		result = table[nr](frame);
	else
		result = sys_not_implemented();
	frame_set_result(frame, result);
}
