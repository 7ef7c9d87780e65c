/* Ids and capabilities: Linux's rules (credentials(7), capabilities(7)). */
#include "proc/cred.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/signal.h"

#define ID_LEFT ((u32)-1)

/* Those that count for files only: setfsuid() switches them. */
#define FILE_CAPABILITIES                                                                     \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

static const struct cred *own(void)
{
	return &current_proc->cred;
}

/* ---- life ---- */

static void groups_put(struct groups *groups)
{
	if (groups && atomic_dec_return(&groups->refs) == 0)
		kfree(groups);
}

void cred_init(struct cred *cred)
{
	*cred = (struct cred){
		.effective = ALL_CAPABILITIES,
		.permitted = ALL_CAPABILITIES,
		.bounding = ALL_CAPABILITIES,
		.dumpable = true,
	};
}

void cred_fork(struct cred *child)
{
	*child = *own();
	if (child->groups)
		atomic_inc(&child->groups->refs);
}

void cred_release(struct cred *cred)
{
	groups_put(cred->groups);
	cred->groups = NULL;
}

void cred_commit(const struct cred *new)
{
	struct task *self = current_proc;
	struct cred *cred = &self->cred;
	bool other = new->euid != cred->euid || new->egid != cred->egid ||
		     new->fsuid != cred->fsuid || new->fsgid != cred->fsgid ||
		     (new->permitted & ~cred->permitted);

	spin_lock(&tasks_lock);
	*cred = *new;
	if (other) {
		cred->dumpable = false;
		self->parent_death_signal = 0;
	}
	spin_unlock(&tasks_lock);
}

/* ---- questions ---- */

u32 cred_uid(void)
{
	return own()->uid;
}

u32 cred_gid(void)
{
	return own()->gid;
}

u32 cred_euid(void)
{
	return own()->euid;
}

u32 cred_egid(void)
{
	return own()->egid;
}

u32 cred_fsuid(void)
{
	return own()->fsuid;
}

u32 cred_fsgid(void)
{
	return own()->fsgid;
}

bool cred_in_group(u32 gid)
{
	const struct cred *cred = own();

	if (gid == cred->fsgid)
		return true;
	for (u32 i = 0; cred->groups && i < cred->groups->nr; i++)
		if (cred->groups->gids[i] == gid)
			return true;
	return false;
}

/* What the kernel's own threads do is allowed. */
bool cred_capable(u32 capability)
{
	return (current->flags & PF_KTHREAD) || (own()->effective & BIT(capability));
}

void cred_begin_access(struct cred *saved)
{
	struct cred *cred = &current_proc->cred;

	*saved = *cred;
	spin_lock(&tasks_lock);
	cred->fsuid = cred->uid;
	cred->fsgid = cred->gid;
	if (!(cred->securebits & SECURE_NO_SETUID_FIXUP))
		cred->effective = cred->uid == 0 ? cred->permitted : 0;
	spin_unlock(&tasks_lock);
}

void cred_end_access(const struct cred *saved)
{
	spin_lock(&tasks_lock);
	current_proc->cred = *saved;
	spin_unlock(&tasks_lock);
}

bool cred_may_signal(const struct task *task, s32 sig)
{
	const struct cred *cred = own(), *theirs = &task->cred;

	ASSERT(spin_is_held(&tasks_lock));
	if (task->process == current_process)
		return true;
	if (cred->euid == theirs->suid || cred->euid == theirs->uid || cred->uid == theirs->suid ||
	    cred->uid == theirs->uid || cred_capable(CAP_KILL))
		return true;
	return sig == SIGCONT && task->process->sid == current_process->sid;
}

bool cred_may_inspect(const struct task *task)
{
	const struct cred *cred = own(), *theirs = &task->cred;

	ASSERT(spin_is_held(&tasks_lock));
	if (task->process == current_process || cred_capable(CAP_SYS_PTRACE))
		return true;
	if (cred->fsuid != theirs->euid || cred->fsuid != theirs->suid ||
	    cred->fsuid != theirs->uid || cred->fsgid != theirs->egid ||
	    cred->fsgid != theirs->sgid || cred->fsgid != theirs->gid)
		return false;
	return theirs->dumpable && !(theirs->permitted & ~cred->effective);
}

bool cred_may_control(const struct task *task)
{
	const struct cred *cred = own(), *theirs = &task->cred;

	ASSERT(spin_is_held(&tasks_lock));
	if (task == current_proc)
		return true;
	if (cred->uid == theirs->euid && cred->uid == theirs->suid && cred->uid == theirs->uid &&
	    cred->gid == theirs->egid && cred->gid == theirs->sgid && cred->gid == theirs->gid)
		return true;
	return cred_capable(CAP_SYS_RESOURCE);
}

/* ---- user ids ---- */

static bool any_is_root(const struct cred *cred)
{
	return cred->uid == 0 || cred->euid == 0 || cred->suid == 0;
}

/* Capabilities follow root: who was root and is not any more loses them, who becomes it in effect
 * gets back in effect what is permitted. */
static void fix_capabilities(struct cred *new, const struct cred *old)
{
	if (old->securebits & SECURE_NO_SETUID_FIXUP)
		return;
	if (any_is_root(old) && !any_is_root(new)) {
		if (!(old->securebits & SECURE_KEEP_CAPS))
			new->permitted = new->effective = 0;
		new->ambient = 0;
	}
	if (old->euid == 0 && new->euid != 0)
		new->effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->effective = new->permitted;
}

static int commit_user(struct cred *new)
{
	new->fsuid = new->euid;
	fix_capabilities(new, own());
	cred_commit(new);
	return 0;
}

int cred_setuid(u32 uid)
{
	struct cred new = *own();

	if (uid == ID_LEFT)
		return -EINVAL;
	if (cred_capable(CAP_SETUID))
		new.uid = new.suid = uid;
	else if (uid != new.uid && uid != new.suid)
		return -EPERM;
	new.euid = uid;
	return commit_user(&new);
}

int cred_setreuid(u32 uid, u32 euid)
{
	const struct cred *old = own();
	struct cred new = *old;
	bool may = cred_capable(CAP_SETUID);

	if (uid != ID_LEFT && uid != old->uid && uid != old->euid && !may)
		return -EPERM;
	if (euid != ID_LEFT && euid != old->uid && euid != old->euid && euid != old->suid && !may)
		return -EPERM;
	if (uid != ID_LEFT)
		new.uid = uid;
	if (euid != ID_LEFT)
		new.euid = euid;
	if (uid != ID_LEFT || (euid != ID_LEFT && euid != old->uid))
		new.suid = new.euid;
	return commit_user(&new);
}

static bool is_own_uid(u32 uid)
{
	const struct cred *cred = own();

	return uid == ID_LEFT || uid == cred->uid || uid == cred->euid || uid == cred->suid;
}

int cred_setresuid(u32 uid, u32 euid, u32 suid)
{
	struct cred new = *own();

	if (!cred_capable(CAP_SETUID) &&
	    (!is_own_uid(uid) || !is_own_uid(euid) || !is_own_uid(suid)))
		return -EPERM;
	if (uid != ID_LEFT)
		new.uid = uid;
	if (euid != ID_LEFT)
		new.euid = euid;
	if (suid != ID_LEFT)
		new.suid = suid;
	return commit_user(&new);
}

u32 cred_setfsuid(u32 uid)
{
	const struct cred *cred = own();
	struct cred new = *cred;
	u32 old = cred->fsuid;

	if (uid == ID_LEFT || (!is_own_uid(uid) && uid != old && !cred_capable(CAP_SETUID)))
		return old;
	new.fsuid = uid;
	if (!(cred->securebits & SECURE_NO_SETUID_FIXUP)) {
		if (old == 0 && uid != 0)
			new.effective &= ~FILE_CAPABILITIES;
		if (old != 0 && uid == 0)
			new.effective |= new.permitted &FILE_CAPABILITIES;
	}
	cred_commit(&new);
	return old;
}

/* ---- group ids ---- */

static int commit_group(struct cred *new)
{
	new->fsgid = new->egid;
	cred_commit(new);
	return 0;
}

int cred_setgid(u32 gid)
{
	struct cred new = *own();

	if (gid == ID_LEFT)
		return -EINVAL;
	if (cred_capable(CAP_SETGID))
		new.gid = new.sgid = gid;
	else if (gid != new.gid && gid != new.sgid)
		return -EPERM;
	new.egid = gid;
	return commit_group(&new);
}

int cred_setregid(u32 gid, u32 egid)
{
	const struct cred *old = own();
	struct cred new = *old;
	bool may = cred_capable(CAP_SETGID);

	if (gid != ID_LEFT && gid != old->gid && gid != old->egid && !may)
		return -EPERM;
	if (egid != ID_LEFT && egid != old->gid && egid != old->egid && egid != old->sgid && !may)
		return -EPERM;
	if (gid != ID_LEFT)
		new.gid = gid;
	if (egid != ID_LEFT)
		new.egid = egid;
	if (gid != ID_LEFT || (egid != ID_LEFT && egid != old->gid))
		new.sgid = new.egid;
	return commit_group(&new);
}

static bool is_own_gid(u32 gid)
{
	const struct cred *cred = own();

	return gid == ID_LEFT || gid == cred->gid || gid == cred->egid || gid == cred->sgid;
}

int cred_setresgid(u32 gid, u32 egid, u32 sgid)
{
	struct cred new = *own();

	if (!cred_capable(CAP_SETGID) &&
	    (!is_own_gid(gid) || !is_own_gid(egid) || !is_own_gid(sgid)))
		return -EPERM;
	if (gid != ID_LEFT)
		new.gid = gid;
	if (egid != ID_LEFT)
		new.egid = egid;
	if (sgid != ID_LEFT)
		new.sgid = sgid;
	return commit_group(&new);
}

u32 cred_setfsgid(u32 gid)
{
	struct cred new = *own();
	u32 old = new.fsgid;

	if (gid == ID_LEFT || (!is_own_gid(gid) && gid != old && !cred_capable(CAP_SETGID)))
		return old;
	new.fsgid = gid;
	cred_commit(&new);
	return old;
}

/* Shell's sort: there may be 65536 of them. */
static void sort_groups(struct groups *groups)
{
	for (u32 gap = groups->nr / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
		for (u32 i = gap; i < groups->nr; i++) {
			u32 gid = groups->gids[i], at = i;

			for (; at >= gap && groups->gids[at - gap] > gid; at -= gap)
				groups->gids[at] = groups->gids[at - gap];
			groups->gids[at] = gid;
		}
}

int cred_setgroups(struct groups *groups)
{
	struct cred new = *own();
	struct groups *old = new.groups;

	if (!cred_capable(CAP_SETGID))
		return -EPERM;
	sort_groups(groups);
	new.groups = groups;
	cred_commit(&new);
	groups_put(old);
	return 0;
}

/* ---- capabilities ---- */

int cred_capset(u64 effective, u64 permitted, u64 inheritable)
{
	const struct cred *old = own();
	struct cred new = *old;

	if (!cred_capable(CAP_SETPCAP) && (inheritable & ~(old->inheritable | old->permitted)))
		return -EPERM;
	if ((inheritable & ~(old->inheritable | old->bounding)) || (permitted & ~old->permitted) ||
	    (effective & ~permitted))
		return -EPERM;
	new.effective = effective;
	new.permitted = permitted;
	new.inheritable = inheritable;
	new.ambient &= permitted &inheritable;
	cred_commit(&new);
	return 0;
}

#define S_ISUID 04000u
#define S_ISGID 02000u
#define S_IXGRP 00010u

void cred_exec(u32 mode, u32 owner, u32 group)
{
	const struct cred *old = own();
	struct cred new = *old;
	bool dumpable;

	if ((mode & S_ISUID) && !old->no_new_privs)
		new.euid = owner;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !old->no_new_privs)
		new.egid = group;
	new.suid = new.fsuid = new.euid;
	new.sgid = new.fsgid = new.egid;
	if (new.euid != old->euid || new.egid != old->egid)
		new.ambient = 0;
	new.permitted = new.effective = new.ambient;
	if (!(old->securebits & SECURE_NOROOT)) {
		if (new.uid == 0 || new.euid == 0)
			new.permitted = old->bounding | old->inheritable;
		if (new.euid == 0)
			new.effective = new.permitted;
	}
	new.securebits &= ~SECURE_KEEP_CAPS;
	dumpable = new.euid == new.uid &&new.egid == new.gid;
	cred_commit(&new);
	current_proc->cred.dumpable = dumpable;
}
