/* The per-CPU areas and the first `current` of each CPU. Written at boot, each entry before its CPU
 * starts. */
#include "cpu/percpu.h"
#include "cpu/current.h"
#include "lib/printf.h"
#include "lib/string.h"

extern char percpu_start[], percpu_end[];

u64 percpu_offset[MAX_CPUS];
u64 cpu_online_mask = BIT(0);
u32 nr_cpus = 1;

DEFINE_PER_CPU(u32, cpu_number);
DEFINE_PER_CPU(struct current_task *, current_task);
DEFINE_PER_CPU(bool, need_resched);

/* What a CPU is before its idle task exists. */
static struct current_task boot_tasks[MAX_CPUS];

size_t percpu_size(void)
{
	return percpu_end - percpu_start;
}

void percpu_init_cpu(u32 cpu, void *area)
{
	struct current_task *task = &boot_tasks[cpu];

	memcpy(area, percpu_start, percpu_size());
	percpu_offset[cpu] = (u64)area - (u64)percpu_start;
	task->flags = PF_KTHREAD | PF_IDLE;
	snprintf(task->comm, sizeof(task->comm), "boot/%u", cpu);
	per_cpu(cpu_number, cpu) = cpu;
	per_cpu(current_task, cpu) = task;
}
