/* /sys: the CPUs there are, and the knobs of mm. */
#include "fs/procfs/sysfs.h"
#include "cpu/percpu.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/huge_memory.h"
#include "proc/hotplug.h"

#define DIR_RIGHTS  (S_IFDIR | 0755)
#define FILE_RIGHTS (S_IFREG | 0444)

static int show_online(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_put_list(text, READ_ONCE(cpu_online_mask));
	text_puts(text, "\n");
	return 0;
}

static int show_offline(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_put_list(text, cpu_possible_mask() & ~READ_ONCE(cpu_online_mask));
	text_puts(text, "\n");
	return 0;
}

static int show_possible(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_put_list(text, cpu_possible_mask());
	text_puts(text, "\n");
	return 0;
}

/* ---- cpuN ---- */

static int show_cpu_online(struct text *text, const struct proc_inode *proc)
{
	text_printf(text, "%d\n", (int)(READ_ONCE(cpu_online_mask) >> proc->number & 1));
	return 0;
}

/* As Linux's kstrtobool(), the letters it looks at. */
static int parse_bool(const char *data, bool *value)
{
	switch (data[0]) {
	case 'y':
	case 'Y':
	case 't':
	case 'T':
	case '1':
		*value = true;
		return 0;
	case 'n':
	case 'N':
	case 'f':
	case 'F':
	case '0':
		*value = false;
		return 0;
	case 'o':
	case 'O':
		*value = data[1] == 'n' || data[1] == 'N';
		return *value || data[1] == 'f' || data[1] == 'F' ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int set_cpu_online(const struct proc_inode *proc, char *data)
{
	bool online;
	int error = parse_bool(data, &online);

	if (error != 0)
		return error;
	return online ? cpu_up(proc->number) : cpu_down(proc->number);
}

/* CPU 0 cannot go offline, and has no such file. */
static const struct proc_node other_cpu_nodes[] = {
	{.name = "online",
	 .mode = S_IFREG | 0644,
	 .show = show_cpu_online,
	 .write = set_cpu_online},
	{.name = NULL},
};
static const struct proc_node first_cpu = {.name = "", .mode = DIR_RIGHTS};
static const struct proc_node other_cpu = {
	.name = "", .mode = DIR_RIGHTS, .children = other_cpu_nodes};

static int lookup_cpu(const struct proc_inode *dir, const char *name, u32 length,
		      struct inode **result)
{
	u64 cpu;

	if (length < 4 || memcmp(name, "cpu", 3) != 0 ||
	    !proc_parse_number(name + 3, length - 3, &cpu) || cpu >= MAX_CPUS ||
	    !(cpu_possible_mask() & BIT(cpu)))
		return -ENOENT;
	return proc_inode_create(proc_sb(dir), cpu ? &other_cpu : &first_cpu,
				 proc_ino(dir, name, length), NULL, cpu, result);
}

static bool next_cpu(const struct proc_inode *dir, u64 *number, char *name)
{
	(void)dir;
	while (*number < MAX_CPUS && !(cpu_possible_mask() & BIT(*number)))
		(*number)++;
	snprintf(name, PROC_NAME_LEN, "cpu%lu", *number);
	return *number < MAX_CPUS;
}

/* ---- mm/transparent_hugepage ---- */

static const char *const huge_words[] = {
	[HUGE_ALWAYS] = "always", [HUGE_MADVISE] = "madvise", [HUGE_NEVER] = "never"};

static int show_choice(struct text *text, enum huge_enabled chosen)
{
	for (u32 i = 0; i < ARRAY_SIZE(huge_words); i++)
		text_printf(text, i == chosen ? "%s[%s]" : "%s%s", i ? " " : "", huge_words[i]);
	text_puts(text, "\n");
	return 0;
}

static int set_choice(const char *data, void (*set)(enum huge_enabled choice))
{
	for (u32 i = 0; i < ARRAY_SIZE(huge_words); i++) {
		if (!strcmp(data, huge_words[i])) {
			set(i);
			return 0;
		}
	}
	return -EINVAL;
}

static int show_huge_enabled(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	return show_choice(text, huge_enabled());
}

static int set_huge_enabled(const struct proc_inode *proc, char *data)
{
	(void)proc;
	return set_choice(data, huge_set_enabled);
}

static int show_huge_defrag(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	return show_choice(text, huge_defrag());
}

static int set_huge_defrag(const struct proc_inode *proc, char *data)
{
	(void)proc;
	return set_choice(data, huge_set_defrag);
}

static int show_huge_size(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_printf(text, "%lu\n", HUGE_PAGE_NR * PAGE_SIZE);
	return 0;
}

/* ---- the tree ---- */

static const struct proc_node cpu_nodes[] = {
	{.name = "online", .mode = FILE_RIGHTS, .show = show_online},
	{.name = "offline", .mode = FILE_RIGHTS, .show = show_offline},
	{.name = "possible", .mode = FILE_RIGHTS, .show = show_possible},
	{.name = "present", .mode = FILE_RIGHTS, .show = show_possible},
	{.name = NULL},
};

static const struct proc_node system_nodes[] = {
	{.name = "cpu",
	 .mode = DIR_RIGHTS,
	 .children = cpu_nodes,
	 .lookup = lookup_cpu,
	 .next = next_cpu,
	 .next_mode = S_IFDIR},
	{.name = NULL},
};

static const struct proc_node devices_nodes[] = {
	{.name = "system", .mode = DIR_RIGHTS, .children = system_nodes},
	{.name = NULL},
};

static const struct proc_node huge_nodes[] = {
	{.name = "defrag",
	 .mode = S_IFREG | 0644,
	 .show = show_huge_defrag,
	 .write = set_huge_defrag},
	{.name = "enabled",
	 .mode = S_IFREG | 0644,
	 .show = show_huge_enabled,
	 .write = set_huge_enabled},
	{.name = "hpage_pmd_size", .mode = FILE_RIGHTS, .show = show_huge_size},
	{.name = NULL},
};

static const struct proc_node mm_nodes[] = {
	{.name = "transparent_hugepage", .mode = DIR_RIGHTS, .children = huge_nodes},
	{.name = NULL},
};

static const struct proc_node kernel_nodes[] = {
	{.name = "mm", .mode = DIR_RIGHTS, .children = mm_nodes},
	{.name = NULL},
};

static const struct proc_node root_nodes[] = {
	{.name = "devices", .mode = DIR_RIGHTS, .children = devices_nodes},
	{.name = "kernel", .mode = DIR_RIGHTS, .children = kernel_nodes},
	{.name = NULL},
};

const struct proc_node sysfs_root = {.name = "", .mode = DIR_RIGHTS, .children = root_nodes};
