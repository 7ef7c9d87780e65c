/*
 * The messages that printk() printed last, and those that programs wrote to /dev/kmsg: a ring of
 * records in which the oldest make room. A reader keeps a position, which names a record for ever:
 * it is how many bytes were ever written before it.
 */
#ifndef CPU_LOG_H
#define CPU_LOG_H

#include "lib/types.h"

struct wait_queue;

#define LOG_SIZE     (32 * KIB) /* of the ring */
#define LOG_TEXT_MAX 992        /* of one message, without a terminator; Linux's */

/* Levels, and who speaks; a priority is facility << 3 | level, as in syslog(3). */
#define LOG_LEVEL_WARNING 4
#define LOG_LEVEL_INFO    6
#define LOG_FACILITY_USER 1

struct log_record {
	u64 seq;     /* from 0, one more each */
	u64 time_ns; /* of clock_ns() */
	u32 priority;
	u32 length; /* of the text */
};

/* A line of the log, and of the console if its level is below console_loglevel: at most LOG_TEXT_MAX bytes, more is
 * cut. Any context. */
void log_write(u32 priority, const char *text, size_t length);

/* Copies the record at *position, and moves behind it: 1. 0: there is none yet; -EPIPE: it is gone, and *position is
 * that of the oldest now. Any context. */
int log_read(u64 *position, struct log_record *record, char text[LOG_TEXT_MAX]);

/* The positions of the oldest record, and of the next to be written. */
u64 log_first(void);
u64 log_end(void);

/* Messages of levels below are shown on the console; atomic. */
extern u32 console_loglevel;
#define DEFAULT_CONSOLE_LOGLEVEL 7

/* Woken by log_tick() when there is something new. */
extern struct wait_queue log_wait;
/* printk() may hold any lock, so its readers are woken later: by the tick of one CPU. */
void log_tick(void);

#endif
