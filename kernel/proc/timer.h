/* The tick's part of sleep_until() (cpu/wait.h). */
#ifndef PROC_TIMER_H
#define PROC_TIMER_H

/* Wakes those whose time has come. Interrupts off; on one CPU only. */
void timer_tick(void);

#endif
