/*
 * The first instructions of a secondary CPU: it begins in real mode at TRAMPOLINE, where smp.c has
 * put a copy of this. All it does is enter 32-bit protected mode with the boot GDT; the rest is
 * pvh.S.
 */
#include "arch/x86_64/macros.inc"

#define HERE(label) (TRAMPOLINE + (label) - trampoline_start)

	.section .rodata
	.balign 16
	.globl trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl HERE(gdt_pointer)
	movl $(CR0_ET | CR0_PE), %eax
	movl %eax, %cr0
	ljmpl $BOOT_CS32, $HERE(protected)
	.code32
protected:
	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $PHYS(secondary_entry), %esi
	movl $PHYS(enter_long_mode), %eax
	jmp *%eax
	.balign 4
gdt_pointer:
	.word 4 * 8 - 1
	.long PHYS(boot_gdt)
trampoline_end:

	.section .note.GNU-stack, "", @progbits
