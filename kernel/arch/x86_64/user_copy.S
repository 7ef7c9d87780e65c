/*
 * The loops of uaccess.c that touch user memory, the range already checked. A fault that cannot be
 * resolved continues at the routine's fixup. Whole words first: an emulated CPU pays for every
 * iteration of a string instruction.
 */
#include "arch/x86_64/macros.inc"

	.text

/* int user_copy(void *to, const void *from, size_t n) */
FUNCTION user_copy
	pushq %rbp
	movq %rsp, %rbp
	SMAP_SITE stac
	movq %rdx, %rcx
	shrq $3, %rcx
1:	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
2:	rep movsb
	xorl %eax, %eax
3:	SMAP_SITE clac
	popq %rbp
	ret
4:	movl $-ASM_EFAULT, %eax
	jmp 3b
	UACCESS_SITE 1b, 4b
	UACCESS_SITE 2b, 4b
END_FUNCTION user_copy

/* long user_copy_text(char *to, const char *from, size_t size): the length, -ENAMETOOLONG or
 * -EFAULT */
FUNCTION user_copy_text
	pushq %rbp
	movq %rsp, %rbp
	SMAP_SITE stac
	xorl %eax, %eax
1:	cmpq %rdx, %rax
	je 3f
2:	movb (%rsi, %rax), %cl
	movb %cl, (%rdi, %rax)
	testb %cl, %cl
	jz 4f
	incq %rax
	jmp 1b
3:	movq $-ASM_ENAMETOOLONG, %rax
4:	SMAP_SITE clac
	popq %rbp
	ret
5:	movq $-ASM_EFAULT, %rax
	jmp 4b
	UACCESS_SITE 2b, 5b
END_FUNCTION user_copy_text

/* int user_cmpxchg(u32 *at, u32 *old, u32 new): 0 or -EFAULT; *old becomes what was there */
FUNCTION user_cmpxchg
	pushq %rbp
	movq %rsp, %rbp
	movl (%rsi), %eax
	SMAP_SITE stac
1:	lock cmpxchgl %edx, (%rdi)
	SMAP_SITE clac
	movl %eax, (%rsi)
	xorl %eax, %eax
	popq %rbp
	ret
2:	SMAP_SITE clac
	movl $-ASM_EFAULT, %eax
	popq %rbp
	ret
	UACCESS_SITE 1b, 2b
END_FUNCTION user_cmpxchg

	.section .note.GNU-stack, "", @progbits
