/* Fixed-width names, bounds and the few compiler helpers that every layer uses. */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 phys_addr_t; /* a byte address of physical memory */
typedef u32 pfn_t;       /* phys >> PAGE_SHIFT; 32 bits reach 16 TiB */

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define ALIGN_UP(x, a)   (((x) + ((a)-1)) & ~((typeof(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define PAGE_ALIGN(x)    ALIGN_UP(x, PAGE_SIZE)
#define BIT(n)           (1ul << (n))
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define KIB              (1ul << 10)
#define MIB              (1ul << 20)

#define NSEC_PER_SEC  1000000000ul
#define NSEC_PER_MSEC 1000000ul
#define NSEC_PER_USEC 1000ul
#define USEC_PER_SEC  1000000ul

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* The macro arguments are evaluated once. */
#define min(a, b)                                  \
	({                                         \
		typeof(a) min_a_ = (a);            \
		typeof(b) min_b_ = (b);            \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define max(a, b)                                  \
	({                                         \
		typeof(a) max_a_ = (a);            \
		typeof(b) max_b_ = (b);            \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define barrier()        __asm__ volatile("" ::: "memory")

#define __packed       __attribute__((packed))
#define __aligned(n)   __attribute__((aligned(n)))
#define __noreturn     __attribute__((noreturn))
#define __must_check   __attribute__((warn_unused_result))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __noinline     __attribute__((noinline))
#define __user         /* a pointer that a program gave: only uaccess.h may follow it */
#define static_assert _Static_assert

#endif
