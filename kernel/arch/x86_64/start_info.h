/* What the PVH boot protocol passes: Xen's start_info.h. Addresses are physical. */
#ifndef ARCH_START_INFO_H
#define ARCH_START_INFO_H

#include "lib/types.h"

#define START_INFO_MAGIC 0x336ec578

struct start_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp;
	u64 memory_map; /* from version 1 */
	u32 memory_map_entries;
	u32 reserved;
};

struct start_module {
	u64 start, size, cmdline, reserved;
};

struct start_memory {
	u64 start, size;
	u32 type, reserved;
};

#define MEMORY_RAM 1

#endif
