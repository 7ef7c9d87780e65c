/*
 * Prints the CTF 1.8 metadata (TSDL) of the trace: what babeltrace2 and every other CTF reader
 * needs to read the streams. Constant for a given events.def: stamps are nanoseconds already, so
 * nothing measured at boot goes into it.
 *
 * Field names get a leading underscore, which readers strip: a field may then be called like a TSDL
 * keyword. Flags are hexadecimal integers: CTF 1.8 has no bit sets, and its enumerations would show
 * combined bits as unknown.
 */
#include <stdio.h>
#include <string.h>

#include "trace/gen/event_info.h"

static const char *integer_name(enum field_type type)
{
	static const char *const names[] = {"uint8_t",  "uint16_t", "uint32_t",
					    "uint64_t", "int32_t",  "int64_t"};

	return names[type];
}

static void print_types(void)
{
	static const struct {
		const char *name;
		unsigned int bits;
		const char *is_signed;
	} types[] = {{"uint8_t", 8, "false"},   {"uint16_t", 16, "false"},
		     {"uint32_t", 32, "false"}, {"uint64_t", 64, "false"},
		     {"int32_t", 32, "true"},   {"int64_t", 64, "true"}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		printf("typealias integer { size = %u; align = 8; signed = %s; } := %s;\n",
		       types[i].bits, types[i].is_signed, types[i].name);
	for (unsigned int bits = 16; bits <= 32; bits += 16)
		printf("typealias integer { size = %u; align = 8; signed = false; base = 16; } := "
		       "flags%u_t;\n",
		       bits, bits);
	puts("typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := "
	     "text_t;\n");
}

static void print_trace(void)
{
	static const uint8_t uuid[16] = TRACE_UUID;

	printf("trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"");
	for (int i = 0; i < 16; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	puts("\";\n\tbyte_order = le;\n\tpacket.header := struct {\n"
	     "\t\tuint32_t magic;\n\t\tuint8_t uuid[16];\n\t\tuint32_t stream_id;\n"
	     "\t\tuint64_t stream_instance_id;\n\t};\n};\n");
	printf("env {\n\tdomain = \"kernel\";\n\ttracer_name = \"palimpsest\";\n\tabi_version = "
	       "%d;\n};\n\n",
	       TRACE_ABI_VERSION);
	puts("clock {\n\tname = monotonic;\n\tdescription = \"nanoseconds since boot\";\n"
	     "\tfreq = 1000000000;\n\toffset = 0;\n};\n");
	printf("stream {\n\tid = 0;\n\tevent.header := struct {\n"
	       "\t\tuint16_t id;\n\t\tinteger { size = %d; align = 8; signed = false; "
	       "map = clock.monotonic.value; } timestamp;\n\t} align(64);\n",
	       TRACE_TIMESTAMP_BITS);
	puts("\tpacket.context := struct {\n"
	     "\t\tinteger { size = 64; align = 8; signed = false; map = clock.monotonic.value; } "
	     "timestamp_begin;\n"
	     "\t\tinteger { size = 64; align = 8; signed = false; map = clock.monotonic.value; } "
	     "timestamp_end;\n"
	     "\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n\t\tuint64_t packet_seq_num;\n"
	     "\t\tuint64_t events_discarded;\n\t\tuint64_t emitted;\n\t\tuint32_t "
	     "cpu_id;\n\t\tuint32_t pad;\n"
	     "\t};\n};\n");
}

/* The enumeration in every integer size that some field uses it in: TSDL ties an enumeration to
 * one. */
static void print_enum(const struct enum_info *info)
{
	bool printed[FT_text] = {false};

	for (size_t i = 0; i < nr_event_infos; i++) {
		for (uint32_t j = 0; j < event_infos[i].nr_fields; j++) {
			const struct field_info *field = &event_infos[i].fields[j];

			if (field->role != FIELD_ENUM ||
			    strcmp(field->enum_name, info->name) != 0 || printed[field->type])
				continue;
			printed[field->type] = true;
			printf("/* %s */\nenum %s_%u : %s {\n", info->doc, info->name,
			       field->size * 8, integer_name(field->type));
			for (uint32_t k = 0; k < info->nr_values; k++)
				printf("\t\"%s\" = %u,\n", info->values[k].text,
				       info->values[k].number);
			puts("};\n");
		}
	}
}

static void print_field(const struct field_info *field)
{
	if (field->type == FT_text)
		printf("\t\ttext_t _%s[%u];\n", field->name, field->size);
	else if (field->role == FIELD_ENUM)
		printf("\t\tenum %s_%u _%s;\n", field->enum_name, field->size * 8, field->name);
	else if (field->role == FIELD_FLAGS)
		printf("\t\tflags%u_t _%s;\n", field->size * 8, field->name);
	else
		printf("\t\t%s _%s;\n", integer_name(field->type), field->name);
}

int main(void)
{
	puts("/* CTF 1.8 */\n");
	print_types();
	print_trace();
	for (size_t i = 0; i < NR_ENUM_INFOS; i++) {
		if (!enum_infos[i].is_flags)
			print_enum(&enum_infos[i]);
	}
	for (size_t i = 0; i < nr_event_infos; i++) {
		const struct event_info *event = &event_infos[i];

		printf("/* %s */\nevent {\n\tname = \"%s\";\n\tid = %u;\n\tstream_id = 0;\n"
		       "\tfields := struct {\n",
		       event->doc, event->name, event->id);
		for (uint32_t j = 0; j < event->nr_fields; j++)
			print_field(&event->fields[j]);
		puts("\t};\n};\n");
	}
	return fflush(stdout) != 0;
}
