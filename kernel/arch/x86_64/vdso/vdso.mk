# The vDSO, a shared library inside the kernel's image (arch/x86_64/vdso.S). Included by kernel.mk.

VDSO := $(O)/kernel/arch/x86_64/vdso/vdso.so
VDSO_SOURCES := $(addprefix kernel/arch/x86_64/vdso/,vdso.c vdso.ld)
VDSO_CFLAGS := -std=gnu11 -O2 -m64 -fPIC -shared -nostdlib -ffreestanding -fno-stack-protector -fcf-protection=none \
	-fasynchronous-unwind-tables -fno-builtin -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
	-Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=none -Wl,-Bsymbolic -Wl,--eh-frame-hdr \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--strip-all -Ikernel -I.

$(VDSO): $(VDSO_SOURCES) kernel/arch/x86_64/vdso.h kernel/arch/x86_64/asm.h $(KERNEL_FLAGS_FILE)
	@mkdir -p $(@D)
	@echo "  VDSO    $@"
	$(Q)$(KERNEL_CC) $(VDSO_CFLAGS) -Wl,-T,kernel/arch/x86_64/vdso/vdso.ld -o $@ $<

$(O)/kernel/arch/x86_64/vdso.S.o: $(VDSO)
$(O)/kernel/arch/x86_64/vdso.S.o: KERNEL_CPPFLAGS += -DVDSO_IMAGE='"$(VDSO)"'
