/*
 * A QEMU plugin that counts the guest's instructions.
 *
 *   -plugin count.so,out=FILE[,start=ADDRESS]...[,symbols=ELF]
 *
 * An instruction belongs to the kernel when its address lies in the upper half, else to the user (firmware and the kernel's
 * first steps, before paging, count there too). FILE gets lines of fields separated by a blank, counts cumulative from the
 * machine's start, summed over its CPUs:
 *
 *   start ADDRESS USER KERNEL STORES
 *                                 before the instruction at ADDRESS is executed for the first time
 *   mark VALUE USER KERNEL STORES
 *                                 a program executed the marker instruction with VALUE (guest/marker.h)
 *   function NAME COUNT           with symbols: instructions of this function since the previous mark; follows its mark
 *   end USER KERNEL STORES        QEMU ends
 *
 * STORES is that part of KERNEL which is iterations of `rep stosq`: what clearing pages costs.
 *
 * One CPU is counted by additions in the translated code. Several are counted by a call each instruction, atomically: slow,
 * but the plugin interface has no counters per CPU.
 *
 * An instruction that faults is counted when it faults and again when it is repeated, as the CPU executes it twice; a
 * repeated string instruction counts once an iteration, as in -icount.
 */
#include "qemu_plugin.h"
#include "symbols.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPPER_HALF (UINT64_C(1) << 63)

/* nopl MARKER_TAG | VALUE (%rax,%rax,1): see guest/marker.h. */
#define MARKER_SIZE 8
#define MARKER_TAG  0x504c0000u
static const uint8_t marker_opcode[] = {0x0f, 0x1f, 0x84, 0x00};

#define MAX_STARTS 4

static const uint8_t rep_stosq[] = {0xf3, 0x48, 0xab};

enum mode { USER, KERNEL, NR_MODES };

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct {
	FILE *out;
	bool several_cpus;
	struct start {
		uint64_t address;
		bool met;
	} starts[MAX_STARTS];
	size_t nr_starts;
	uint64_t counts[NR_MODES];
	uint64_t stores;
	struct symbols symbols;
	uint64_t *by_symbol;  /* one a symbol: its part of counts[KERNEL], which leaves it out */
	uint64_t *at_mark;    /* by_symbol at the last mark */
	pthread_mutex_t lock; /* out and at_mark */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t kernel_total(void)
{
	uint64_t total = state.counts[KERNEL];

	for (size_t i = 0; i < state.symbols.nr; i++)
		total += state.by_symbol[i];
	return total;
}

static void print_counts(const char *what)
{
	fprintf(state.out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", what, state.counts[USER],
		kernel_total(), state.stores);
}

static void print_functions(void)
{
	for (size_t i = 0; i < state.symbols.nr; i++) {
		uint64_t since = state.by_symbol[i] - state.at_mark[i];

		if (since != 0)
			fprintf(state.out, "function %s %" PRIu64 "\n", state.symbols.list[i].name,
				since);
		state.at_mark[i] = state.by_symbol[i];
	}
}

static void meet_marker(unsigned int vcpu, void *value)
{
	char what[32];

	(void)vcpu;
	pthread_mutex_lock(&state.lock);
	snprintf(what, sizeof(what), "mark %u", (unsigned int)(uintptr_t)value);
	print_counts(what);
	print_functions();
	pthread_mutex_unlock(&state.lock);
}

static void meet_start(unsigned int vcpu, void *userdata)
{
	struct start *start = userdata;
	char what[32];

	(void)vcpu;
	pthread_mutex_lock(&state.lock);
	snprintf(what, sizeof(what), "start 0x%" PRIx64, start->address);
	if (!start->met)
		print_counts(what);
	start->met = true;
	pthread_mutex_unlock(&state.lock);
}

static void count_one(unsigned int vcpu, void *counter)
{
	(void)vcpu;
	__atomic_fetch_add((uint64_t *)counter, 1, __ATOMIC_RELAXED);
}

static uint64_t *counter_of(uint64_t address)
{
	if (!(address & UPPER_HALF))
		return &state.counts[USER];

	size_t symbol = symbols_find(&state.symbols, address);
	return symbol < state.symbols.nr ? &state.by_symbol[symbol] : &state.counts[KERNEL];
}

static bool is_marker(const struct qemu_plugin_insn *insn, uint32_t *value)
{
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	uint32_t operand;

	if (qemu_plugin_insn_size(insn) != MARKER_SIZE ||
	    memcmp(bytes, marker_opcode, sizeof(marker_opcode)) != 0)
		return false;
	memcpy(&operand, bytes + sizeof(marker_opcode), sizeof(operand));
	*value = operand & 0xffff;
	return (operand & ~0xffffu) == MARKER_TAG;
}

static bool is_rep_stosq(const struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_vaddr(insn) & UPPER_HALF &&
	       qemu_plugin_insn_size(insn) == sizeof(rep_stosq) &&
	       memcmp(qemu_plugin_insn_data(insn), rep_stosq, sizeof(rep_stosq)) == 0;
}

static void count(struct qemu_plugin_insn *insn, uint64_t *counter)
{
	if (state.several_cpus)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, count_one, QEMU_PLUGIN_CB_NO_REGS,
						       counter);
	else
		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							   counter, 1);
}

static void instrument(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);
	uint32_t value;

	for (size_t i = 0; i < state.nr_starts; i++) {
		if (address == state.starts[i].address && !state.starts[i].met)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, meet_start, QEMU_PLUGIN_CB_NO_REGS, &state.starts[i]);
	}
	count(insn, counter_of(address));
	if (is_rep_stosq(insn))
		count(insn, &state.stores);
	if (is_marker(insn, &value))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, meet_marker, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)(uintptr_t)value);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		instrument(qemu_plugin_tb_get_insn(tb, i));
}

static void finish(qemu_plugin_id_t id, void *unused)
{
	(void)id, (void)unused;
	pthread_mutex_lock(&state.lock);
	print_counts("end");
	print_functions();
	if (fclose(state.out) != 0)
		perror("count.so: writing the counts");
	pthread_mutex_unlock(&state.lock);
}

/* The value of an argument NAME=VALUE; NULL when it has another name. */
static const char *value_of(const char *argument, const char *name)
{
	size_t length = strlen(name);

	return strncmp(argument, name, length) == 0 && argument[length] == '='
		       ? argument + length + 1
		       : NULL;
}

static const char *load_symbols(const char *path)
{
	const char *error = symbols_load(&state.symbols, path);

	if (error)
		return error;
	state.by_symbol = calloc(state.symbols.nr + 1, sizeof(uint64_t));
	state.at_mark = calloc(state.symbols.nr + 1, sizeof(uint64_t));
	return state.by_symbol && state.at_mark ? NULL : "out of memory";
}

/* Returns whether the argument is one of ours and can be carried out; says why not. */
static bool take_argument(const char *argument)
{
	const char *value, *error = NULL;

	if ((value = value_of(argument, "out"))) {
		state.out = fopen(value, "w");
		if (!state.out)
			perror(value);
		return state.out != NULL;
	}
	if ((value = value_of(argument, "start")) && state.nr_starts < MAX_STARTS) {
		state.starts[state.nr_starts++].address = strtoull(value, NULL, 0);
		return true;
	}
	if ((value = value_of(argument, "symbols")))
		error = load_symbols(value);
	else
		error = "not one of out=FILE, up to four start=ADDRESS, symbols=ELF";
	if (error)
		fprintf(stderr, "count.so: %s: %s\n", argument, error);
	return error == NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0) {
		fprintf(stderr, "count.so: counts qemu-system-x86_64 only\n");
		return 1;
	}
	for (int i = 0; i < argc; i++) {
		if (!take_argument(argv[i]))
			return 1;
	}
	if (!state.out) {
		fprintf(stderr, "count.so: out=FILE is missing\n");
		return 1;
	}
	state.several_cpus = info->system.max_vcpus > 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
