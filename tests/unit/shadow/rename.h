/*
 * Included before everything else where kernel functions of libc's names are tested: libc and the
 * sanitizers keep theirs. __builtin_NAME() in a test still means libc's.
 */
#ifndef SHADOW_RENAME_H
#define SHADOW_RENAME_H

#define memcmp    kernel_memcmp
#define strlen    kernel_strlen
#define strnlen   kernel_strnlen
#define strcmp    kernel_strcmp
#define strncmp   kernel_strncmp
#define strchr    kernel_strchr
#define snprintf  kernel_snprintf
#define vsnprintf kernel_vsnprintf

#endif
