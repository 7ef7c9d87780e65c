# The kernel image, $(O)/kernel.elf, from KERNEL_SRCS (sources.mk). DEBUG=1 builds with assertions
# and sanitizers, V=1 shows commands.

CROSS_COMPILE ?= x86_64-linux-gnu-
HOSTCC ?= gcc
O ?= build
Q := $(if $(filter 1,$(V)),,@)

KERNEL_CC := $(CROSS_COMPILE)gcc
KERNEL_LD := $(CROSS_COMPILE)ld
KERNEL_NM := $(CROSS_COMPILE)nm

KERNEL_CPPFLAGS := -Ikernel -I. -MMD -MP $(if $(filter 1,$(DEBUG)),-DCONFIG_DEBUG -DCONFIG_KASAN) \
	$(if $(filter 1,$(NO_TRACE)),-DCONFIG_NO_TRACE)
KERNEL_ARCH_FLAGS := -m64 -mno-red-zone -mgeneral-regs-only -mno-sse -mno-mmx -mno-80387 \
	-mcmodel=kernel -fno-pic -fno-pie -fcf-protection=none
KERNEL_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-common -fno-stack-protector \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-fno-optimize-sibling-calls $(KERNEL_ARCH_FLAGS) \
	-Wall -Wextra -Werror -Werror=override-init -Wstrict-prototypes -Wmissing-prototypes -Wvla
# KASAN by calls, because not all memory has a shadow; not of stacks, because the compiler writes
# their shadow inline. The first report of undefined behaviour ends the session. Not alignment: x86 does not mind, and the
# end of a list, seen as the element that it is not, need not be aligned as one.
KERNEL_SANITIZE := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
	--param asan-stack=0 --param asan-globals=1 \
	-fsanitize=undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined
KERNEL_CFLAGS += $(if $(filter 1,$(DEBUG)),$(KERNEL_SANITIZE))
KERNEL_ASFLAGS := -g $(KERNEL_ARCH_FLAGS)
KERNEL_LDFLAGS := -m elf_x86_64 -nostdlib -static --build-id=none -z noexecstack \
	-z max-page-size=4096 --emit-relocs

KERNEL_OBJS := $(KERNEL_SRCS:%=$(O)/%.o)
KERNEL_LDSCRIPT := $(O)/kernel/kernel.ld
KERNEL_FLAGS_FILE := $(O)/kernel/flags
KERNEL_COMMANDS := $(KERNEL_CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS) $(KERNEL_SRCS)

# Or the compiler would turn the loops of these functions into calls of themselves.
$(O)/kernel/lib/string.c.o: KERNEL_CFLAGS += -fno-tree-loop-distribute-patterns

# What the sanitizers call, and what would be looked at most of all.
$(addprefix $(O)/kernel/,$(addsuffix .c.o,cpu/ubsan cpu/kasan cpu/kasan_calls cpu/backtrace \
	cpu/lockdep cpu/spinlock mm/kasan_objects)): \
	KERNEL_CFLAGS += -fno-sanitize=all

# Rewritten only when a flag or the list of sources changes; then everything is built again.
$(KERNEL_FLAGS_FILE): FORCE
	@mkdir -p $(@D)
	@echo '$(KERNEL_COMMANDS)' | cmp -s - $@ || echo '$(KERNEL_COMMANDS)' > $@

$(O)/kernel/%.c.o: kernel/%.c $(KERNEL_FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(KERNEL_CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) -c -o $@ $<

$(O)/kernel/%.S.o: kernel/%.S $(KERNEL_FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(KERNEL_CC) $(KERNEL_CPPFLAGS) $(KERNEL_ASFLAGS) -c -o $@ $<

include kernel/arch/x86_64/vdso/vdso.mk

$(KERNEL_LDSCRIPT): kernel/arch/x86_64/kernel.ld.S $(KERNEL_FLAGS_FILE)
	@mkdir -p $(@D)
	$(Q)$(KERNEL_CC) $(KERNEL_CPPFLAGS) -E -P -MT $@ -MF $@.d -x c -o $@ $<

# Linked three times. The first link, with an empty symbol table, tells where the functions are. The
# table lies behind them, so the second link moves none, and tells where absolute addresses are
# (for KASLR). Their table lies behind everything. That both tables are right is checked.
GEN_RELOCS := $(O)/kernel/gen-relocs

$(GEN_RELOCS): kernel/gen/gen-relocs.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $<

$(O)/kernel/symbols-none.S: kernel/cpu/symbols.awk $(KERNEL_FLAGS_FILE)
	$(Q)awk -f $< /dev/null > $@

$(O)/kernel/relocs-none.S: $(GEN_RELOCS)
	$(Q)$< > $@

$(O)/kernel/symbols.S: $(O)/kernel/first.elf kernel/cpu/symbols.awk
	$(Q)$(KERNEL_NM) -n $< | awk -f kernel/cpu/symbols.awk > $@

$(O)/kernel/relocs.S: $(O)/kernel/second.elf $(GEN_RELOCS)
	$(Q)$(GEN_RELOCS) $< > $@

$(O)/kernel/symbols.o $(O)/kernel/symbols-none.o $(O)/kernel/relocs.o $(O)/kernel/relocs-none.o: %.o: %.S
	$(Q)$(KERNEL_CC) $(KERNEL_ASFLAGS) -c -o $@ $<

KERNEL_LINK = $(KERNEL_LD) $(KERNEL_LDFLAGS) -T $(KERNEL_LDSCRIPT)

$(O)/kernel/first.elf: $(KERNEL_OBJS) $(O)/kernel/symbols-none.o $(O)/kernel/relocs-none.o $(KERNEL_LDSCRIPT)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJS) $(O)/kernel/symbols-none.o $(O)/kernel/relocs-none.o

$(O)/kernel/second.elf: $(KERNEL_OBJS) $(O)/kernel/symbols.o $(O)/kernel/relocs-none.o $(KERNEL_LDSCRIPT)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJS) $(O)/kernel/symbols.o $(O)/kernel/relocs-none.o

$(O)/kernel.elf: $(KERNEL_OBJS) $(O)/kernel/symbols.o $(O)/kernel/relocs.o $(KERNEL_LDSCRIPT)
	$(Q)$(KERNEL_LINK) -o $@.tmp $(KERNEL_OBJS) $(O)/kernel/symbols.o $(O)/kernel/relocs.o
	$(Q)$(KERNEL_NM) -n $@.tmp | awk -f kernel/cpu/symbols.awk | cmp - $(O)/kernel/symbols.S
	$(Q)$(GEN_RELOCS) $@.tmp | cmp - $(O)/kernel/relocs.S
	@echo "  LD      $@"
	$(Q)mv $@.tmp $@

-include $(KERNEL_OBJS:.o=.d) $(KERNEL_LDSCRIPT).d

.PHONY: FORCE
