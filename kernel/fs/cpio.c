/*
 * cpio "newc": each member is
 *
 *   offset  size  field
 *        0     6  "070701"
 *        6     8  ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor,
 * rdevminor, namesize, check: thirteen numbers of eight hexadecimal digits 110        name,
 * namesize bytes with its terminator; zeroes up to a multiple of 4 content, filesize bytes; zeroes
 * up to a multiple of 4
 *
 * and the last one is called "TRAILER!!!".
 */
#include "fs/cpio.h"
#include "lib/string.h"

#define HEADER_SIZE 110
#define ALIGNMENT   4

/* Offsets of the fields that are used. */
static const struct {
	u32 at;
	u32 offset; /* in struct cpio_member */
} fields[] = {
	{6, offsetof(struct cpio_member, ino)},
	{14, offsetof(struct cpio_member, mode)},
	{22, offsetof(struct cpio_member, uid)},
	{30, offsetof(struct cpio_member, gid)},
	{38, offsetof(struct cpio_member, nlink)},
	{46, offsetof(struct cpio_member, mtime)},
	{54, offsetof(struct cpio_member, size)},
	{78, offsetof(struct cpio_member, rdev_major)},
	{86, offsetof(struct cpio_member, rdev_minor)},
};
#define FIELD_NAMESIZE 94

static bool read_number(const u8 *digits, u32 *number)
{
	*number = 0;
	for (u32 i = 0; i < 8; i++) {
		u8 c = digits[i];

		if (c >= '0' && c <= '9')
			c -= '0';
		else if (c >= 'a' && c <= 'f')
			c -= 'a' - 10;
		else if (c >= 'A' && c <= 'F')
			c -= 'A' - 10;
		else
			return false;
		*number = *number << 4 | c;
	}
	return true;
}

static bool read_fields(const u8 *header, struct cpio_member *member)
{
	for (u32 i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!read_number(header + fields[i].at, (u32 *)((char *)member + fields[i].offset)))
			return false;
	return true;
}

enum cpio_result cpio_next(struct cpio_reader *reader, struct cpio_member *member)
{
	const u8 *header = reader->archive + reader->at;
	u64 left = reader->size - reader->at;
	u32 name_size;

	if (left == 0)
		return CPIO_END;
	if (left < HEADER_SIZE || memcmp(header, "070701", 6) != 0 ||
	    !read_fields(header, member) || !read_number(header + FIELD_NAMESIZE, &name_size))
		return CPIO_FAULT;

	/* All numbers have 32 bits: sums in 64 bits cannot overflow. */
	u64 data_at = ALIGN_UP((u64)HEADER_SIZE + name_size, ALIGNMENT);
	if (name_size == 0 || data_at + member->size > left ||
	    header[HEADER_SIZE + name_size - 1] != '\0')
		return CPIO_FAULT;
	member->name = (const char *)header + HEADER_SIZE;
	member->data = header + data_at;
	if (strcmp(member->name, "TRAILER!!!") == 0)
		return CPIO_END;
	reader->at += min(ALIGN_UP(data_at + member->size, ALIGNMENT), left);
	return CPIO_MEMBER;
}
