#include "trace/ingest/btree.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Places in the file's header. */
#define HEADER_CHANGE_COUNTER 24
#define HEADER_NR_PAGES       28
#define HEADER_VALID_FOR      92
#define HEADER_SIZE           100

#define PAGE_INTERIOR 0x05
#define PAGE_LEAF     0x0d
#define LEAF_HEAD     8
#define INTERIOR_HEAD 12
#define MAX_VARINT    9
/* The page that holds the byte which locks are taken on stays unused. */
#define LOCK_PAGE         (0x40000000 / BTREE_PAGE_SIZE + 1)
#define MAX_TYPES         (BTREE_MAX_COLUMNS * 2) /* a type is one byte, a text's may be two */
#define MAX_BODY          (BTREE_MAX_COLUMNS * BTREE_MAX_TEXT)
#define MAX_RECORD        (1 + MAX_TYPES + MAX_BODY)
#define MAX_CELL          (2 * MAX_VARINT + MAX_RECORD)
#define MAX_INTERIOR_CELL (4 + MAX_VARINT)
#define MAX_LEVELS        12 /* of interior pages: more than 2^32 pages need */
#define TAIL_SIZE         (16 * BTREE_PAGE_SIZE)

/* A page being filled: cells from its end downwards, their places upwards behind the head. */
struct page {
	uint8_t bytes[BTREE_PAGE_SIZE];
	uint32_t head; /* bytes of it */
	uint32_t nr_cells, content;
};

/* Interior pages of one distance from the leaves. The last two children have no cell yet: one of them becomes the right-most
 * of its page, and no page may be without a cell. */
struct level {
	struct page page;
	uint32_t nr_waiting;
	struct child {
		uint32_t page;
		int64_t key; /* the highest rowid below it */
	} waiting[2];
};

struct btree {
	struct btree_file *file;
	struct btree *next;
	uint32_t root, columns;
	int rowid_column;
	int64_t rowid; /* of the last row */
	struct page leaf;
	struct level *levels[MAX_LEVELS]; /* NULL: no page of the level below is full yet */
};

struct btree_file {
	int fd, error;
	uint32_t nr_pages;  /* of the file, with those that wait in `tail` */
	uint32_t tail_page; /* number of the first page that waits */
	uint32_t tail_bytes;
	struct btree *tables;
	uint8_t tail[TAIL_SIZE];
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return __builtin_bswap32(value);
}

/* Seven bits to a byte, the highest first; a ninth byte has eight. Returns where it ends. */
static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	uint8_t reversed[MAX_VARINT];
	int n = 0;

	if (value >> 56) {
		for (int i = 0; i < 8; i++)
			at[i] = (uint8_t)(value >> (57 - 7 * i) & 0x7f) | 0x80;
		at[8] = (uint8_t)value;
		return at + MAX_VARINT;
	}
	do {
		reversed[n++] = (uint8_t)(value & 0x7f) | 0x80;
		value >>= 7;
	} while (value);
	reversed[0] &= 0x7f;
	while (n > 0)
		*at++ = reversed[--n];
	return at;
}

/* ---- the file ---- */

static void write_at(struct btree_file *file, const void *bytes, size_t size, off_t offset)
{
	const uint8_t *at = bytes;

	while (size && !file->error) {
		ssize_t written = pwrite(file->fd, at, size, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			file->error = written < 0 ? errno : ENOSPC;
			return;
		}
		at += written;
		size -= (size_t)written;
		offset += written;
	}
}

static void write_tail(struct btree_file *file)
{
	write_at(file, file->tail, file->tail_bytes,
		 (off_t)(file->tail_page - 1) * BTREE_PAGE_SIZE);
	file->tail_bytes = 0;
}

/* Appends a page; returns its number. */
static uint32_t append(struct btree_file *file, const struct page *page)
{
	if (file->nr_pages + 1 == LOCK_PAGE) {
		write_tail(file);
		file->nr_pages++;
	}
	if (file->tail_bytes == TAIL_SIZE)
		write_tail(file);
	file->nr_pages++;
	if (file->tail_bytes == 0)
		file->tail_page = file->nr_pages;
	memcpy(file->tail + file->tail_bytes, page->bytes, BTREE_PAGE_SIZE);
	file->tail_bytes += BTREE_PAGE_SIZE;
	return file->nr_pages;
}

struct btree_file *btree_open(const char *path)
{
	struct btree_file *file;
	struct stat status;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) != 0) {
		close(fd);
		return NULL;
	}
	file = xcalloc(1, sizeof(*file));
	file->fd = fd;
	file->nr_pages = (uint32_t)(status.st_size / BTREE_PAGE_SIZE);
	return file;
}

int btree_error(const struct btree_file *file)
{
	return file->error;
}

/* ---- pages ---- */

static void page_begin(struct page *page, uint8_t type)
{
	page->head = type == PAGE_LEAF ? LEAF_HEAD : INTERIOR_HEAD;
	memset(page->bytes, 0, sizeof(page->bytes));
	page->bytes[0] = type;
	page->nr_cells = 0;
	page->content = BTREE_PAGE_SIZE;
}

static bool page_has_room(const struct page *page, uint32_t size)
{
	return page->head + 2 * (page->nr_cells + 1) + size <= page->content;
}

static void page_add(struct page *page, const uint8_t *cell, uint32_t size)
{
	page->content -= size;
	memcpy(page->bytes + page->content, cell, size);
	put16(page->bytes + page->head + 2 * page->nr_cells++, page->content);
}

static void page_end(struct page *page)
{
	put16(page->bytes + 3, page->nr_cells);
	put16(page->bytes + 5, page->content);
}

static void add_child(struct page *page, const struct child *child)
{
	uint8_t cell[MAX_INTERIOR_CELL];

	put32(cell, child->page);
	page_add(page, cell, (uint32_t)(put_varint(cell + 4, (uint64_t)child->key) - cell));
}

static void end_interior(struct page *page, const struct child *rightmost)
{
	put32(page->bytes + 8, rightmost->page);
	page_end(page);
}

/* Counts a page in among the children of the n-th level. A page is closed while it has room for one cell more, which the last page
 * of a level needs. */
static void add_to_level(struct btree *table, uint32_t n, uint32_t page, int64_t key)
{
	struct level *level = table->levels[n];

	assert(n < MAX_LEVELS);
	if (!level) {
		level = table->levels[n] = xcalloc(1, sizeof(*level));
		page_begin(&level->page, PAGE_INTERIOR);
	}
	if (level->nr_waiting == 2) {
		struct child *first = &level->waiting[0];

		if (page_has_room(&level->page, 2 * MAX_INTERIOR_CELL + 2)) {
			add_child(&level->page, first);
		} else {
			end_interior(&level->page, first);
			add_to_level(table, n + 1, append(table->file, &level->page), first->key);
			page_begin(&level->page, PAGE_INTERIOR);
		}
		level->waiting[0] = level->waiting[1];
		level->nr_waiting = 1;
	}
	level->waiting[level->nr_waiting++] = (struct child){page, key};
}

static void end_level(struct level *level)
{
	assert(level->nr_waiting == 2);
	add_child(&level->page, &level->waiting[0]);
	end_interior(&level->page, &level->waiting[1]);
}

/* ---- rows ---- */

struct btree *btree_table(struct btree_file *file, uint32_t root, uint32_t columns,
			  int rowid_column)
{
	struct btree *table = xcalloc(1, sizeof(*table));

	assert(columns <= BTREE_MAX_COLUMNS && rowid_column < (int)columns);
	table->file = file;
	table->root = root;
	table->columns = columns;
	table->rowid_column = rowid_column;
	page_begin(&table->leaf, PAGE_LEAF);
	table->next = file->tables;
	file->tables = table;
	return table;
}

/* The bytes that an integer takes in a record, and in *type what its header calls that. */
static uint32_t integer_size(int64_t value, uint8_t *type)
{
	/* Twice the magnitude: its highest bit tells the size, the sign included. */
	uint64_t twice = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
	uint32_t size;

	if (twice <= 2 && value >= 0) {
		*type = value ? 9 : 8;
		return 0;
	}
	size = (63 - (uint32_t)__builtin_clzll(twice | 1)) / 8 + 1;
	if (size == 5)
		size = 6;
	else if (size == 7)
		size = 8;
	*type = size == 8 ? 6 : size == 6 ? 5 : (uint8_t)size;
	return size;
}

/* Writes value in `size` bytes, the highest first; up to 8 bytes behind `at` are clobbered. */
static uint8_t *put_integer(uint8_t *at, int64_t value, uint32_t size)
{
	uint64_t swapped = size ? __builtin_bswap64((uint64_t)value << (64 - 8 * size)) : 0;

	memcpy(at, &swapped, sizeof(swapped));
	return at + size;
}

/* The row as a record: sizes and types of all values, then the values. Returns its size. */
static uint32_t make_record(uint8_t *record, const struct db_value *values, uint32_t columns,
			    int rowid_column)
{
	uint8_t body[MAX_BODY + 8], *at = body, *head = record + 1;

	for (uint32_t i = 0; i < columns; i++) {
		const struct db_value *value = &values[i];
		size_t length;

		switch ((int)i == rowid_column ? DB_NULL : value->kind) {
		case DB_NULL: /* a rowid stands in the cell alone */
			*head++ = 0;
			break;
		case DB_INT:
			at = put_integer(at, value->number, integer_size(value->number, head++));
			break;
		case DB_TEXT:
			length = strlen(value->text);
			assert(length <= BTREE_MAX_TEXT);
			head = put_varint(head, 13 + 2 * length);
			memcpy(at, value->text, length);
			at += length;
			break;
		}
	}
	record[0] = (uint8_t)(head - record);
	memcpy(head, body, (size_t)(at - body));
	return (uint32_t)(head - record + (at - body));
}

void btree_add(struct btree *table, const struct db_value *values)
{
	uint8_t record[MAX_RECORD], cell[MAX_CELL], *at;
	int64_t rowid =
		table->rowid_column < 0 ? table->rowid + 1 : values[table->rowid_column].number;
	uint32_t size = make_record(record, values, table->columns, table->rowid_column);

	assert(table->rowid == 0 || rowid > table->rowid);
	at = put_varint(put_varint(cell, size), (uint64_t)rowid);
	memcpy(at, record, size);
	size += (uint32_t)(at - cell);
	if (!page_has_room(&table->leaf, size)) {
		page_end(&table->leaf);
		add_to_level(table, 0, append(table->file, &table->leaf), table->rowid);
		page_begin(&table->leaf, PAGE_LEAF);
	}
	page_add(&table->leaf, cell, size);
	table->rowid = rowid;
}

/* ---- the end ---- */

/* The highest page takes the place of the root; what is below is appended. */
static void end_table(struct btree *table)
{
	struct btree_file *file = table->file;
	struct page *top = &table->leaf;
	int64_t key = table->rowid;

	page_end(top);
	for (uint32_t n = 0; table->levels[n]; n++) {
		struct level *level = table->levels[n];

		add_to_level(table, n, append(file, top), key);
		end_level(level);
		top = &level->page;
		key = level->waiting[1].key;
	}
	write_at(file, top->bytes, BTREE_PAGE_SIZE, (off_t)(table->root - 1) * BTREE_PAGE_SIZE);
}

/* How many pages there are; and a counter tells who has the file open that it changed. */
static void write_header(struct btree_file *file)
{
	uint8_t header[HEADER_SIZE];
	uint32_t counter;

	if (file->error)
		return;
	if (pread(file->fd, header, sizeof(header), 0) != sizeof(header)) {
		file->error = EIO;
		return;
	}
	counter = get32(header + HEADER_CHANGE_COUNTER) + 1;
	put32(header + HEADER_CHANGE_COUNTER, counter);
	put32(header + HEADER_VALID_FOR, counter);
	put32(header + HEADER_NR_PAGES, file->nr_pages);
	write_at(file, header, sizeof(header), 0);
}

void btree_finish(struct btree_file *file)
{
	for (struct btree *table = file->tables; table; table = table->next)
		end_table(table);
	write_tail(file);
	write_header(file);
}

void btree_close(struct btree_file *file)
{
	if (!file)
		return;
	while (file->tables) {
		struct btree *table = file->tables;

		file->tables = table->next;
		for (uint32_t n = 0; n < MAX_LEVELS; n++)
			free(table->levels[n]);
		free(table);
	}
	close(file->fd);
	free(file);
}
