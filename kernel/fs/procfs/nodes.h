/* What the files of /proc say, one function each; private to procfs/. `proc` tells of whom. */
#ifndef FS_PROCFS_NODES_H
#define FS_PROCFS_NODES_H

#include "fs/procfs/procfs.h"

#define SHOW(name) int proc_show_##name(struct text *text, const struct proc_inode *proc);

/* machine.c, memory.c */
SHOW(meminfo)
SHOW(vmstat)
SHOW(buddyinfo)
SHOW(zoneinfo)
SHOW(slabinfo)
SHOW(swaps)
SHOW(stat)
SHOW(cpuinfo)
SHOW(uptime)
SHOW(loadavg)
SHOW(version)
SHOW(filesystems)
SHOW(mounts)
SHOW(mountinfo)
SHOW(cmdline)
SHOW(devices)
SHOW(sysvipc_shm)

/* task_text.c */
SHOW(task_stat)
SHOW(task_statm)
SHOW(task_status)
SHOW(task_cmdline)
SHOW(task_environ)
SHOW(task_comm)
SHOW(task_limits)
SHOW(task_wchan)
SHOW(task_oom_score)
SHOW(task_oom_score_adj)
SHOW(task_oom_adj)

/* task_maps.c */
SHOW(task_maps)
SHOW(task_smaps)
SHOW(task_smaps_rollup)

#undef SHOW

extern const struct proc_node proc_sys_nodes[];

#endif
