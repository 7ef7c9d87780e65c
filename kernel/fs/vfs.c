/* The order in which the file systems come up. */
#include "fs/vfs.h"
#include "cpu/panic.h"
#include "fs/change.h"
#include "fs/console.h"
#include "fs/epoll.h"
#include "fs/fs.h"
#include "fs/initramfs.h"
#include "fs/kmsg.h"
#include "fs/mem_devices.h"
#include "fs/open.h"
#include "fs/program.h"
#include "fs/tmpfs.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/files.h"
#include "proc/task.h"

static void mount_at(const char *type, const char *where)
{
	char no_options[] = "";
	int error = do_mkdir(AT_FDCWD, where, 0755);

	if (error == 0 || error == -EEXIST)
		error = do_mount(type, where, type, 0, no_options);
	if (error != 0)
		printk("vfs: %s: not mounted, error %d", where, -error);
}

/* A tmpfs that takes half of memory, unless rootflags= says otherwise. */
static void mount_rootfs(void)
{
	char options[128] = "mode=755,";
	size_t used = strlen(options);
	int error;

	cmdline_text("rootflags", options + used, sizeof(options) - used);
	error = mount_root("tmpfs", options);
	if (error != 0)
		panic("vfs: rootflags=: the root is not mounted, error %d", -error);
}

void vfs_init(void)
{
	dentry_init();
	pseudo_init();
	tmpfs_init();
	mount_rootfs();
	struct fs *fs = fs_create();
	if (!fs)
		panic("vfs: no memory");
	current_proc->fs = fs; /* the thread's that brings the system up */
	fs->umask = 0;
	epoll_init();
	mem_devices_init();
	kmsg_init();
	console_init();
	program_init();
	initramfs_unpack();
	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	fs->umask = DEFAULT_UMASK;
}
