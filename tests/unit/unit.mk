# Unit tests: the kernel's own sources, compiled for this machine with sanitizers, where headers of
# tests/unit/shadow stand in for the few that speak to the processor. Everything built goes below
# $(O)/tests/unit.

O ?= build
HOSTCC ?= gcc

UNIT_OUT := $(O)/tests/unit
UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_CFLAGS := -std=gnu11 -O1 -g -DCONFIG_DEBUG $(UNIT_SANITIZE) \
	-Itests/unit/shadow -Itests/unit -Ikernel -I. -MMD -MP \
	-Wall -Wextra -Werror -Wstrict-prototypes

unit-objects = $(patsubst %.c,$(UNIT_OUT)/$(1)/%.o,$(2))

$(UNIT_OUT)/plain/%.o: %.c
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_CFLAGS) -c -o $@ $<

# For kernel functions that have libc's names.
$(UNIT_OUT)/renamed/%.o: %.c
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_CFLAGS) -fno-builtin -include tests/unit/shadow/rename.h -c -o $@ $<

# With KASAN's shadow below the allocators. Only the test asks for it: this machine's compiler has its
# own.
$(UNIT_OUT)/kasan/%.o: %.c
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_CFLAGS) -DCONFIG_KASAN -fno-builtin -include tests/unit/shadow/rename.h -c -o $@ $<

# $(call unit-test,NAME,plain, renamed or kasan,SOURCES): the program test_NAME, of test_NAME.c and SOURCES.
define unit-test
UNIT_TESTS += $(UNIT_OUT)/test_$(1)
$(UNIT_OUT)/test_$(1): $(call unit-objects,$(2),tests/unit/test_$(1).c $(3))
	@$(HOSTCC) $(UNIT_SANITIZE) -o $$@ $$^ -lcmocka
endef

UNIT_TESTS :=
UNIT_RING := tests/unit/ring_fixture.c tests/unit/shadow/machine.c kernel/trace/trace.c
UNIT_MM := tests/unit/mm_fixture.c tests/unit/shadow/machine.c \
	kernel/cpu/spinlock.c kernel/cpu/lockdep.c \
	$(addprefix kernel/trace/,ring.c trace.c) \
	$(addprefix kernel/mm/,page_alloc.c pcp.c zero_pool.c buddy.c vmstat.c)
UNIT_SLAB := kernel/mm/slab.c $(addprefix kernel/lib/,string.c printf.c)

$(eval $(call unit-test,rbtree,plain,kernel/lib/rbtree.c))
$(eval $(call unit-test,interval_tree,plain,kernel/lib/interval_tree.c kernel/lib/rbtree.c))
$(eval $(call unit-test,radix_tree,plain,kernel/lib/radix_tree.c))
$(eval $(call unit-test,siphash,plain,kernel/lib/siphash.c))
$(eval $(call unit-test,pte,plain))
$(eval $(call unit-test,policy,plain,kernel/mm/policy_incumbent.c kernel/mm/policy_two_list.c))
$(eval $(call unit-test,ring,plain,$(UNIT_RING)))
$(eval $(call unit-test,ring_nesting,plain,$(UNIT_RING)))
$(eval $(call unit-test,string,renamed,kernel/lib/string.c))
$(eval $(call unit-test,printf,renamed,kernel/lib/printf.c kernel/lib/string.c))
$(eval $(call unit-test,cmdline,renamed,kernel/lib/cmdline.c kernel/lib/string.c))
$(eval $(call unit-test,lockdep,plain,tests/unit/shadow/machine.c $(addprefix kernel/cpu/,spinlock.c lockdep.c)))
$(eval $(call unit-test,page_alloc,plain,$(UNIT_MM)))
$(eval $(call unit-test,slab,renamed,$(UNIT_MM) $(UNIT_SLAB)))
$(eval $(call unit-test,kasan,kasan,$(UNIT_MM) $(UNIT_SLAB) kernel/cpu/kasan.c kernel/mm/kasan_objects.c))

UNIT_FRAMES := tests/unit/event_log.c $(filter-out kernel/trace/%,$(UNIT_MM))
UNIT_VMA := $(addprefix kernel/mm/,slab.c mm.c limits.c vma.c mmap.c mprotect.c madvise.c rmap.c address_space.c i_mmap.c shmem.c pgtable.c pte.c pmd.c) kernel/cpu/rwsem.c \
	$(addprefix kernel/lib/,rbtree.c interval_tree.c radix_tree.c string.c printf.c)
$(eval $(call unit-test,buddy,plain,$(UNIT_FRAMES)))
$(eval $(call unit-test,vma,renamed,tests/unit/vma_stubs.c $(UNIT_FRAMES) $(UNIT_VMA)))
$(eval $(call unit-test,mapping,renamed,$(UNIT_FRAMES) $(addprefix kernel/mm/,address_space.c mapping_io.c slab.c) \
	$(addprefix kernel/lib/,radix_tree.c rbtree.c interval_tree.c string.c printf.c)))

$(eval $(call unit-test,pmd,plain,$(UNIT_FRAMES) kernel/mm/pgtable.c kernel/mm/pmd.c kernel/mm/pte.c))

.PHONY: unit-test
unit-test: $(UNIT_TESTS)
	@tests/run --programs $^

-include $(shell find $(UNIT_OUT) -name '*.d' 2>/dev/null)
