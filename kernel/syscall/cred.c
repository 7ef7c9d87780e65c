/* Calls on ids, groups and capabilities. */
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "syscall/syscall.h"

/* ---- ids ---- */

long sys_getuid(void)
{
	return cred_uid();
}

long sys_geteuid(void)
{
	return cred_euid();
}

long sys_getgid(void)
{
	return cred_gid();
}

long sys_getegid(void)
{
	return cred_egid();
}

long sys_setuid(u64 uid)
{
	return cred_setuid(uid);
}

long sys_setreuid(u64 uid, u64 euid)
{
	return cred_setreuid(uid, euid);
}

long sys_setresuid(u64 uid, u64 euid, u64 suid)
{
	return cred_setresuid(uid, euid, suid);
}

long sys_setfsuid(u64 uid)
{
	return cred_setfsuid(uid);
}

long sys_setgid(u64 gid)
{
	return cred_setgid(gid);
}

long sys_setregid(u64 gid, u64 egid)
{
	return cred_setregid(gid, egid);
}

long sys_setresgid(u64 gid, u64 egid, u64 sgid)
{
	return cred_setresgid(gid, egid, sgid);
}

long sys_setfsgid(u64 gid)
{
	return cred_setfsgid(gid);
}

static long put_ids(const u64 to[3], const u32 ids[3])
{
	for (u32 i = 0; i < 3; i++)
		if (copy_to_user((u32 __user *)to[i], &ids[i], sizeof(ids[i])) != 0)
			return -EFAULT;
	return 0;
}

long sys_getresuid(u64 uid, u64 euid, u64 suid)
{
	const struct cred *cred = &current_proc->cred;

	return put_ids((u64[]){uid, euid, suid}, (u32[]){cred->uid, cred->euid, cred->suid});
}

long sys_getresgid(u64 gid, u64 egid, u64 sgid)
{
	const struct cred *cred = &current_proc->cred;

	return put_ids((u64[]){gid, egid, sgid}, (u32[]){cred->gid, cred->egid, cred->sgid});
}

/* ---- groups ---- */

long sys_getgroups(u64 size, u64 to)
{
	const struct groups *groups = current_proc->cred.groups;
	s32 nr = groups ? groups->nr : 0;

	if ((s32)size < 0 || ((s32)size != 0 && (s32)size < nr))
		return -EINVAL;
	if ((s32)size != 0 && nr != 0 &&
	    copy_to_user((u32 __user *)to, groups->gids, nr * sizeof(u32)) != 0)
		return -EFAULT;
	return nr;
}

long sys_setgroups(u64 size, u64 from)
{
	if (!cred_capable(CAP_SETGID))
		return -EPERM;
	if ((u32)size > MAX_GROUPS)
		return -EINVAL;
	struct groups *groups = kmalloc(sizeof(*groups) + (u32)size * sizeof(u32), GFP_KERNEL);
	if (!groups)
		return -ENOMEM;
	atomic_set(&groups->refs, 1);
	groups->nr = size;
	int error = copy_from_user(groups->gids, (const u32 __user *)from, (u32)size * sizeof(u32));
	if (error == 0)
		error = cred_setgroups(groups);
	if (error != 0)
		kfree(groups);
	return error;
}

/* ---- capabilities ---- */

#define CAPABILITY_VERSION_1 0x19980330u
#define CAPABILITY_VERSION_2 0x20071026u
#define CAPABILITY_VERSION_3 0x20080522u

struct capability_header {
	u32 version;
	s32 pid;
};

struct capability_data {
	u32 effective, permitted, inheritable;
};

/* How many words of each set the version has; 0, and the header tells the newest: an unknown one. */
static int check_version(u64 to, const struct capability_header *header, u32 *words)
{
	u32 newest = CAPABILITY_VERSION_3;

	*words = 0;
	if (header->version == CAPABILITY_VERSION_1)
		*words = 1;
	else if (header->version == CAPABILITY_VERSION_2 || header->version == CAPABILITY_VERSION_3)
		*words = 2;
	else if (copy_to_user((u32 __user *)to, &newest, sizeof(newest)) != 0)
		return -EFAULT;
	return *words ? 0 : -EINVAL;
}

static int get_capabilities(s32 pid, struct cred *cred)
{
	spin_lock(&tasks_lock);
	const struct task *task = pid == 0 ? current_proc : task_find(pid);
	if (task)
		*cred = task->cred;
	spin_unlock(&tasks_lock);
	return task ? 0 : -ESRCH;
}

long sys_capget(u64 header_at, u64 to)
{
	struct capability_header header;
	struct cred cred;
	u32 words;

	if (copy_from_user(&header.version, (const u32 __user *)header_at, sizeof(u32)) != 0)
		return -EFAULT;
	int error = check_version(header_at, &header, &words);
	if (error == -EINVAL && !to)
		return 0; /* only the version was asked for */
	if (error != 0 || !to)
		return error;
	if (copy_from_user(&header, (const void __user *)header_at, sizeof(header)) != 0)
		return -EFAULT;
	if (header.pid < 0)
		return -EINVAL;
	error = get_capabilities(header.pid, &cred);
	if (error != 0)
		return error;
	struct capability_data data[2] = {
		{cred.effective, cred.permitted, cred.inheritable},
		{cred.effective >> 32, cred.permitted >> 32, cred.inheritable >> 32},
	};
	return copy_to_user((void __user *)to, data, words * sizeof(data[0]));
}

long sys_capset(u64 header_at, u64 from)
{
	struct capability_header header;
	struct capability_data data[2] = {0};
	u32 words;

	if (copy_from_user(&header.version, (const u32 __user *)header_at, sizeof(u32)) != 0)
		return -EFAULT;
	int error = check_version(header_at, &header, &words);
	if (error != 0)
		return error;
	if (copy_from_user(&header, (const void __user *)header_at, sizeof(header)) != 0)
		return -EFAULT;
	if (header.pid != 0 && header.pid != current->pid)
		return -EPERM;
	if (copy_from_user(data, (const void __user *)from, words * sizeof(data[0])) != 0)
		return -EFAULT;
	return cred_capset((data[0].effective | (u64)data[1].effective << 32) & ALL_CAPABILITIES,
			   (data[0].permitted | (u64)data[1].permitted << 32) & ALL_CAPABILITIES,
			   (data[0].inheritable | (u64)data[1].inheritable << 32) &
				   ALL_CAPABILITIES);
}
