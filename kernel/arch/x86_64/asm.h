/*
 * Numbers that C and assembler share. Assembler cannot read the C headers: where a number repeats
 * one of theirs, a static assertion in machine.c or traps.c keeps the two equal.
 */
#ifndef ARCH_ASM_H
#define ARCH_ASM_H

/* Where the image is linked (KERNEL_BASE) and loaded. */
#define IMAGE_BASE 0xffffffff80000000
#define IMAGE_PHYS 0x100000

/* Where the direct map lies before KASLR (DIRECT_MAP_BASE). */
#define LOWEST_DIRECT_MAP 0xffff888000000000

/* Slots of the top page table: direct map and image. */
#define DIRECT_MAP_SLOT 273
#define IMAGE_SLOT      511

/* From here to 4 GiB a q35 machine has devices, never RAM. */
#define DEVICE_WINDOW 0xc0000000

/* Physical page of the code that secondary CPUs begin with: below 1 MiB, page-aligned. */
#define TRAMPOLINE 0x8000

/* QEMU's isa-debug-exit. */
#define EXIT_PORT 0xf4

/* Selectors, numbered as Linux numbers them because programs can read them. BOOT_CS32 lives only
 * before long mode. */
#define BOOT_CS32    0x08
#define KERNEL_CS    0x10
#define KERNEL_DS    0x18
#define USER_CS32    0x23
#define USER_DS      0x2b
#define USER_CS      0x33
#define TSS_SELECTOR 0x40
/* Of no memory; programs ask for their limits (vdso.h). */
#define CPU_NUMBER_SELECTOR     0x53
#define PROCESS_NUMBER_SELECTOR 0x5b

#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_ET 0x00000010
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000

#define CR4_PAE        0x000020
#define CR4_PGE        0x000080
#define CR4_OSFXSR     0x000200
#define CR4_OSXMMEXCPT 0x000400
#define CR4_UMIP       0x000800
#define CR4_OSXSAVE    0x040000
#define CR4_SMEP       0x100000
#define CR4_SMAP       0x200000

#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE 0x001
#define EFER_LME 0x100
#define EFER_NXE 0x800

#define RFLAGS_FIXED 0x00002 /* always set */
#define RFLAGS_TF    0x00100
#define RFLAGS_DF    0x00400
#define RFLAGS_NT    0x04000
#define RFLAGS_RF    0x10000
#define RFLAGS_AC    0x40000

/* Offsets in struct trap_frame. */
#define FRAME_R11    (6 * 8)
#define FRAME_VECTOR (15 * 8)
#define FRAME_RIP    (17 * 8)
#define FRAME_CS     (18 * 8)
#define FRAME_RSP    (20 * 8)

/* frame->vector of a system call (SYSCALL_VECTOR). */
#define ASM_SYSCALL_VECTOR 0x100

/* Errors that the assembler copy routines return, negated. */
#define ASM_EFAULT       14
#define ASM_ENOSYS       38
#define ASM_ENAMETOOLONG 36

#endif
