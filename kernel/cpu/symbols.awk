# Turns `nm -n` of the kernel into the assembler source of its symbol table (symbols.c): functions
# only, with the addresses they are linked at, and that of the image's beginning.
$3 == "kernel_start" {
	base = "0x" $1
}

$2 ~ /^[tT]$/ {
	addresses = addresses sprintf("\t.quad 0x%s, %d\n", $1, names_size)
	names = names sprintf("\t.asciz \"%s\"\n", $3)
	names_size += length($3) + 1
	count++
}

END {
	print "\t.section .symbols, \"a\""
	print "\t.globl symbol_base, symbol_count, symbol_table, symbol_names"
	print "\t.balign 8"
	print "symbol_base:\n\t.quad " (base ? base : 0)
	print "symbol_count:\n\t.quad " count + 0
	printf "symbol_table:\n%s", addresses
	printf "symbol_names:\n%s", names
	print "\t.section .note.GNU-stack, \"\", @progbits"
}
