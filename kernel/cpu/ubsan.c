/*
 * What the compiler calls when -fsanitize=undefined has found undefined behaviour: each report ends
 * the session as a panic does. The layouts are those of GCC's libsanitizer; the first member is
 * always the place in the source.
 *
 * Debug builds only. Nothing here is sanitized itself.
 */
#include "cpu/panic.h"

struct source_location {
	const char *file;
	u32 line, column;
};

enum type_kind { TYPE_INTEGER, TYPE_FLOAT, TYPE_OTHER = 0xffff };

struct type_descriptor {
	u16 kind; /* enum type_kind */
	u16 info; /* integer: bit 0: signed; from bit 1: log2 of the width in bits */
	char name[];
};

struct overflow_data {
	struct source_location at;
	const struct type_descriptor *type;
};

struct shift_data {
	struct source_location at;
	const struct type_descriptor *left_type, *right_type;
};

struct bounds_data {
	struct source_location at;
	const struct type_descriptor *array_type, *index_type;
};

struct mismatch_data {
	struct source_location at;
	const struct type_descriptor *type;
	u8 log_alignment;
	u8 access; /* index of access_names */
};

struct location_data {
	struct source_location at;
};

struct nonnull_data {
	struct source_location at, attribute_at;
	int argument;
};

static const char *const access_names[] = {
	"load of",        "store to",         "reference binding to", "member access within",
	"member call on", "constructor call", "downcast of",          "downcast of",
	"upcast of",      "cast to base of",  "_Nonnull binding to",  "dynamic operation on",
};

/* In the caller's frame, so that the backtrace begins there. */
#define REPORT(location, kind, format, ...)                                                      \
	do {                                                                                     \
		const struct source_location *at_ = (location);                                  \
                                                                                                 \
		panic("UBSAN: " kind " in %s:%u:%u: " format, at_->file, at_->line, at_->column, \
		      ##__VA_ARGS__);                                                            \
	} while (0)

static bool is_signed(const struct type_descriptor *type)
{
	return type->info & 1;
}

/* A value as the compiler passes it: in the argument if it fits there, else by its address. The
 * lower 64 bits of wider ones. */
static s64 value_of(const struct type_descriptor *type, u64 argument)
{
	u32 bits = 1u << (type->info >> 1);

	if (bits > 64)
		return *(const s64 *)argument;
	if (!is_signed(type) || bits == 64)
		return argument;
	return (s64)(argument << (64 - bits)) >> (64 - bits);
}

#define HANDLER(handler, ...)                                  \
	void __ubsan_handle_##handler(__VA_ARGS__) __noreturn; \
	void __ubsan_handle_##handler(__VA_ARGS__)

#define OVERFLOW_HANDLER(operation, sign)                                                          \
	HANDLER(operation##_overflow_abort, const struct overflow_data *data, u64 left, u64 right) \
	{                                                                                          \
		REPORT(&data->at, "signed-integer-overflow", "%ld " sign " %ld in type %s",        \
		       value_of(data->type, left), value_of(data->type, right), data->type->name); \
	}

OVERFLOW_HANDLER(add, "+")
OVERFLOW_HANDLER(sub, "-")
OVERFLOW_HANDLER(mul, "*")

HANDLER(negate_overflow_abort, const struct overflow_data *data, u64 value)
{
	REPORT(&data->at, "negation-overflow", "-(%ld) in type %s", value_of(data->type, value),
	       data->type->name);
}

HANDLER(divrem_overflow_abort, const struct overflow_data *data, u64 left, u64 right)
{
	REPORT(&data->at, "division-overflow", "%ld / %ld in type %s", value_of(data->type, left),
	       value_of(data->type, right), data->type->name);
}

HANDLER(pointer_overflow_abort, const struct location_data *data, u64 base, u64 result)
{
	REPORT(&data->at, "pointer-overflow", "%lx became %lx", base, result);
}

HANDLER(shift_out_of_bounds_abort, const struct shift_data *data, u64 left, u64 right)
{
	REPORT(&data->at, "shift-out-of-bounds", "%ld of type %s by %ld",
	       value_of(data->left_type, left), data->left_type->name,
	       value_of(data->right_type, right));
}

HANDLER(out_of_bounds_abort, const struct bounds_data *data, u64 index)
{
	REPORT(&data->at, "array-index-out-of-bounds", "index %ld is out of range of type %s",
	       value_of(data->index_type, index), data->array_type->name);
}

HANDLER(type_mismatch_v1_abort, const struct mismatch_data *data, u64 pointer)
{
	u64 alignment = BIT(data->log_alignment);
	const char *access =
		data->access < ARRAY_SIZE(access_names) ? access_names[data->access] : "access to";

	if (!pointer)
		REPORT(&data->at, "null-ptr-deref", "%s null pointer of type %s", access,
		       data->type->name);
	if (pointer % alignment)
		REPORT(&data->at, "misaligned-access",
		       "%s address %lx of type %s, which requires %lu", access, pointer,
		       data->type->name, alignment);
	REPORT(&data->at, "object-size-mismatch", "%s address %lx with too little room for type %s",
	       access, pointer, data->type->name);
}

HANDLER(load_invalid_value_abort, const struct overflow_data *data, u64 value)
{
	REPORT(&data->at, "invalid-load", "%ld is no value of type %s", value_of(data->type, value),
	       data->type->name);
}

HANDLER(vla_bound_not_positive_abort, const struct overflow_data *data, u64 bound)
{
	REPORT(&data->at, "vla-bound", "%ld elements", value_of(data->type, bound));
}

HANDLER(nonnull_arg_abort, const struct nonnull_data *data)
{
	REPORT(&data->at, "null-argument", "argument %d must not be null", data->argument);
}

HANDLER(builtin_unreachable, const struct location_data *data)
{
	REPORT(&data->at, "unreachable", "was reached");
}

HANDLER(missing_return, const struct location_data *data)
{
	REPORT(&data->at, "missing-return", "no value returned");
}

HANDLER(invalid_builtin_abort, const struct location_data *data)
{
	REPORT(&data->at, "invalid-builtin", "__builtin_clz() or __builtin_ctz() of 0");
}
