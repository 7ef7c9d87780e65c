# User programs: static, built with musl, the same binaries for this kernel and for Linux.
# Included by the top-level Makefile, which runs in the project's root. Uses O (the build directory).
# Gives the target `user`, the list USER_BINARIES for the initramfs, and the names USER_WORKLOADS and
# USER_TESTS.

O ?= build
USER_CC ?= musl-gcc
USER_CFLAGS ?= -O2
USER_WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes
USER_BUILD := $(O)/user

USER_PAGE_WORKLOADS := thrash forkshare oomhog seqscan zipf hotcold mapchurn forktree shmshare threads
USER_WORKLOADS := $(USER_PAGE_WORKLOADS) hello
USER_TESTS := fpu vm proc madvise int80 cputime coredump touch spin layout tty thp thpfrag swapoff hotplug shmlock random_calls bomb pagecache reread events choom halfexec rtpull pagekinds
USER_BINARIES := $(addprefix $(USER_BUILD)/,init $(USER_WORKLOADS) $(USER_TESTS))
# Position-independent, and of the other C library: musl's wrapper cannot link it.
USER_PIE := $(USER_BUILD)/layout-pie
# Multithreaded, with the other library's malloc().
USER_GLIBC := $(USER_BUILD)/threads-glibc
USER_PIE_CC ?= $(CROSS_COMPILE)gcc

# Programs whose output in the guest is held against that on the host (docs/adding-an-abi-test.md); NAME-g is NAME with glibc.
USER_ABI := $(basename $(notdir $(wildcard user/tests/abi/*.c)))
# Those that make their calls without the library would only say the same again.
USER_ABI_GLIBC := $(filter-out efault memtuples,$(USER_ABI))
USER_ABI_BUILD := $(USER_BUILD)/abi
USER_ABI_NAMES := $(USER_ABI) $(addsuffix -g,$(USER_ABI_GLIBC))
USER_ABI_PROGRAMS := $(addprefix $(USER_ABI_BUILD)/,$(USER_ABI_NAMES))
# Their names: in the directory may lie what was built once.
USER_ABI_LIST := $(USER_BUILD)/abi.list

USER_LIB := user/lib/print.c
USER_PAGE_LIB := $(addprefix user/workloads/,pagecheck.c random.c options.c measure.c) $(USER_LIB)
USER_TEST_LIB := user/tests/check.c $(USER_LIB)

user_objects = $(patsubst user/%.c,$(USER_BUILD)/obj/%.o,$(1))

.PHONY: user
user: $(USER_BINARIES) $(USER_PIE) $(USER_GLIBC) $(USER_ABI_PROGRAMS) $(USER_ABI_LIST)

$(USER_BUILD)/init: $(call user_objects,user/init.c $(USER_LIB))
$(USER_BUILD)/hello: $(call user_objects,user/workloads/hello.c $(USER_LIB))

user_page_binaries := $(addprefix $(USER_BUILD)/,$(USER_PAGE_WORKLOADS))
$(user_page_binaries): $(USER_BUILD)/%: $(USER_BUILD)/obj/workloads/%.o
$(user_page_binaries): $(call user_objects,$(USER_PAGE_LIB))

user_test_binaries := $(addprefix $(USER_BUILD)/,$(USER_TESTS))
$(user_test_binaries): $(USER_BUILD)/%: $(USER_BUILD)/obj/tests/%.o
$(user_test_binaries): $(call user_objects,$(USER_TEST_LIB))
$(USER_BUILD)/touch $(USER_BUILD)/spin $(USER_BUILD)/swapoff $(USER_BUILD)/hotplug $(USER_BUILD)/bomb: $(call user_objects,user/workloads/options.c)

# musl-gcc links as position-independent by default; a fixed address needs no relocation at exec.
$(USER_BINARIES):
	$(USER_CC) -static -no-pie -o $@ $^

$(USER_PIE): user/tests/layout.c $(USER_LIB)
	@mkdir -p $(@D)
	$(USER_PIE_CC) -std=gnu11 $(USER_CFLAGS) -static-pie -fPIE $(USER_WARNINGS) -o $@ $^

$(USER_GLIBC): user/workloads/threads.c $(USER_PAGE_LIB)
	@mkdir -p $(@D)
	$(USER_PIE_CC) -std=gnu11 $(USER_CFLAGS) -static -no-pie -fno-pie $(USER_WARNINGS) -o $@ $^

$(USER_ABI_LIST): FORCE
	@mkdir -p $(@D)
	@echo '$(USER_ABI_NAMES)' | cmp -s - $@ || echo '$(USER_ABI_NAMES)' > $@

user_abi_sources := user/tests/abi.c $(USER_TEST_LIB)
user_abi_headers := user/tests/abi.h user/tests/check.h user/lib/print.h user/tests/arguments.h kernel/syscall/arguments.def \
	kernel/syscall/table.def
# Wrong arguments are what many of them are about.
user_abi_flags := -std=gnu11 $(USER_CFLAGS) -static -no-pie -fno-pie $(USER_WARNINGS) -Wno-nonnull \
	-Wno-stringop-overflow -Wno-stringop-overread

$(addprefix $(USER_ABI_BUILD)/,$(USER_ABI)): $(USER_ABI_BUILD)/%: user/tests/abi/%.c $(user_abi_sources) $(user_abi_headers)
	@mkdir -p $(@D)
	$(USER_CC) $(user_abi_flags) -o $@ $(filter %.c,$^)

$(addprefix $(USER_ABI_BUILD)/,$(addsuffix -g,$(USER_ABI_GLIBC))): $(USER_ABI_BUILD)/%-g: user/tests/abi/%.c $(user_abi_sources) $(user_abi_headers)
	@mkdir -p $(@D)
	$(USER_PIE_CC) $(user_abi_flags) -o $@ $(filter %.c,$^)

$(USER_BUILD)/obj/%.o: user/%.c
	@mkdir -p $(@D)
	$(USER_CC) -std=gnu11 $(USER_CFLAGS) -fno-pie $(USER_WARNINGS) -MMD -MP -c -o $@ $<

-include $(shell find $(USER_BUILD)/obj -name '*.d' 2>/dev/null)
