/* The first process. */
#ifndef PROC_INIT_H
#define PROC_INIT_H

/* Creates process 1, which runs /init. When that cannot be done, says why and ends the session with
 * status 127 << 8. Called once, by a kernel thread. */
void start_init(void);

#endif
