/*
 * From the boot loader to C. QEMU enters pvh_entry in 32-bit protected mode without paging, with
 * the physical address of the start information in %ebx (the PVH boot ABI). Secondary CPUs come
 * from trampoline.S into enter_long_mode.
 *
 * The early page tables map physical memory below 4 GiB three times: as it is (for these first
 * instructions, and for those of secondary CPUs), at the direct map, and its first GiB at the
 * image; kaslr.c moves the latter two. They are replaced by mm's tables.
 */
#include "arch/x86_64/macros.inc"

#define TABLE 0x3	   /* present, writable */
#define PAGE  0x83	   /* present, writable, 2 MiB */
#define DEVICE_PAGE 0x9b   /* the same, uncached */
#define NX (1 << 63)

#define CPUID_NX_AND_LONG_MODE ((1 << 20) | (1 << 29))
#define COM1 0x3f8
#define EXIT_FAILED 1	   /* PANIC_EXIT_VALUE */

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18	/* sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PHYS(pvh_entry)

	.section .text.boot, "ax"
	.code32
FUNCTION pvh_entry
	cld
	movl %ebx, %ebp
	movl $0x80000001, %eax
	cpuid
	andl $CPUID_NX_AND_LONG_MODE, %edx
	cmpl $CPUID_NX_AND_LONG_MODE, %edx
	jne cpu_too_old
	movl $PHYS(boot_entry), %esi
	/* falls through */
END_FUNCTION pvh_entry

/* Turns on paging with the early tables and goes on in the image at the code whose physical
 * address is in %esi; keeps %ebp. */
	.globl enter_long_mode
	.type enter_long_mode, @function
enter_long_mode:
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $PHYS(early_pml4), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_LME | EFER_NXE), %eax
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	lgdt PHYS(boot_gdt_pointer)
	ljmp $KERNEL_CS, $PHYS(1f)
	.code64
1:	movl %esi, %esi
	addq PHYS(image_base), %rsi
	jmp *%rsi
END_FUNCTION enter_long_mode

	.code32
cpu_too_old:
	movl $PHYS(cpu_too_old_text), %esi
	movl $(cpu_too_old_text_end - cpu_too_old_text), %ecx
	movw $COM1, %dx
	rep outsb
	movl $EXIT_FAILED, %eax
	movw $EXIT_PORT, %dx
	outl %eax, %dx
1:	hlt
	jmp 1b

	.code64
.macro LOAD_BOOT_SEGMENTS
	lgdt boot_gdt_pointer64(%rip)
	movl $KERNEL_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
.endm

FUNCTION boot_entry
	LOAD_BOOT_SEGMENTS
	movq boot_stack_top(%rip), %rsp
	movl %ebp, %ebx
	movl %ebp, %edi
	xorl %ebp, %ebp
	call kaslr_relocate
	movq $1f, %rax		/* only now: where the image is from here on */
	jmp *%rax
1:	LOAD_BOOT_SEGMENTS
	movq boot_stack_top(%rip), %rsp
	movl %ebx, %edi
	call arch_boot
	ud2
END_FUNCTION boot_entry

/* void apply_relocs(u64 offset): adds the offset to every absolute address in the image, at its
 * physical address. Assembler because nothing here may be such an address itself. */
FUNCTION apply_relocs
	leaq relocs64_start(%rip), %rsi
	leaq relocs64_end(%rip), %rcx
1:	cmpq %rcx, %rsi
	jae 2f
	movl (%rsi), %eax
	addq %rdi, (%rax)
	addq $4, %rsi
	jmp 1b
2:	leaq relocs32_start(%rip), %rsi
	leaq relocs32_end(%rip), %rcx
3:	cmpq %rcx, %rsi
	jae 4f
	movl (%rsi), %eax
	addl %edi, (%rax)
	addq $4, %rsi
	jmp 3b
4:	movq %cr3, %rax		/* serialises: code ahead has changed */
	movq %rax, %cr3
	ret
END_FUNCTION apply_relocs

/* The order of the fields of secondary_boot is asserted in smp.c. */
FUNCTION secondary_entry
	LOAD_BOOT_SEGMENTS
	movq secondary_boot(%rip), %rax
	movq %rax, %cr3
	movq secondary_boot + 8(%rip), %rsp
	movl secondary_boot + 16(%rip), %edi
	xorl %ebp, %ebp
	call secondary_main
	ud2
END_FUNCTION secondary_entry

	.section .rodata
cpu_too_old_text:
	.ascii "palimpsest needs a CPU with long mode and NX\r\n"
cpu_too_old_text_end:

	.balign 8
	.globl image_base, direct_map_base
image_base:			/* where physical 0 would be in the image; moves with it */
	.quad kernel_start - IMAGE_PHYS
direct_map_base:		/* kaslr.c */
	.quad LOWEST_DIRECT_MAP

	.globl boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* BOOT_CS32: flat 32-bit code */
	.quad 0x00af9b000000ffff	/* KERNEL_CS: 64-bit code */
	.quad 0x00cf93000000ffff	/* KERNEL_DS: flat data */
boot_gdt_end:

	.globl boot_gdt_pointer
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long PHYS(boot_gdt)
boot_gdt_pointer64:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt

	.data
	.balign 4096
	.globl early_pml4, early_direct, early_image
early_pml4:
	.quad PHYS(early_direct) + TABLE
	.fill DIRECT_MAP_SLOT - 1, 8, 0
	.quad PHYS(early_direct) + TABLE + NX
	.fill IMAGE_SLOT - DIRECT_MAP_SLOT - 1, 8, 0
	.quad PHYS(early_image) + TABLE
early_direct:
	.quad PHYS(early_pages) + TABLE
	.quad PHYS(early_pages) + 0x1000 + TABLE
	.quad PHYS(early_pages) + 0x2000 + TABLE
	.quad PHYS(early_pages) + 0x3000 + TABLE
	.fill 508, 8, 0
early_image:
	.fill 510, 8, 0
	.quad PHYS(early_pages) + TABLE
	.quad 0
early_pages:
	.set address, 0
	.rept DEVICE_WINDOW >> 21
	.quad address + PAGE
	.set address, address + 0x200000
	.endr
	.rept 2048 - (DEVICE_WINDOW >> 21)
	.quad address + DEVICE_PAGE
	.set address, address + 0x200000
	.endr

	.section .note.GNU-stack, "", @progbits
