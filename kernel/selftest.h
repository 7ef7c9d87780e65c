/* Mistakes on purpose, to see that a debug build finds them. */
#ifndef SELFTEST_H
#define SELFTEST_H

#ifdef CONFIG_DEBUG
/* Makes the mistake that the kernel parameter selftest= names, if it does; it must not return
 * then. */
void selftest_run(void);
#else
static inline void selftest_run(void) {}
#endif

#endif
