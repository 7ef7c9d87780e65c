/*
 * What the monitor answers: the state that the trace tells of, and what helps to understand a
 * machine that does not go on. Every line begins with the command's name, then pairs of a name and a
 * value, so that a program can compare it; numbers are decimal, addresses and entries hexadecimal.
 *
 * Nothing here sleeps, and what others own is read without their locks: nobody moves.
 */
#include "dev/monitor_commands.h"

#include "arch/x86_64/context.h"
#include "cpu/backtrace.h"
#include "cpu/quiesce.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/check.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/zero_page.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "trace/names.h"
#include "trace/ring.h"
#include "trace/trace.h"

/* Reads a number to the end of the word and goes behind the blanks after it. False when there is no
 * number, or it is longer than 64 bits. */
static bool parse_number(const char **text, u32 base, u64 *number)
{
	const char *c = *text, *first;
	u64 value = 0;

	if (base == 16 && c[0] == '0' && c[1] == 'x')
		c += 2;
	for (first = c; *c && *c != ' '; c++) {
		u32 digit = *c >= 'a' ? *c - 'a' + 10u : *c - '0' + 0u;

		if (digit >= base || value > (~0ul - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (c == first)
		return false;
	while (*c == ' ')
		c++;
	*text = c;
	*number = value;
	return true;
}

/* ---- pages ---- */

/* Frame numbers on their way to the console, eight a line. */
struct frame_line {
	char text[96];
	u32 length, frames;
};

static void end_line(struct frame_line *line)
{
	if (line->frames)
		printk(" %s", line->text);
	line->length = line->frames = 0;
}

static void print_frame(struct page *page, void *arg)
{
	struct frame_line *line = arg;

	line->length += snprintf(line->text + line->length, sizeof(line->text) - line->length,
				 " %u", page_pfn(page));
	if (++line->frames == 8)
		end_line(line);
}

static void command_lru(const char *argument)
{
	struct frame_line line = {.length = 0};

	(void)argument;
	for (u32 list = 0; list < NR_LRU_LISTS; list++) {
		printk("lru %s %u", trace_value_name("lru_list", list), lru_size(list));
		lru_for_each(list, print_frame, &line);
		end_line(&line);
	}
}

static bool print_mapping(struct rmap_mapping *mapping, void *arg)
{
	const struct page *page = mapping->page;

	(void)arg;
	printk("rmap %u mm %u va %lx %s %u", page_pfn(page), mapping->vma->mm->id, mapping->va,
	       page->kind == PAGE_ANON ? "anon_vma" : "mapping", rmap_mapping_id(page));
	return true;
}

static bool is_users(const struct page *page)
{
	return !page_test(page, PG_RESERVED | PG_BUDDY | PG_PCP) &&
	       (page->kind == PAGE_ANON || page_operations(page)->is_file) &&
	       atomic_read(&page->refcount) > 0;
}

static void command_rmap(const char *argument)
{
	u64 pfn;

	if (!strcmp(argument, "all")) {
		for (pfn = 0; pfn < max_pfn; pfn++)
			if (is_users(pfn_page(pfn)))
				rmap_walk(pfn_page(pfn), print_mapping, NULL);
	} else if (!parse_number(&argument, 10, &pfn) || *argument || pfn >= max_pfn) {
		printk("rmap: give a frame number below %u, or `all`", max_pfn);
	} else if (!is_users(pfn_page(pfn))) {
		printk("rmap: frame %lu holds no page of programs", pfn);
	} else {
		rmap_walk(pfn_page(pfn), print_mapping, NULL);
	}
}

static void command_check(const char *argument)
{
	(void)argument;
	mm_check();
}

static void command_free(const char *argument)
{
	struct free_frames free;

	(void)argument;
	debug_free_frames(&free);
	printk("free managed %u free %u buddy %u zeroed %u", nr_managed_frames, nr_free_frames(),
	       free.buddy, free.zeroed);
	printk("free min %u low %u high %u", watermarks.min, watermarks.low, watermarks.high);
	for_each_cpu (cpu)
		printk("free cpu %u list %u", cpu, free.pcp[cpu]);
	for (u32 list = 0; list < NR_LRU_LISTS; list++)
		printk("free lru %s %u", trace_value_name("lru_list", list), lru_size(list));
	printk("free swap %u used %u", swap_nr_slots(), swap_nr_slots() - swap_nr_free());
}

static void command_swap(const char *argument)
{
	u32 slots = swap_nr_slots(), cached = 0, dirty = 0, writing = 0, reading = 0;

	(void)argument;
	for (u32 slot = 1; slot <= slots; slot++) {
		const struct page *page = debug_swap_cached(slot);

		if (!page)
			continue;
		cached++;
		dirty += page_test(page, PG_DIRTY);
		writing += page_test(page, PG_WRITEBACK);
		/* Only who waits for the disk has no content yet. */
		reading += page_test(page, PG_LOCKED) && !page_test(page, PG_UPTODATE);
	}
	printk("swap slots %u used %u free %u cached %u dirty %u writing %u reading %u", slots,
	       slots - swap_nr_free(), swap_nr_free(), cached, dirty, writing, reading);
}

/* ---- tasks ---- */

static void command_ps(const char *argument)
{
	struct task *task;

	(void)argument;
	list_for_each_entry (task, &task_list, node) {
		const struct mm *mm = task->cur.mm;
		struct cpu_time time = debug_cpu_time(task);

		printk("ps %d parent %d state %s cpu %u mm %u resident %d swapped %d "
		       "user_us %lu system_us %lu comm %s",
		       task->cur.pid, task->process ? task->process->parent_pid : 0,
		       trace_value_name("task_state", task_visible_state(task)), task->cpu,
		       mm ? mm->id : 0, mm ? atomic_read(&mm->nr_resident) : 0,
		       mm ? atomic_read(&mm->nr_swapped) : 0, time.user_ns / NSEC_PER_USEC,
		       time.system_ns / NSEC_PER_USEC, task->cur.comm);
	}
}

static void command_cpu(const char *argument)
{
	(void)argument;
	for_each_cpu (cpu) {
		const struct task *task = sched_running_task(cpu);

		if (task)
			printk("cpu %u pid %d queued %u idle %s comm %s", cpu, task->cur.pid,
			       debug_nr_queued(cpu), task->cur.flags & PF_IDLE ? "yes" : "no",
			       task->cur.comm);
		else
			printk("cpu %u: takes no tasks yet", cpu);
	}
}

/* Reads a pid; NULL, and the reason is printed, when there is no such task. */
static const struct task *parse_task(const char *command, const char **argument)
{
	const struct task *task = NULL;
	u64 pid;

	if (!parse_number(argument, 10, &pid))
		printk("%s: the first argument is a pid; `ps` lists them", command);
	else if (pid > INT32_MAX || !(task = debug_task_find(pid)))
		printk("%s: no task %lu; `ps` lists them", command, pid);
	return task;
}

static void print_stack(const struct current_task *cur, u64 rip, u64 rbp)
{
	backtrace_print_stack(rip, rbp, cur->kernel_sp_top - KSTACK_SIZE, cur->kernel_sp_top);
}

/* Of a task that some CPU runs. */
static void print_running(const struct task *task, u32 cpu)
{
	/* The words of a frame: the caller's frame, and where it goes on. */
	const u64 *parked = debug_parked_frame(cpu);

	if (cpu != cpu_id() && !parked) {
		printk("bt: task %d runs on CPU %u, which is not parked", task->cur.pid, cpu);
		return;
	}
	printk("bt %d cpu %u comm %s", task->cur.pid, cpu, task->cur.comm);
	if (cpu == cpu_id())
		print_stack(&task->cur, monitor_stop.rip, monitor_stop.rbp);
	else
		print_stack(&task->cur, parked[1], parked[0]);
}

static void print_waiting(const struct task *task)
{
	u64 rip, rbp;

	printk("bt %d state %s comm %s", task->cur.pid, trace_value_name("task_state", task->state),
	       task->cur.comm);
	debug_arch_task_where(&task->arch, &rip, &rbp);
	print_stack(&task->cur, rip, rbp);
}

static void command_bt(const char *argument)
{
	const struct task *task;

	if (!*argument) {
		print_running(current_proc, cpu_id());
		return;
	}
	task = parse_task("bt", &argument);
	if (!task)
		return;
	if (*argument)
		printk("bt: give one pid, or nothing for this CPU");
	else if (sched_running_task(task->cpu) == task)
		print_running(task, task->cpu);
	else if (task->state == TASK_ZOMBIE || task->state == TASK_DEAD)
		printk("bt: task %d has exited: it has no stack", task->cur.pid);
	else
		print_waiting(task);
}

/* ---- page tables ---- */

static void print_page(pfn_t pfn)
{
	const struct page *page = pfn_page(pfn);
	bool listed = page_test(page, PG_LRU | PG_ISOLATED);
	char flags[128];

	trace_flag_names(flags, sizeof(flags), "page_flags", page->flags);
	printk("pt page %u kind %s refs %d mapcount %u list %s flags %s", pfn,
	       trace_value_name("page_kind", page->kind), atomic_read(&page->refcount),
	       page_mapcount(page), listed ? trace_value_name("lru_list", page->list) : "-", flags);
}

/* The last entry of a walk, and what it refers to. */
static void print_last_entry(u32 level, pte_t entry)
{
	u32 value = pte_trace_value(entry);
	enum pte_kind kind = pte_trace_kind(entry);
	char flags[32];

	trace_flag_names(flags, sizeof(flags), "pte_flags", pte_trace_flags(entry));
	printk("pt level %u entry %016lx kind %s value %u flags %s", level, entry,
	       trace_value_name("pte_kind", kind), value, flags);
	if (kind == PTE_SWAP && value <= swap_nr_slots()) {
		const struct page *page = debug_swap_cached(value);

		printk("pt slot %u refs %u cached %s", value, debug_swap_refs(value),
		       page ? "yes" : "no");
		if (page)
			print_page(page_pfn(page));
	} else if ((kind == PTE_PAGE || kind == PTE_ZERO) && value < max_pfn) {
		print_page(value);
	}
}

static void command_pt(const char *argument)
{
	const struct task *task = parse_task("pt", &argument);
	pte_t entries[PGTABLE_LEVELS + 1];
	u64 va;
	u32 last;

	if (!task)
		return;
	if (!parse_number(&argument, 16, &va) || *argument || va >= USER_END) {
		printk("pt: the second argument is a hexadecimal address below %lx", USER_END);
		return;
	}
	if (!task->cur.mm) {
		printk("pt: task %d has no address space", task->cur.pid);
		return;
	}
	last = debug_entries(task->cur.mm, va, entries);
	for (u32 level = PGTABLE_LEVELS; level > last; level--)
		printk("pt level %u entry %016lx table %u", level, entries[level],
		       pte_pfn(entries[level]));
	print_last_entry(last, entries[last]);
}

/* ---- trace ---- */

static void print_off(const char *event)
{
	printk("trace off %s", event);
}

static void command_trace(const char *argument)
{
	(void)argument;
	for_each_cpu (cpu) {
		struct trace_counts counts = trace_counts(cpu);
		struct trace_subbufs subbufs = debug_trace_subbufs(cpu);

		printk("trace cpu %u emitted %lu discarded %lu stalled_ns %lu subbufs %u free %u "
		       "with_host %u",
		       cpu, counts.emitted, counts.discarded, counts.stalled_ns, subbufs.total,
		       subbufs.free, subbufs.with_host);
	}
	if (!debug_trace_nr_on())
		printk("trace off all");
	else
		debug_trace_for_each_off(print_off);
}

/* ---- the table ---- */

static void command_help(const char *argument);

static const struct command {
	const char *name;
	void (*run)(const char *argument);
	const char *arguments; /* NULL: it takes none */
	const char *help;
} commands[] = {
	{"ps", command_ps, NULL, "the tasks"},
	{"bt", command_bt, "[PID]", "where a task is in the kernel; this CPU's, where it stopped"},
	{"pt", command_pt, "PID VA", "the entries that translate an address, and the page or slot"},
	{"cpu", command_cpu, NULL, "what each CPU runs, and how many tasks wait there"},
	{"free", command_free, NULL, "free frames by place, watermarks, sizes of the lists"},
	{"swap", command_swap, NULL, "slots, and what the swap cache holds"},
	{"lru", command_lru, NULL, "the lists, head to tail"},
	{"rmap", command_rmap, "PFN|all", "who maps a frame, or every mapping"},
	{"trace", command_trace, NULL, "counts and sub-buffers of each CPU, events that are off"},
	{"check", command_check, NULL, "compare everything with everything"},
	{"help", command_help, NULL, "this"},
};

static void command_help(const char *argument)
{
	(void)argument;
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
		printk("%-8s %-8s %s", commands[i].name,
		       commands[i].arguments ? commands[i].arguments : "", commands[i].help);
	printk("%-8s %-8s %s", "continue", "", "let the machine run");
}

bool monitor_run_command(const char *line)
{
	u32 length;

	while (*line == ' ')
		line++;
	for (length = 0; line[length] && line[length] != ' ';)
		length++;

	const char *argument = line + length;
	while (*argument == ' ')
		argument++;
	if (!strcmp(line, "continue") || !strcmp(line, "c"))
		return false;
	if (!*line)
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];

		if (strlen(command->name) != length || strncmp(command->name, line, length))
			continue;
		if (*argument && !command->arguments)
			printk("%s: takes no argument", command->name);
		else
			command->run(argument);
		return true;
	}
	printk("%s: no such command; `help` lists them", line);
	return true;
}
