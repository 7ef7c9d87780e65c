/* schema.sql as a NUL-terminated string, for db.c. */
	.section .rodata
	.global schema_sql
	.type schema_sql, %object
schema_sql:
	.incbin SCHEMA_SQL
	.byte 0
	.size schema_sql, . - schema_sql
	.section .note.GNU-stack, "", %progbits
