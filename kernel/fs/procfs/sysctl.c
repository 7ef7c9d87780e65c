/* /proc/sys: the knobs that exist. */
#include "cpu/clock.h"
#include "fs/dentry.h"
#include "fs/epoll.h"
#include "fs/fdtable.h"
#include "fs/pipe.h"
#include "fs/procfs/nodes.h"
#include "fs/shm.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/limits.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "proc/aslr.h"
#include "proc/coredump.h"
#include "proc/cred.h"
#include "proc/futex.h"
#include "proc/task.h"
#include "proc/uts.h"

#define DIR_RIGHTS (S_IFDIR | 0555)
#define RO         (S_IFREG | 0444)
#define RW         (S_IFREG | 0644)

/* A file that shows one value. */
#define NUMBER(name, format, value)                                              \
	static int show_##name(struct text *text, const struct proc_inode *proc) \
	{                                                                        \
		(void)proc;                                                      \
		text_printf(text, format "\n", value);                           \
		return 0;                                                        \
	}

/* A variable that is set by a number from `min` to `max`. */
#define SETTING(name, variable, min, max)                                \
	NUMBER(name, "%lu", (u64)READ_ONCE(variable))                    \
	static int set_##name(const struct proc_inode *proc, char *data) \
	{                                                                \
		u64 number;                                              \
		int error = proc_parse_u64(data, &number);               \
                                                                         \
		(void)proc;                                              \
		if (error == 0 && number - (min) > (max) - (min))        \
			error = -EINVAL;                                 \
		if (error == 0)                                          \
			WRITE_ONCE(variable, number);                    \
		return error;                                            \
	}

SETTING(overcommit_memory, overcommit.memory, 0, 2)
SETTING(overcommit_ratio, overcommit.ratio, 0, UINT32_MAX)
SETTING(overcommit_kbytes, overcommit.kbytes, 0, UINT64_MAX)
SETTING(admin_reserve_kbytes, overcommit.admin_reserve_kbytes, 0, UINT64_MAX)
SETTING(user_reserve_kbytes, overcommit.user_reserve_kbytes, 0, UINT64_MAX)
SETTING(threads_max, max_threads, 1, FUTEX_TID_MASK)
SETTING(max_user_watches, epoll_max_watches, 0, UINT64_MAX)
SETTING(shmmax, shm_limits.max, 0, UINT64_MAX)
SETTING(shmall, shm_limits.all, 0, UINT64_MAX)
SETTING(shmmni, shm_limits.mni, 0, SHM_MAX_MNI)

NUMBER(min_free_kbytes, "%lu", watermarks.min *(PAGE_SIZE / KIB))
NUMBER(max_map_count, "%d", MAX_MAP_COUNT)
NUMBER(mmap_min_addr, "%lu", MMAP_MIN_ADDR)

NUMBER(ostype, "%s", UTS_SYSNAME)
NUMBER(osrelease, "%s", UTS_RELEASE)
NUMBER(version, "%s", UTS_VERSION)
NUMBER(pid_max, "%d", PID_MAX_LIMIT)
NUMBER(cap_last_cap, "%d", NR_CAPABILITIES - 1)
NUMBER(ngroups_max, "%d", MAX_GROUPS)
NUMBER(core_uses_pid, "%u", READ_ONCE(core_uses_pid))
NUMBER(file_max, "%lu", (u64)INT64_MAX)
NUMBER(nr_open, "%d", 1048576)
NUMBER(pipe_max_size, "%u", pipe_get_max_size())

static int set_pipe_max_size(const struct proc_inode *proc, char *data)
{
	u64 size;
	int error = proc_parse_u64(data, &size);

	(void)proc;
	return error != 0 ? error : pipe_set_max_size(size);
}

/* A text up to the end of the line; what is longer is cut. */
static int show_uts(struct text *text, enum uts_name which)
{
	char name[UTS_NAME_LEN + 1];

	uts_get(which, name);
	text_printf(text, "%s\n", name);
	return 0;
}

static int set_uts(enum uts_name which, const char *data)
{
	u32 length = 0;

	while (length < UTS_NAME_LEN && data[length] != '\0' && data[length] != '\n')
		length++;
	uts_set(which, data, length);
	return 0;
}

static int show_hostname(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	return show_uts(text, UTS_NODENAME);
}

static int set_hostname(const struct proc_inode *proc, char *data)
{
	(void)proc;
	return set_uts(UTS_NODENAME, data);
}

static int show_domainname(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	return show_uts(text, UTS_DOMAINNAME);
}

static int set_domainname(const struct proc_inode *proc, char *data)
{
	(void)proc;
	return set_uts(UTS_DOMAINNAME, data);
}

NUMBER(randomize_va_space, "%u", READ_ONCE(randomize_va_space))

static int set_randomize_va_space(const struct proc_inode *proc, char *data)
{
	u64 number;
	int error = proc_parse_u64(data, &number);

	(void)proc;
	if (error == 0 && number > INT32_MAX)
		error = -EINVAL;
	if (error == 0)
		WRITE_ONCE(randomize_va_space, (u32)number);
	return error;
}

NUMBER(page_cluster, "%u", swap_page_cluster())

static int set_page_cluster(const struct proc_inode *proc, char *data)
{
	u64 number;
	int error = proc_parse_u64(data, &number);

	(void)proc;
	return error != 0 ? error : swap_set_page_cluster(number);
}

/* 1: clean pages of files, of which there are none to drop: tmpfs has no other place for its content; 2: slabs; 3: both. */
static int set_drop_caches(const struct proc_inode *proc, char *data)
{
	u64 number;
	int error = proc_parse_u64(data, &number);

	(void)proc;
	if (error == 0 && (number < 1 || number > 4))
		error = -EINVAL;
	if (error == 0 && (number & 2))
		slab_shrink();
	return error;
}

static const struct proc_node vm_nodes[] = {
	{.name = "admin_reserve_kbytes",
	 .mode = RW,
	 .show = show_admin_reserve_kbytes,
	 .write = set_admin_reserve_kbytes},
	{.name = "drop_caches", .mode = S_IFREG | 0200, .write = set_drop_caches},
	{.name = "max_map_count", .mode = RO, .show = show_max_map_count},
	{.name = "min_free_kbytes", .mode = RO, .show = show_min_free_kbytes},
	{.name = "mmap_min_addr", .mode = RO, .show = show_mmap_min_addr},
	{.name = "overcommit_kbytes",
	 .mode = RW,
	 .show = show_overcommit_kbytes,
	 .write = set_overcommit_kbytes},
	{.name = "overcommit_memory",
	 .mode = RW,
	 .show = show_overcommit_memory,
	 .write = set_overcommit_memory},
	{.name = "overcommit_ratio",
	 .mode = RW,
	 .show = show_overcommit_ratio,
	 .write = set_overcommit_ratio},
	{.name = "page-cluster", .mode = RW, .show = show_page_cluster, .write = set_page_cluster},
	{.name = "user_reserve_kbytes",
	 .mode = RW,
	 .show = show_user_reserve_kbytes,
	 .write = set_user_reserve_kbytes},
	{.name = NULL},
};

static int show_core_pattern(struct text *text, const struct proc_inode *proc)
{
	char pattern[CORE_PATTERN_SIZE];

	(void)proc;
	coredump_get_pattern(pattern);
	text_printf(text, "%s\n", pattern);
	return 0;
}

static int set_core_pattern(const struct proc_inode *proc, char *data)
{
	char *end = strchr(data, '\n');

	(void)proc;
	if (end)
		*end = 0;
	return coredump_set_pattern(data);
}

static int set_core_uses_pid(const struct proc_inode *proc, char *data)
{
	u64 number;
	int error = proc_parse_u64(data, &number);

	(void)proc;
	if (error == 0)
		WRITE_ONCE(core_uses_pid, number != 0);
	return error;
}

static const struct proc_node kernel_nodes[] = {
	{.name = "cap_last_cap", .mode = RO, .show = show_cap_last_cap},
	{.name = "core_pattern", .mode = RW, .show = show_core_pattern, .write = set_core_pattern},
	{.name = "core_uses_pid",
	 .mode = RW,
	 .show = show_core_uses_pid,
	 .write = set_core_uses_pid},
	{.name = "domainname", .mode = RW, .show = show_domainname, .write = set_domainname},
	{.name = "hostname", .mode = RW, .show = show_hostname, .write = set_hostname},
	{.name = "ngroups_max", .mode = RO, .show = show_ngroups_max},
	{.name = "osrelease", .mode = RO, .show = show_osrelease},
	{.name = "ostype", .mode = RO, .show = show_ostype},
	{.name = "pid_max", .mode = RO, .show = show_pid_max},
	{.name = "shmall", .mode = RW, .show = show_shmall, .write = set_shmall},
	{.name = "shmmax", .mode = RW, .show = show_shmmax, .write = set_shmmax},
	{.name = "shmmni", .mode = RW, .show = show_shmmni, .write = set_shmmni},
	{.name = "randomize_va_space",
	 .mode = RW,
	 .show = show_randomize_va_space,
	 .write = set_randomize_va_space},
	{.name = "threads-max", .mode = RW, .show = show_threads_max, .write = set_threads_max},
	{.name = "version", .mode = RO, .show = show_version},
	{.name = NULL},
};

static const struct proc_node epoll_nodes[] = {
	{.name = "max_user_watches",
	 .mode = RW,
	 .show = show_max_user_watches,
	 .write = set_max_user_watches},
	{.name = NULL},
};

static const struct proc_node fs_nodes[] = {
	{.name = "epoll", .mode = DIR_RIGHTS, .children = epoll_nodes},
	{.name = "file-max", .mode = RO, .show = show_file_max},
	{.name = "nr_open", .mode = RO, .show = show_nr_open},
	{.name = "pipe-max-size",
	 .mode = RW,
	 .show = show_pipe_max_size,
	 .write = set_pipe_max_size},
	{.name = NULL},
};

const struct proc_node proc_sys_nodes[] = {
	{.name = "fs", .mode = DIR_RIGHTS, .children = fs_nodes},
	{.name = "kernel", .mode = DIR_RIGHTS, .children = kernel_nodes},
	{.name = "vm", .mode = DIR_RIGHTS, .children = vm_nodes},
	{.name = NULL},
};
