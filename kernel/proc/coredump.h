/*
 * Core files: what a process leaves that ends by one of the signals that dump core. The thread that
 * takes the signal writes the file; all others wait in their exit until it is done, so that
 * their memory and registers stay as they were.
 *
 *   coredump.c       the threads, and the name of the file
 *   core_file.c      headers, memory
 *   core_notes.c     what is told of the process and its threads
 *
 * process->dumper and process->nr_awaited, under the signal lock:
 *
 *   dumper NULL                       no dump
 *   dumper set, nr_awaited > 0        so many threads have not come to their exit
 *   dumper set, nr_awaited = 0        the file is being written
 *
 * SIGKILL ends a dump: the dumper is the only thread of its process that is not killed yet.
 */
#ifndef PROC_COREDUMP_H
#define PROC_COREDUMP_H

#include "proc/process.h"

/* Signals whose default action writes a core file. */
#define SIGNALS_CORE                                                                            \
	(signal_bit(SIGQUIT) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGABRT) | \
	 signal_bit(SIGBUS) | signal_bit(SIGFPE) | signal_bit(SIGSEGV) | signal_bit(SIGXCPU) |  \
	 signal_bit(SIGXFSZ) | signal_bit(SIGSYS))

/* Ends the process of the current task by that signal, all threads but this one, which calls
 * coredump_write() next. False: its limit or prctl(2) says that it leaves no core file, nothing was
 * done. Signal lock held. */
bool coredump_begin(s32 sig);

/* Writes the file and lets the other threads go; the wait status gets bit 7 if there is a file. The
 * task exits next. No locks held; sleeps. */
void coredump_write(const struct siginfo *info);

/* A thread begins to exit: sets PF_EXITING, after a dump in which it has a part. No locks held. */
void coredump_join(void);

/* SIGKILL was sent to a process in a group exit. Signal lock held. */
void coredump_abort(struct process *process);

/* ---- the name of the file: /proc/sys/kernel/core_pattern and core_uses_pid ---- */

#define CORE_PATTERN_SIZE 128

/* Copies the pattern out, and in: what begins with `|` names a program to be run, which is
 * -EINVAL here. */
void coredump_get_pattern(char pattern[CORE_PATTERN_SIZE]);
int coredump_set_pattern(const char *pattern);
extern u32 core_uses_pid; /* 0 or 1; atomic */

/* ---- private to core*.c ---- */

struct file;

/* A file that is written front to back. */
struct core_file {
	struct file *file;
	u64 pos;     /* next byte */
	u64 written; /* bytes so far, holes not counted */
	u64 limit;   /* on those */
};

/* False when the file is as long as it may be, the disk is full, or the task is killed. */
bool core_emit(struct core_file *core, const void *from, size_t n);

/* Of the threads that have a part in the dump beside the current one, that with the lowest pid above
 * `pid`, or NULL. It stays until the dump ends. Takes tasks_lock. */
struct task *core_next_thread(s32 pid);

/* A buffer that grows. */
struct core_buffer {
	u8 *data;
	size_t used, room;
	bool failed; /* no memory: what was put since is lost */
};

void core_put(struct core_buffer *buffer, const void *from, size_t n);

/* A VMA as it was when the dump began. */
struct core_vma {
	u64 start, end; /* page-aligned */
	u32 flags;      /* VM_* */
	bool has_file;
	u64 pgoff;
	u64 size; /* bytes of it that go into the file */
};

struct core_vmas {
	struct core_vma *vmas;
	u32 nr;
	struct core_buffer names; /* of those that have a file, terminated, one behind the other */
};

/* All notes, in Linux's order. */
void core_put_notes(struct core_buffer *notes, const struct siginfo *info,
		    const struct core_vmas *vmas);

/* The content of the file. False when it is not whole. */
bool core_write_elf(struct core_file *core, const struct siginfo *info);

#endif
