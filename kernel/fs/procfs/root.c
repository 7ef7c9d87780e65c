/* The root of /proc: the table of its files, and the directories of processes. */
#include "fs/procfs/nodes.h"
#include "fs/procfs/task.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/task.h"

#define DIR_RIGHTS  (S_IFDIR | 0555)
#define FILE_RIGHTS (S_IFREG | 0444)
#define LINK_RIGHTS (S_IFLNK | 0777)

static const struct proc_node process_node = {
	.name = "", .mode = DIR_RIGHTS, .children = proc_process_nodes};

/* ---- processes ---- */

/* A process, or any thread by its own number, as in Linux. */
static int lookup_pid(const struct proc_inode *dir, const char *name, u32 length,
		      struct inode **result)
{
	u64 pid;

	if (!proc_parse_number(name, length, &pid) || pid > INT32_MAX)
		return -ENOENT;
	spin_lock(&tasks_lock);
	struct task *task = task_find(pid);
	if (task)
		task_get(task);
	spin_unlock(&tasks_lock);
	if (!task)
		return -ENOENT;
	int error = proc_inode_create(proc_sb(dir), &process_node, proc_ino(dir, name, length),
				      task, 0, result);
	task_put(task);
	return error;
}

static bool is_listed(const struct task *task)
{
	return !task->process || task->process->leader == task;
}

static bool next_pid(const struct proc_inode *dir, u64 *number, char *name)
{
	struct task *task;
	bool found = false;

	(void)dir;
	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node) {
		if ((u64)task->cur.pid < *number || !is_listed(task))
			continue;
		*number = task->cur.pid;
		found = true;
		break;
	}
	spin_unlock(&tasks_lock);
	snprintf(name, PROC_NAME_LEN, "%lu", *number);
	return found;
}

static int text_link(struct link_target *target, const char *text)
{
	size_t size = strlen(text) + 1;

	target->to_free = kmalloc(size, GFP_KERNEL);
	if (!target->to_free)
		return -ENOMEM;
	target->text = memcpy(target->to_free, text, size);
	return 0;
}

static int link_self(const struct proc_inode *proc, struct link_target *target)
{
	char text[PROC_NAME_LEN];

	(void)proc;
	if (!current_process)
		return -ENOENT;
	snprintf(text, sizeof(text), "%d", current_process->tgid);
	return text_link(target, text);
}

static int link_thread_self(const struct proc_inode *proc, struct link_target *target)
{
	char text[2 * PROC_NAME_LEN];

	(void)proc;
	if (!current_process)
		return -ENOENT;
	snprintf(text, sizeof(text), "%d/task/%d", current_process->tgid, current->pid);
	return text_link(target, text);
}

static int link_mounts(const struct proc_inode *proc, struct link_target *target)
{
	(void)proc;
	return text_link(target, "self/mounts");
}

static const struct proc_node sysvipc_nodes[] = {
	{.name = "shm", .mode = FILE_RIGHTS, .show = proc_show_sysvipc_shm},
	{.name = NULL},
};

static const struct proc_node root_nodes[] = {
	{.name = "buddyinfo", .mode = FILE_RIGHTS, .show = proc_show_buddyinfo},
	{.name = "cmdline", .mode = FILE_RIGHTS, .show = proc_show_cmdline},
	{.name = "cpuinfo", .mode = FILE_RIGHTS, .show = proc_show_cpuinfo},
	{.name = "devices", .mode = FILE_RIGHTS, .show = proc_show_devices},
	{.name = "filesystems", .mode = FILE_RIGHTS, .show = proc_show_filesystems},
	{.name = "kpagecount", .mode = S_IFREG | 0400, .read = proc_read_kpagecount},
	{.name = "kpageflags", .mode = S_IFREG | 0400, .read = proc_read_kpageflags},
	{.name = "loadavg", .mode = FILE_RIGHTS, .show = proc_show_loadavg},
	{.name = "meminfo", .mode = FILE_RIGHTS, .show = proc_show_meminfo},
	{.name = "mounts", .mode = LINK_RIGHTS, .get_link = link_mounts, .link_size = 11},
	{.name = "self", .mode = LINK_RIGHTS, .get_link = link_self},
	{.name = "slabinfo", .mode = S_IFREG | 0400, .show = proc_show_slabinfo},
	{.name = "stat", .mode = FILE_RIGHTS, .show = proc_show_stat},
	{.name = "swaps", .mode = FILE_RIGHTS, .show = proc_show_swaps},
	{.name = "sys", .mode = DIR_RIGHTS, .children = proc_sys_nodes},
	{.name = "sysvipc", .mode = DIR_RIGHTS, .children = sysvipc_nodes},
	{.name = "thread-self", .mode = LINK_RIGHTS, .get_link = link_thread_self},
	{.name = "uptime", .mode = FILE_RIGHTS, .show = proc_show_uptime},
	{.name = "version", .mode = FILE_RIGHTS, .show = proc_show_version},
	{.name = "vmstat", .mode = FILE_RIGHTS, .show = proc_show_vmstat},
	{.name = "zoneinfo", .mode = FILE_RIGHTS, .show = proc_show_zoneinfo},
	{.name = NULL},
};

const struct proc_node proc_root = {
	.name = "",
	.mode = DIR_RIGHTS,
	.children = root_nodes,
	.lookup = lookup_pid,
	.next = next_pid,
	.next_mode = S_IFDIR,
};
