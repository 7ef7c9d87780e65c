/*
 * The order of initialisation, as one readable list. Each line may use what the lines above it
 * made.
 */
#include "arch/x86_64/boot.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/upcall.h"
#include "cpu/irqflags.h"
#include "cpu/kthread.h"
#include "cpu/panic.h"
#include "dev/ahci.h"
#include "dev/block.h"
#include "dev/ctl.h"
#include "dev/monitor.h"
#include "dev/pci.h"
#include "dev/serial.h"
#include "dev/virtio_serial.h"
#include "fs/blkdev.h"
#include "fs/vfs.h"
#include "lib/cmdline.h"
#include "mm/address_space.h"
#include "mm/backing.h"
#include "mm/check.h"
#include "mm/compaction.h"
#include "mm/fault.h"
#include "mm/huge_memory.h"
#include "mm/kmap.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/memblock.h"
#include "mm/mm.h"
#include "mm/oom.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/special.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "proc/aslr.h"
#include "proc/init.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/timer.h"
#include "proc/task.h"
#include "selftest.h"
#include "trace/ring.h"

/* Sub-buffers of each CPU's ring unless trace_buffers= says otherwise: half a megabyte. */
#define DEFAULT_SUBBUFS 8
#define NO_PORTS        "trace: no open virtio-serial port for each CPU (trace=off runs without)"

static void init_memory(void)
{
	memblock_init();
	kmap_init();
	page_alloc_init();
	slab_init();
	fault_init();
	io_pool_init();
	lru_init();
	mm_init();
	vma_init();
	rmap_init();
	address_space_init();
	shmem_init();
	rmap_choose();
	huge_init();
	compaction_init();
}

static void *alloc_for_arch(u32 nr_pages)
{
	u32 order = 0;
	struct page *page;

	while (1u << order < nr_pages)
		order++;
	page = alloc_pages(GFP_KERNEL | GFP_ZERO, order, PAGE_KERNEL);
	return page ? page_virt(page) : NULL;
}

static void init_swap(void)
{
	struct backing *disk = disk_open_swap();
	int error;

	if (!disk) {
		printk("swap: none");
		return;
	}
	error = swap_attach(disk, disk_read_sync);
	if (!error && !cmdline_is("swap", "off"))
		error = swap_on(disk);
	if (error)
		printk("swap: not used, error %d", error);
}

/* Memory for the rings, streams to the host; tracing begins when every port is open, or with
 * trace_start=ctl when the host says so on the control port. */
static void init_trace(void)
{
	u32 subbufs = cmdline_u64("trace_buffers", DEFAULT_SUBBUFS), order = 0;
	enum trace_mode mode = cmdline_is("trace", "discard") ? TRACE_DISCARD : TRACE_LOSSLESS;

	if (subbufs < TRACE_MIN_SUBBUFS || subbufs > TRACE_MAX_SUBBUFS)
		panic("trace_buffers=%u: give %d to %d", subbufs, TRACE_MIN_SUBBUFS,
		      TRACE_MAX_SUBBUFS);
	if (!virtio_serial_trace_ready())
		panic(NO_PORTS);
	while ((PAGE_SIZE << order) < (u64)subbufs * TRACE_SUBBUF_SIZE)
		order++;
	for_each_cpu (cpu) {
		struct page *page = alloc_pages(GFP_KERNEL | GFP_ZERO, order, PAGE_TRACE);

		if (!page)
			panic("trace: no memory for the ring of CPU %u", cpu);
		trace_ring_attach(cpu, page_virt(page), (u64)page_pfn(page) << PAGE_SHIFT, subbufs);
	}
	if (cmdline_is("trace_start", "ctl"))
		session_defer_trace(&virtio_trace_sink, mode);
	else
		session_start_trace(&virtio_trace_sink, mode);
}

/* Also without a trace the host may end the session on the control port, if there is one. */
static void init_ports(void)
{
	bool traced = !cmdline_is("trace", "off");

	if (virtio_serial_init()) {
		if (traced)
			panic(NO_PORTS);
		return;
	}
	if (traced)
		init_trace();
	if (ctl_init())
		panic("ctl: no memory");
}

/* What needs the scheduler: threads, disks, ports, programs. Runs as the first kernel thread. */
static void init_thread(void *arg)
{
	(void)arg;
	if (arch_start_cpus())
		panic("no memory to start the other CPUs");
	if (reclaim_init() || monitor_init())
		panic("no memory for kernel threads");
	timer_init();
	oom_init();
	special_init();
	init_swap();
	overcommit_init();
	mm_check_init();
	vfs_init();
	/* The second disk: the first port is the data disk's. */
	if (swap_disk())
		blkdev_register(MKDEV(SD_MAJOR, SD_MINOR(1)), "sdb", swap_disk());
	init_ports();
	selftest_run();
	if (cmdline_is("break", "init"))
		__asm__ volatile("int3");
	aslr_init();
	start_init();
	for (;;)
		sleep_until(~0ul, TASK_UNINTERRUPTIBLE);
}

/* CPU 0 on the stack of its idle task. */
static void begin_scheduling(void)
{
	task_init();
	if (kthread_run(init_thread, NULL, "init_thread"))
		panic("no memory for the first thread");
	irq_enable();
	sched_idle();
}

void kernel_main(void)
{
	cmdline_set(boot_info.cmdline);
	serial_init();
	printk("palimpsest: %s", boot_info.cmdline);
	kaslr_check();
	arch_init_cpu(0);
	arch_init_acpi();
	init_memory();
	arch_alloc_pages = alloc_for_arch;
	arch_alloc_stack = kstack_alloc;
	arch_init_clock();
	arch_init_interrupts();
	pci_init();
	arch_leave_boot_stack(kstack_alloc(), begin_scheduling);
}
