/*
 * A guest of a few bytes for the tests of the driver: boots by PVH, talks on COM1 as the kernel does, has no trace.
 * One of these chooses what it does after its first line:
 *   ENDS     prints the lines of one program and ends in order
 *   HANGS    prints nothing more
 *   MUTE     does not even print that line
 *   RESETS   triple-faults, which ends QEMU without an end in order
 *   PANICS   prints a panic and ends as the kernel does
 *   MONITOR  echoes the monitor's dialogue: key, barrier line, prompt; one answer line per command; "continue" ends
 */
#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

	.section .note.pvh, "a"
	.long 4, 4, 18		/* sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.text
	.code32
	.globl _start
_start:
	mov $0x90000, %esp
#if defined(MUTE)
	jmp .
#endif
	mov $first_line, %esi
	call print

#if defined(ENDS)
	mov $program_lines, %esi
	call print
	jmp end_in_order
#elif defined(HANGS)
	jmp .
#elif defined(RESETS)
	lidt no_idt
	int3
#elif defined(PANICS)
	mov $panic_line, %esi
	call print
	jmp end_in_order
#elif defined(MONITOR)
1:	call read
	cmp $0x1d, %al
	jne 1b
	mov $barrier_line, %esi
	call print
2:	mov $prompt, %esi
	call print
	call read
	cmp $'c', %al		/* continue */
	je 4f
3:	call read
	cmp $'\n', %al
	jne 3b
	mov $answer_line, %esi
	call print
	jmp 2b
4:	mov $continue_line, %esi
	call print
	jmp end_in_order
#endif

end_in_order:
	xor %eax, %eax
	mov $DEBUG_EXIT, %dx
	out %al, %dx

print:				/* the text at %esi */
	mov $COM1, %dx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	ret

read:				/* a character to %al */
	mov $COM1 + 5, %dx
1:	pause
	in %dx, %al
	test $1, %al
	jz 1b
	mov $COM1, %dx
	in %dx, %al
	ret

first_line:	.asciz "tiny guest\r\n"
program_lines:	.asciz "[init] start tiny pid 2\n[init] exit tiny pid 2 status 1792\npalimpsest: session end\n"
panic_line:	.asciz "kernel panic: out of ideas\n"
barrier_line:	.asciz "[monitor] barrier 7\n"
continue_line:	.asciz "[monitor] continue\n"
answer_line:	.asciz "an answer\r\n"
prompt:		.asciz "(palimpsest) "
no_idt:		.word 0
		.long 0
