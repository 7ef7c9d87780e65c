/* The image of the vDSO, as vdso/vdso.mk built it; the build tells where. */
	.section .rodata
	.globl arch_vdso_start, arch_vdso_end
	.balign 8
arch_vdso_start:
	.incbin VDSO_IMAGE
arch_vdso_end:
	.section .note.GNU-stack, "", @progbits
