/* Private to arch: see smp.c. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

/* Puts the trampoline where secondary CPUs begin; early tables in use. */
void smp_install_trampoline(void);

#endif
