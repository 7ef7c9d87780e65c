# Every source file of the kernel, by layer, lowest first: the table of contents. A layer may include itself and what stands
# above it here (tests/lint/includes.py).

KERNEL_LIB := string printf cmdline siphash rbtree interval_tree radix_tree
KERNEL_CPU := percpu spinlock rwsem quiesce printk panic backtrace symbols
KERNEL_TRACE := ring trace names
KERNEL_ARCH := pvh.S kaslr.c boot.c acpi.c cpu.c traps.S traps.c irq.c apic.c io_apic.c ipi.c clock.c machine.c \
	memops.c tlb.c fpu.c context.c signal_frame.c user_copy.S uaccess.c smp.c trampoline.S vdso.S
# Which page to replace (mm/policy.h).
KERNEL_POLICIES := policy_incumbent policy_two_list
# The rest of mm.
KERNEL_MM := page memblock buddy pcp zero_pool page_alloc slab kmap pgtable pte pmd special io_pool vmstat \
	mm limits vma mmap mprotect mremap mlock madvise msync mincore \
	address_space mapping_io shmem shmem_swap i_mmap page_operations rmap rmap_walk zap compaction huge_memory fault fault_file \
	lru $(KERNEL_POLICIES) reclaim reclaim_pass swap swap_io swapoff oom oom_score_resident remote baseline check
KERNEL_PROC := task process sched priority balance cputime hotplug wait timer fork dethread coredump core_file core_notes exec exec_args exec_script elf aslr exit reap \
	signal futex signal_queue signal_mask signal_deliver job oom_tasks itimer posix_timer limits cred random uts rseq trap \
	session init
KERNEL_FS := cpio initramfs file iov_iter fdtable fs poll epoll pipe timerfd console \
	tty tty_job n_tty n_tty_out eventfd signalfd unix unix_name unix_send unix_receive unix_gc \
	memfd shm inode dentry super mount namei change open pseudo attr readdir regular tmpfs tmpfs_options \
	chrdev blkdev mem_devices kmsg lock transfer program core vfs \
	$(addprefix procfs/,text procfs root machine memory task task_text task_maps memory_use kpage sysctl sysfs)
KERNEL_DEV := serial pci block ahci ahci_port virtio virtio_serial ctl monitor monitor_commands
KERNEL_SYSCALL := dispatch arguments file poll epoll memory memfd shm swap process exec group sched wait futex signal sleep timer cred prctl system time \
	pipe socket fcntl transfer path stat attr mount

# Only in the debug build.
ifeq ($(DEBUG),1)
KERNEL_CPU += lockdep kasan kasan_calls ubsan
KERNEL_MM += kasan_objects
KERNEL_TOP := selftest
endif

KERNEL_SRCS := \
	$(KERNEL_LIB:%=kernel/lib/%.c) \
	$(KERNEL_CPU:%=kernel/cpu/%.c) \
	$(KERNEL_TRACE:%=kernel/trace/%.c) \
	$(KERNEL_ARCH:%=kernel/arch/x86_64/%) \
	$(KERNEL_MM:%=kernel/mm/%.c) \
	$(KERNEL_PROC:%=kernel/proc/%.c) \
	$(KERNEL_FS:%=kernel/fs/%.c) \
	$(KERNEL_DEV:%=kernel/dev/%.c) \
	$(KERNEL_SYSCALL:%=kernel/syscall/%.c) \
	$(KERNEL_TOP:%=kernel/%.c) \
	kernel/main.c
