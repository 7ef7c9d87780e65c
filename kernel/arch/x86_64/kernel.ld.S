/*
 * The image, run through the preprocessor. Text, constants and data each begin on a page, because
 * each gets its own protection. The per-CPU template lies with the constants: nothing but its
 * copies is ever written. The symbol table comes after the text, so the second link, which fills
 * it, moves no function; the table of relocations comes after all, so the third, which fills that,
 * moves nothing.
 */
#include "arch/x86_64/asm.h"

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(pvh_entry)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	note PT_NOTE FLAGS(4);
	data PT_LOAD FLAGS(6);
	relocs PT_LOAD FLAGS(4);
}

SECTIONS
{
	. = IMAGE_BASE + IMAGE_PHYS;
	kernel_start = .;
	.text : AT(ADDR(.text) - IMAGE_BASE) {
		*(.text.boot)
		sched_text_start = .;
		*(.text.sched)
		sched_text_end = .;
		*(.text .text.*)
	} :text
	. = ALIGN(4096);
	kernel_text_end = .;

	.rodata : AT(ADDR(.rodata) - IMAGE_BASE) {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		smap_sites_start = .;
		*(.smap_sites)
		smap_sites_end = .;
		verw_sites_start = .;
		*(.verw_sites)
		verw_sites_end = .;
		uaccess_sites_start = .;
		*(.uaccess_sites)
		uaccess_sites_end = .;
		. = ALIGN(8);
		constructors_start = .;
		*(.init_array .init_array.* .ctors)
		constructors_end = .;
		*(.symbols)
	} :rodata
	.note.pvh : AT(ADDR(.note.pvh) - IMAGE_BASE) {
		*(.note.pvh)
	} :rodata :note
	. = ALIGN(4096);
	.percpu : AT(ADDR(.percpu) - IMAGE_BASE) {
		percpu_start = .;
		*(.data..percpu)
		. = ALIGN(4096);
		percpu_end = .;
	} :rodata
	kernel_rodata_end = .;

	.data : AT(ADDR(.data) - IMAGE_BASE) {
		*(.data .data.*)
	} :data
	.bss : AT(ADDR(.bss) - IMAGE_BASE) {
		*(.bss .bss.*)
		. = ALIGN(4096);
		percpu_boot_area = .;
		. += percpu_end - percpu_start;
	} :data
	kernel_end = .;

	/* Read once, before memory is handed out: not part of what stays. */
	.relocs : AT(ADDR(.relocs) - IMAGE_BASE) {
		*(.relocs)
	} :relocs
	kernel_relocs_end = .;

	/DISCARD/ : {
		*(.note.gnu.property)
		*(.note.GNU-stack)
		*(.comment)
		*(.eh_frame)
		*(.fini_array .fini_array.* .dtors)
	}
}
