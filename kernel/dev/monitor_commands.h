/* The commands of the monitor. Private to it. */
#ifndef DEV_MONITOR_COMMANDS_H
#define DEV_MONITOR_COMMANDS_H

#include "lib/types.h"

/* Runs one line and prints the answer; false when it ends the monitor. All CPUs quiesced, or only
 * this one is left, or nobody knows (int3 under a spinlock): then what is printed may be changing. */
bool monitor_run_command(const char *line);

#endif
