/* The commands of the monitor. Private to it. */
#ifndef DEV_MONITOR_COMMANDS_H
#define DEV_MONITOR_COMMANDS_H

#include "lib/types.h"

/* Where this CPU was when the monitor was entered: for a backtrace. */
struct monitor_stop {
	u64 rip, rbp;
};
extern struct monitor_stop monitor_stop;

/* Runs one line and prints the answer; false when it ends the monitor. All CPUs quiesced, or only
 * this one is left, or nobody knows (int3 under a spinlock): then what is printed may be changing. */
bool monitor_run_command(const char *line);

#endif
