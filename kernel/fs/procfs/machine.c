/* /proc files that tell of the machine: formats of Linux 6.1. */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot.h"
#include "cpu/clock.h"
#include "cpu/percpu.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "fs/procfs/nodes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/sched.h"
#include "proc/uts.h"

#define NSEC_PER_TICK (NSEC_PER_SEC / USER_CLOCK_TICKS)

int proc_show_uptime(struct text *text, const struct proc_inode *proc)
{
	u64 centiseconds = clock_ns() / NSEC_PER_TICK, idle = 0;

	(void)proc;
	for_each_cpu (cpu)
		idle += sched_cpu_stat(cpu).idle_ns / NSEC_PER_TICK;
	text_printf(text, "%lu.%02lu %lu.%02lu\n", centiseconds / 100, centiseconds % 100,
		    idle / 100, idle % 100);
	return 0;
}

int proc_show_loadavg(struct text *text, const struct proc_inode *proc)
{
	u32 nr_tasks;
	s32 last = task_last_pid(&nr_tasks);

	(void)proc;
	for (u32 i = 0; i < 3; i++) {
		u64 load = sched_load_average(i) + BIT(LOAD_SHIFT) / 200;
		u64 whole = load >> LOAD_SHIFT, part = load & (BIT(LOAD_SHIFT) - 1);

		text_printf(text, "%lu.%02lu ", whole, part * 100 >> LOAD_SHIFT);
	}
	text_printf(text, "%u/%u %d\n", sched_nr_running(), nr_tasks, last);
	return 0;
}

static void put_cpu_times(struct text *text, const struct cpu_stat *stat)
{
	text_printf(text, " %lu 0 %lu %lu 0 0 0 0 0 0\n", stat->user_ns / NSEC_PER_TICK,
		    stat->system_ns / NSEC_PER_TICK, stat->idle_ns / NSEC_PER_TICK);
}

int proc_show_stat(struct text *text, const struct proc_inode *proc)
{
	struct cpu_stat sum = {0};
	u32 nr_tasks;

	(void)proc;
	for_each_cpu (cpu) {
		struct cpu_stat stat = sched_cpu_stat(cpu);

		sum.user_ns += stat.user_ns;
		sum.system_ns += stat.system_ns;
		sum.idle_ns += stat.idle_ns;
		sum.nr_switches += stat.nr_switches;
	}
	text_puts(text, "cpu ");
	put_cpu_times(text, &sum);
	for_each_cpu (cpu) {
		struct cpu_stat stat = sched_cpu_stat(cpu);

		if (!(cpu_online_mask & BIT(cpu)))
			continue;
		text_printf(text, "cpu%u", cpu);
		put_cpu_times(text, &stat);
	}
	text_printf(text, "ctxt %lu\nbtime %lu\nprocesses %d\nprocs_running %u\nprocs_blocked %u\n",
		    sum.nr_switches, timestamp_now().sec - clock_ns() / NSEC_PER_SEC,
		    task_last_pid(&nr_tasks), sched_nr_running(), task_nr_blocked());
	return 0;
}

/* ---- cpuinfo ---- */

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static struct cpuid cpuid(u32 leaf)
{
	struct cpuid result = {.eax = leaf, .ecx = 0};

	__asm__("cpuid" : "+a"(result.eax), "=b"(result.ebx), "+c"(result.ecx), "=d"(result.edx));
	return result;
}

/* Linux's names of the bits of CPUID 1 EDX, ECX, 80000001 EDX, ECX and 7 EBX. */
static const char *const flags_1_edx[32] = {
	"fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
	"sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
	"acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe"};
static const char *const flags_1_ecx[32] = {
	"pni",    "pclmulqdq", "dtes64",  "monitor", "ds_cpl",
	"vmx",    "smx",       "est",     "tm2",     "ssse3",
	"cid",    "sdbg",      "fma",     "cx16",    "xtpr",
	"pdcm",   NULL,        "pcid",    "dca",     "sse4_1",
	"sse4_2", "x2apic",    "movbe",   "popcnt",  "tsc_deadline_timer",
	"aes",    "xsave",     "osxsave", "avx",     "f16c",
	"rdrand", "hypervisor"};
static const char *const flags_ext_edx[32] = {
	[11] = "syscall", [20] = "nx",     [22] = "mmxext", [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm",     [31] = "3dnow"};
static const char *const flags_ext_ecx[32] = {"lahf_lm", "cmp_legacy",  "svm",
					      "extapic", "cr8_legacy",  "abm",
					      "sse4a",   "misalignsse", "3dnowprefetch"};
static const char *const flags_7_ebx[32] = {
	[0] = "fsgsbase", [3] = "bmi1",        [5] = "avx2",  [7] = "smep",    [8] = "bmi2",
	[9] = "erms",     [10] = "invpcid",    [14] = "mpx",  [18] = "rdseed", [19] = "adx",
	[20] = "smap",    [23] = "clflushopt", [24] = "clwb", [29] = "sha_ni"};

static void put_flags(struct text *text, u32 bits, const char *const names[32])
{
	for (u32 i = 0; i < 32; i++)
		if ((bits & BIT(i)) && names[i])
			text_printf(text, " %s", names[i]);
}

static void put_name(struct text *text, const char *label, const u32 *words, u32 nr_words)
{
	char name[52] = {0};

	memcpy(name, words, nr_words * sizeof(u32));
	text_printf(text, "%s\t: %s\n", label, name);
}

static void put_cpu(struct text *text, u32 cpu)
{
	struct cpuid vendor = cpuid(0), one = cpuid(1), extended = cpuid(0x80000001);
	struct cpuid seven = vendor.eax >= 7 ? cpuid(7) : (struct cpuid){0};
	struct cpuid sizes = cpuid(0x80000008),
		     brand[3] = {cpuid(0x80000002), cpuid(0x80000003), cpuid(0x80000004)};
	u32 vendor_words[] = {vendor.ebx, vendor.edx, vendor.ecx};
	u32 family = one.eax >> 8 & 15, model = one.eax >> 4 & 15;

	if (family == 15)
		family += one.eax >> 20 & 255;
	if (family >= 6)
		model |= one.eax >> 12 & 0xf0;
	text_printf(text, "processor\t: %u\n", cpu);
	put_name(text, "vendor_id", vendor_words, 3);
	text_printf(text, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
	put_name(text, "model name", (const u32 *)brand, 12);
	text_printf(text,
		    "stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\nsiblings\t: 1\ncore id\t\t: %u\n",
		    one.eax & 15, clock.tsc_hz / 1000000, clock.tsc_hz / 1000 % 1000, cpu);
	text_printf(text, "cpu cores\t: 1\napicid\t\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n",
		    cpu);
	text_printf(text, "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", vendor.eax);
	put_flags(text, one.edx, flags_1_edx);
	put_flags(text, extended.edx, flags_ext_edx);
	put_flags(text, one.ecx, flags_1_ecx);
	put_flags(text, extended.ecx, flags_ext_ecx);
	put_flags(text, seven.ebx, flags_7_ebx);
	text_printf(text, "\nclflush size\t: %u\ncache_alignment\t: 64\n",
		    (one.ebx >> 8 & 255) * 8);
	text_printf(text, "address sizes\t: %u bits physical, %u bits virtual\n", sizes.eax & 255,
		    sizes.eax >> 8 & 255);
	text_puts(text, "power management:\n\n");
}

int proc_show_cpuinfo(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	for_each_cpu (cpu)
		if (cpu_online_mask & BIT(cpu))
			put_cpu(text, cpu);
	return 0;
}

/* ---- the kernel ---- */

int proc_show_version(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_printf(text, UTS_SYSNAME " version " UTS_RELEASE " " UTS_VERSION "\n");
	return 0;
}

int proc_show_cmdline(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_puts(text, boot_info.cmdline);
	text_puts(text, "\n");
	return 0;
}

int proc_show_filesystems(struct text *text, const struct proc_inode *proc)
{
	const struct file_system_type *type = NULL;

	(void)proc;
	while ((type = file_system_next(type)))
		text_printf(text, "%s\t%s\n", type->needs_device ? "" : "nodev", type->name);
	return 0;
}

/* Those that a program can open, by number and name. */
int proc_show_devices(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_puts(text, "Character devices:\n  1 mem\n  5 /dev/console\n\nBlock devices:\n");
	return 0;
}

/* ---- mounts ---- */

#define ESCAPED " \t\n\\"

static void put_mount(struct text *text, const struct mount *mount, const char *where)
{
	char options[256];

	mount_options_text(mount, options, sizeof(options));
	text_put_escaped(text, mount->device, ESCAPED);
	text_puts(text, " ");
	text_put_escaped(text, where, ESCAPED);
	text_printf(text, " %s %s 0 0\n", mount->sb->type->name, options);
}

static void put_mount_info(struct text *text, const struct mount *mount, const char *where)
{
	char options[256];

	mount_options_text(mount, options, sizeof(options));
	text_printf(text, "%u %u %u:%u / ", mount->id, mount->parent ? mount->parent->id : 1,
		    MAJOR(mount->sb->dev), MINOR(mount->sb->dev));
	text_put_escaped(text, where, ESCAPED);
	text_printf(text, " %s - %s ", options, mount->sb->type->name);
	text_put_escaped(text, mount->device, ESCAPED);
	text_puts(text, " rw\n");
}

static int show_mounts(struct text *text,
		       void (*put)(struct text *text, const struct mount *mount, const char *where))
{
	char *buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	struct mount *mount;
	struct path root;

	if (!buffer)
		return -ENOMEM;
	fs_get_root(current_fs(), &root);
	down_read(&namespace_lock);
	list_for_each_entry (mount, &mount_list, node) {
		struct path path = {mount, mount->root};
		bool reachable;
		char *where = path_text(&path, &root, buffer, PATH_MAX, &reachable);

		if (where && reachable)
			put(text, mount, where);
	}
	up_read(&namespace_lock);
	path_put(&root);
	kfree(buffer);
	return 0;
}

int proc_show_mounts(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	return show_mounts(text, put_mount);
}

int proc_show_mountinfo(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	return show_mounts(text, put_mount_info);
}
