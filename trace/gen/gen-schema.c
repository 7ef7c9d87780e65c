/*
 * Prints the generated part of schema.sql: one STRICT table per event, and the table of enumeration
 * names.
 *
 * A payload field called `cpu` becomes the column arg_cpu: `cpu` is, in every event table, the CPU
 * that emitted the event.
 */
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "trace/gen/event_info.h"

static const char *column_name(const char *field)
{
	return strcmp(field, "cpu") == 0 ? "arg_cpu" : field;
}

static void print_column(const struct field_info *field, const char *separator)
{
	const char *name = column_name(field->name);
	const char *quote = sqlite3_keyword_check(name, (int)strlen(name)) ? "\"" : "";

	printf("\t%s%s%s %s NOT NULL%s -- %s", quote, name, quote,
	       field->type == FT_text ? "TEXT" : "INTEGER", separator, field->doc);
	if (field->enum_name)
		printf(" (%s %s)",
		       field->role == FIELD_FLAGS ? "bits:" : "enum:", field->enum_name);
	puts("");
}

static void print_event(const struct event_info *event)
{
	uint32_t last = event->nr_fields - 1;

	while (event->fields[last].role == FIELD_PAD)
		last--;
	printf("\n-- 0x%02x: %s\nCREATE TABLE %s (\n"
	       "\tid INTEGER PRIMARY KEY, -- rank in the merged trace, from 1\n"
	       "\tt INTEGER NOT NULL, -- ns since boot\n"
	       "\tcpu INTEGER NOT NULL, -- the CPU that emitted it\n",
	       event->id, event->doc, event->name);
	for (uint32_t i = 0; i <= last; i++) {
		if (event->fields[i].role != FIELD_PAD)
			print_column(&event->fields[i], i == last ? "" : ",");
	}
	puts(") STRICT;");
}

/* As an SQL string literal. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			putchar('\'');
		putchar(*text);
	}
	putchar('\'');
}

static void print_enums(void)
{
	puts("\n-- The names of enumeration values and of bits.\nCREATE TABLE enum_name (\n"
	     "\tenum TEXT NOT NULL, -- the enumeration or set of bits\n"
	     "\tvalue INTEGER NOT NULL, -- its number; of a bit, the bit's value\n"
	     "\tname TEXT NOT NULL, -- what state tables and views print\n"
	     "\tdoc TEXT NOT NULL, -- what it means\n"
	     "\tPRIMARY KEY (enum, value)\n) STRICT, WITHOUT ROWID;");
	for (size_t i = 0; i < NR_ENUM_INFOS; i++) {
		const struct enum_info *info = &enum_infos[i];

		printf("\n-- %s%s\nINSERT INTO enum_name(enum, value, name, doc) VALUES\n",
		       info->doc, info->is_flags ? " (bits)" : "");
		for (uint32_t j = 0; j < info->nr_values; j++) {
			printf("\t('%s', %u, ", info->name, info->values[j].number);
			print_quoted(info->values[j].text);
			printf(", ");
			print_quoted(info->values[j].doc);
			puts(j + 1 == info->nr_values ? ");" : "),");
		}
	}
}

int main(void)
{
	puts("-- Generated: the event tables, one per event, as emitted; enumerations as numbers.");
	for (size_t i = 0; i < nr_event_infos; i++)
		print_event(&event_infos[i]);
	print_enums();
	return fflush(stdout) != 0;
}
