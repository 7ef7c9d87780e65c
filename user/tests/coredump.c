/* Core files: when there is one, who may get at it, and what is in it. Runs on Linux where
 * /proc/sys/kernel/core_pattern is "core". */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE  4096
#define CORE  0x80
#define MAGIC 0x5af00d5a12345678ul
#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#define NT_FILE    0x46494c45
#endif

struct plan {
	int sig;
	rlim_t limit;
	bool hidden; /* PR_SET_DUMPABLE 0 */
};

static int die_by(void *context)
{
	const struct plan *plan = context;
	struct rlimit limit = {plan->limit, RLIM_INFINITY};

	setrlimit(RLIMIT_CORE, &limit);
	if (plan->hidden)
		prctl(PR_SET_DUMPABLE, 0);
	raise(plan->sig);
	return 0;
}

static int end(int sig, rlim_t limit)
{
	return check_in_child(die_by, &(struct plan){sig, limit, false});
}

static off_t core_size(void)
{
	struct stat stat;

	return lstat("core", &stat) == 0 ? stat.st_size : -1;
}

static const char *test_limit(void)
{
	unlink("core");
	CHECK(end(SIGABRT, 0) == SIGABRT);
	CHECK(end(SIGABRT, PAGE - 1) == SIGABRT);
	CHECK(core_size() == -1);
	CHECK(end(SIGABRT, PAGE) == (SIGABRT | CORE));
	CHECK(core_size() >= 64 && core_size() <= PAGE);
	CHECK(end(SIGABRT, RLIM_INFINITY) == (SIGABRT | CORE));
	CHECK(core_size() > 8 * PAGE);
	unlink("core");
	CHECK(check_in_child(die_by, &(struct plan){SIGABRT, RLIM_INFINITY, true}) == SIGABRT);
	CHECK(core_size() == -1);
	return NULL;
}

static const char *test_signals(void)
{
	static const int dumping[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
				      SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
	static const int others[] = {SIGHUP,  SIGINT,  SIGKILL, SIGUSR1, SIGPIPE,
				     SIGTERM, SIGALRM, SIGPROF, SIGIO,   40};

	for (size_t i = 0; i < sizeof(dumping) / sizeof(*dumping); i++)
		CHECK(end(dumping[i], PAGE) == (dumping[i] | CORE));
	unlink("core");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		CHECK(end(others[i], PAGE) == others[i]);
	CHECK(core_size() == -1);
	return NULL;
}

static const char *test_waitid(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(die_by(&(struct plan){SIGQUIT, RLIM_INFINITY, false}));
	CHECK(waitid(P_PID, pid, &info, WEXITED) == 0);
	CHECK(info.si_code == CLD_DUMPED && info.si_status == SIGQUIT);
	unlink("core");
	return NULL;
}

static const char *test_name(void)
{
	struct stat stat;

	/* Not through a link, not to a file that others can read or have open: a new one. */
	CHECK(symlink("elsewhere", "core") == 0);
	CHECK(end(SIGABRT, PAGE) == (SIGABRT | CORE) && access("elsewhere", F_OK) != 0);
	CHECK(unlink("core") == 0);
	int fd = open("core", O_CREAT | O_WRONLY, 0644);
	CHECK(write(fd, "x", 1) == 1 && end(SIGABRT, PAGE) == (SIGABRT | CORE));
	CHECK(fstat(fd, &stat) == 0 && stat.st_size == 1 && stat.st_nlink == 0);
	close(fd);
	CHECK(lstat("core", &stat) == 0 && (stat.st_mode & 07777) == 0600);
	CHECK(unlink("core") == 0 && mkdir("core", 0700) == 0);
	CHECK(end(SIGABRT, PAGE) == SIGABRT && rmdir("core") == 0);
	return NULL;
}

/* ---- content ---- */

#define NR_THREADS 3

static struct shared {
	volatile char *pattern, *none, *hole, *hidden, *shared;
	pthread_t threads[NR_THREADS];
	pid_t tids[NR_THREADS];
	uintptr_t fault;
} * shared;

static pthread_barrier_t barrier;

__attribute__((noreturn)) static void *wait_for_end(void *arg)
{
	shared->tids[(intptr_t)arg] = syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
}

static char *map(size_t pages, int flags)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static int crash(void *context)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	(void)context;
	setrlimit(RLIMIT_CORE, &limit);
	shared->pattern = map(64, MAP_PRIVATE);
	shared->none = map(1, MAP_PRIVATE);
	shared->hole = map(16, MAP_PRIVATE);
	shared->hidden = map(4, MAP_PRIVATE);
	shared->shared = map(2, MAP_SHARED);
	for (int i = 0; i < 64; i++)
		memset((char *)shared->pattern + i * PAGE, i + 1, PAGE);
	shared->none[5] = 55;
	mprotect((char *)shared->none, PAGE, PROT_NONE);
	shared->hole[15 * PAGE] = 15;
	shared->hidden[0] = 1;
	madvise((char *)shared->hidden, 4 * PAGE, MADV_DONTDUMP);
	shared->shared[PAGE] = 77;
	madvise((char *)shared->pattern, 32 * PAGE, MADV_PAGEOUT);
	pthread_barrier_init(&barrier, NULL, NR_THREADS + 1);
	for (intptr_t i = 0; i < NR_THREADS; i++)
		pthread_create(&shared->threads[i], NULL, wait_for_end, (void *)i);
	pthread_barrier_wait(&barrier);
	shared->fault = 0x1000;
	__asm__ volatile("movq %0, %%r15\n"
			 "movq %0, %%xmm7\n"
			 "movb $0, (%1)\n" ::"r"(MAGIC),
			 "r"(shared->fault)
			 : "r15", "xmm7", "memory");
	return 0;
}

static uint8_t *core;
static size_t core_bytes;

static const uint8_t *memory_at(volatile const char *address)
{
	const Elf64_Ehdr *header = (const void *)core;
	const Elf64_Phdr *phdr = (const void *)(core + header->e_phoff);
	uintptr_t va = (uintptr_t)address;

	for (int i = 0; i < header->e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_vaddr <= va &&
		    va - phdr[i].p_vaddr < phdr[i].p_filesz)
			return core + phdr[i].p_offset + (va - phdr[i].p_vaddr);
	return NULL;
}

/* The n-th note of a type, or NULL. */
static const void *note(uint32_t type, int n, size_t *size)
{
	const Elf64_Phdr *phdr = (const void *)(core + sizeof(Elf64_Ehdr));
	const uint8_t *at = core + phdr->p_offset, *stop = at + phdr->p_filesz;

	while (at < stop) {
		const Elf64_Nhdr *head = (const void *)at;
		const uint8_t *content = at + sizeof(*head) + ((head->n_namesz + 3) & ~3u);

		if (head->n_type == type && n-- == 0) {
			*size = head->n_descsz;
			return content;
		}
		at = content + ((head->n_descsz + 3) & ~3u);
	}
	return NULL;
}

static const char *check_memory(void)
{
	for (int i = 0; i < 64; i++) {
		const uint8_t *page = memory_at(shared->pattern + i * PAGE);
		CHECK(page && page[0] == i + 1 && page[PAGE - 1] == i + 1);
	}
	CHECK(memory_at(shared->none) && memory_at(shared->none)[5] == 55);
	CHECK(memory_at(shared->hole) && memory_at(shared->hole)[0] == 0);
	CHECK(memory_at(shared->hole)[15 * PAGE] == 15);
	CHECK(!memory_at(shared->hidden));
	CHECK(memory_at(shared->shared) && memory_at(shared->shared)[PAGE] == 77);
	return NULL;
}

static bool is_thread(pid_t pid)
{
	for (int i = 0; i < NR_THREADS; i++)
		if (shared->tids[i] == pid)
			return true;
	return false;
}

/* Registers by their places in struct user_regs_struct. */
enum { R15, RSP = 19, ORIG_RAX = 15, FS_BASE = 21 };

static const char *check_threads(pid_t pid)
{
	size_t size, xmm7 = 160 + 7 * 16;
	uint64_t value;

	for (int i = 0; i <= NR_THREADS; i++) {
		const struct elf_prstatus *status = note(NT_PRSTATUS, i, &size);
		const uint64_t *registers = (const void *)&status->pr_reg;

		CHECK(status && size == sizeof(*status));
		CHECK(status->pr_cursig == SIGSEGV && status->pr_ppid == getpid());
		CHECK(status->pr_pgrp == getpgrp() && status->pr_sid == getsid(0));
		CHECK(memory_at((const char *)registers[RSP]) &&
		      memory_at((const char *)registers[FS_BASE]));
		if (i == 0) {
			CHECK(status->pr_pid == pid && registers[R15] == MAGIC);
			CHECK(registers[ORIG_RAX] == (uint64_t)-1);
		} else {
			CHECK(is_thread(status->pr_pid));
			/* musl and glibc differ in how they call it. */
			CHECK(registers[ORIG_RAX] == SYS_pause ||
			      registers[ORIG_RAX] == SYS_ppoll ||
			      registers[ORIG_RAX] == SYS_futex ||
			      registers[ORIG_RAX] == (uint64_t)-1);
		}
	}
	CHECK(!note(NT_PRSTATUS, NR_THREADS + 1, &size));
	const uint8_t *fpu = note(NT_FPREGSET, 0, &size);
	CHECK(fpu && size == 512);
	memcpy(&value, fpu + xmm7, sizeof(value));
	CHECK(value == MAGIC);
	CHECK(note(NT_FPREGSET, NR_THREADS, &size));
	return NULL;
}

static const char *check_process(void)
{
	size_t size;
	const struct elf_prpsinfo *process = note(NT_PRPSINFO, 0, &size);
	const siginfo_t *info = note(NT_SIGINFO, 0, &size);
	const uint64_t *auxv = note(NT_AUXV, 0, &size);
	bool has_page_size = false;

	CHECK(process && process->pr_sname == 'R' && strcmp(process->pr_fname, "coredump") == 0);
	CHECK(info && info->si_signo == SIGSEGV && info->si_code == SEGV_MAPERR);
	CHECK((uintptr_t)info->si_addr == shared->fault);
	CHECK(auxv);
	for (size_t i = 0; i < size / 8; i += 2)
		has_page_size |= auxv[i] == AT_PAGESZ && auxv[i + 1] == PAGE;
	CHECK(has_page_size && auxv[size / 8 - 2] == AT_NULL);
	const uint64_t *files = note(NT_FILE, 0, &size);
	CHECK(files && files[0] >= 1 && files[1] == PAGE && files[2] < files[3]);
	CHECK(strstr((const char *)&files[2 + 3 * files[0]], "/coredump"));
	return NULL;
}

static const char *test_content(void)
{
	const Elf64_Ehdr *header;
	pid_t pid;
	int status;

	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (pid == 0)
		_exit(crash(NULL));
	CHECK(waitpid(pid, &status, 0) == pid && status == (SIGSEGV | CORE));
	core_bytes = core_size();
	int fd = open("core", O_RDONLY);
	core = mmap(NULL, core_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(core != MAP_FAILED);
	header = (const void *)core;
	CHECK(memcmp(header->e_ident, "\x7f\x45LF\2\1\1", 7) == 0);
	CHECK(header->e_type == ET_CORE && header->e_machine == EM_X86_64);
	const char *reason = check_threads(pid);
	if (!reason)
		reason = check_memory();
	if (!reason)
		reason = check_process();
	munmap(core, core_bytes);
	close(fd);
	unlink("core");
	return reason;
}

int main(void)
{
	static const struct check checks[] = {
		{"limit", test_limit}, {"signals", test_signals}, {"waitid", test_waitid},
		{"name", test_name},   {"content", test_content},
	};

	return check_run(checks, sizeof(checks) / sizeof(*checks));
}
