/*
 * Tables laid out by btree.c, read back by the library: every row as it was given, and a file that the library's own check
 * finds whole.
 */
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ingest/check.h"
#include "trace/ingest/btree.h"

#define NR_WIDE 32
/* Wide rows fill leaves so fast that the tree gets two levels of interior pages. */
#define NR_WIDE_ROWS   3000
#define NR_NARROW_ROWS 200000
/* The lock-byte page: the one with byte 2^30. */
#define LOCK_PAGE (0x40000000 / BTREE_PAGE_SIZE + 1)

static char path[4200];

static sqlite3 *library(void)
{
	sqlite3 *handle;

	CHECK(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
	      SQLITE_OK);
	return handle;
}

static void exec(const char *sql)
{
	sqlite3 *handle = library();

	if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(handle));
	sqlite3_close(handle);
}

static void begin(const char *dir, const char *schema)
{
	snprintf(path, sizeof(path), "%s/btree.db", dir);
	unlink(path);
	exec("PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; CREATE TABLE first(x INTEGER) "
	     "STRICT;");
	exec(schema);
}

static struct btree *table(struct btree_file *file, const char *name, uint32_t columns, int rowid)
{
	sqlite3 *handle = library();
	sqlite3_stmt *find;
	struct btree *found;

	CHECK(sqlite3_prepare_v2(handle, "SELECT rootpage FROM sqlite_schema WHERE name = ?", -1,
				 &find, NULL) == SQLITE_OK);
	sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
	CHECK(sqlite3_step(find) == SQLITE_ROW);
	found = btree_table(file, (uint32_t)sqlite3_column_int64(find, 0), columns, rowid);
	sqlite3_finalize(find);
	sqlite3_close(handle);
	return found;
}

static void finish(struct btree_file *file)
{
	btree_finish(file);
	CHECK(btree_error(file) == 0);
	btree_close(file);
}

static void integrity(void)
{
	sqlite3 *handle = library();
	sqlite3_stmt *check;

	CHECK(sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &check, NULL) == SQLITE_OK);
	CHECK(sqlite3_step(check) == SQLITE_ROW);
	if (strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
		die("integrity_check: %s", sqlite3_column_text(check, 0));
	sqlite3_finalize(check);
	sqlite3_close(handle);
}

/* Every size of integer and both sides of its limits, by number. */
static int64_t number(uint32_t n)
{
	int64_t power = (int64_t)(UINT64_C(1) << n / 6 % 64);

	switch (n % 6) {
	case 0:
		return (int64_t)((uint64_t)power - 1);
	case 1:
		return power;
	case 2:
		return (int64_t) - (uint64_t)power;
	case 3:
		return (int64_t)(-(uint64_t)power - 1);
	case 4:
		return n;
	default:
		return (int64_t)(n * UINT64_C(0x9e3779b97f4a7c15));
	}
}

static void test_narrow(const char *dir)
{
	static const char *const texts[] = {
		"", "a", "kswapd0",
		"a text of one hundred and twenty-eight characters is the longest that a row may "
		"have, so here is one that has exactly that many."};
	struct btree_file *file;
	struct btree *rows, *empty;
	sqlite3_stmt *read;
	sqlite3 *handle;
	char text[BTREE_MAX_TEXT + 1];

	begin(dir, "CREATE TABLE rows(id INTEGER PRIMARY KEY, number INTEGER NOT NULL, text TEXT) "
		   "STRICT;"
		   "CREATE TABLE empty(x INTEGER) STRICT");
	file = btree_open(path);
	CHECK(file);
	rows = table(file, "rows", 3, 0);
	empty = table(file, "empty", 1, -1);
	CHECK(empty);
	for (uint32_t n = 1; n <= NR_NARROW_ROWS; n++) {
		snprintf(text, sizeof(text), "%.*s", BTREE_MAX_TEXT, texts[n % 4]);
		btree_add(rows, (struct db_value[]){INT(3 * (int64_t)n), INT(number(n)),
						    n % 5 ? TEXT(text) : NIL});
	}
	finish(file);
	integrity();
	handle = library();
	CHECK(sqlite3_prepare_v2(handle, "SELECT id, number, text FROM rows ORDER BY id", -1, &read,
				 NULL) == SQLITE_OK);
	for (uint32_t n = 1; n <= NR_NARROW_ROWS; n++) {
		const char *found;

		CHECK(sqlite3_step(read) == SQLITE_ROW);
		CHECK(sqlite3_column_int64(read, 0) == 3 * (int64_t)n);
		CHECK(sqlite3_column_int64(read, 1) == number(n));
		found = (const char *)sqlite3_column_text(read, 2);
		CHECK(n % 5 ? found && strncmp(found, texts[n % 4], BTREE_MAX_TEXT) == 0 : !found);
	}
	CHECK(sqlite3_step(read) == SQLITE_DONE);
	sqlite3_finalize(read);
	sqlite3_close(handle);
	exec("INSERT INTO rows(number) VALUES (1); INSERT INTO empty VALUES (1);"
	     "CREATE INDEX by_number ON rows(number); DELETE FROM rows WHERE id % 2");
	integrity();
}

static void make_wide(struct db_value *values, char texts[NR_WIDE][BTREE_MAX_TEXT + 1], uint32_t n)
{
	for (uint32_t i = 0; i < NR_WIDE; i++) {
		snprintf(texts[i], BTREE_MAX_TEXT + 1, "%0*u", BTREE_MAX_TEXT, n * NR_WIDE + i);
		values[i] = TEXT(texts[i]);
	}
}

/* Adds wide rows and reads back the first and last column of each. */
static void write_and_read_wide(uint32_t nr_before)
{
	static char texts[NR_WIDE][BTREE_MAX_TEXT + 1];
	struct db_value values[NR_WIDE];
	struct btree_file *file;
	struct btree *wide;
	sqlite3_stmt *read;
	sqlite3 *handle;

	if (nr_before)
		CHECK(truncate(path, (off_t)nr_before * BTREE_PAGE_SIZE) == 0);
	file = btree_open(path);
	CHECK(file);
	wide = table(file, "wide", NR_WIDE, -1);
	for (uint32_t n = 1; n <= NR_WIDE_ROWS; n++) {
		make_wide(values, texts, n);
		btree_add(wide, values);
	}
	finish(file);
	handle = library();
	CHECK(sqlite3_prepare_v2(handle, "SELECT rowid, c0, c31 FROM wide", -1, &read, NULL) ==
	      SQLITE_OK);
	for (uint32_t n = 1; n <= NR_WIDE_ROWS; n++) {
		make_wide(values, texts, n);
		CHECK(sqlite3_step(read) == SQLITE_ROW);
		CHECK(sqlite3_column_int64(read, 0) == n);
		CHECK(strcmp((const char *)sqlite3_column_text(read, 1), texts[0]) == 0);
		CHECK(strcmp((const char *)sqlite3_column_text(read, 2), texts[NR_WIDE - 1]) == 0);
	}
	CHECK(sqlite3_step(read) == SQLITE_DONE);
	sqlite3_finalize(read);
	sqlite3_close(handle);
}

static void begin_wide(const char *dir)
{
	char schema[NR_WIDE * 16 + 64] = "CREATE TABLE wide(c0 TEXT";

	for (int i = 1; i < NR_WIDE; i++)
		sprintf(schema + strlen(schema), ", c%d TEXT", i);
	strcat(schema, ") STRICT");
	begin(dir, schema);
}

static void test_deep(const char *dir)
{
	begin_wide(dir);
	write_and_read_wide(0);
	integrity();
}

/* The file is sparse: what precedes the lock-byte page was never written. */
static void test_lock_page(const char *dir)
{
	struct stat status;
	uint8_t page[BTREE_PAGE_SIZE], zeroes[BTREE_PAGE_SIZE] = {0};
	FILE *file;

	begin_wide(dir);
	write_and_read_wide(LOCK_PAGE - 5);
	CHECK(stat(path, &status) == 0 && status.st_size > (off_t)LOCK_PAGE * BTREE_PAGE_SIZE);
	file = open_in(dir, "btree.db", "r");
	CHECK(fseeko(file, (off_t)(LOCK_PAGE - 1) * BTREE_PAGE_SIZE, SEEK_SET) == 0);
	CHECK(fread(page, sizeof(page), 1, file) == 1);
	CHECK(memcmp(page, zeroes, sizeof(page)) == 0);
	fclose(file);
}

static void test_full_disk(const char *dir)
{
	struct btree_file *file;
	struct btree *rows;

	(void)dir;
	file = btree_open("/dev/full");
	CHECK(file);
	rows = btree_table(file, 1, 1, -1);
	btree_add(rows, (struct db_value[]){INT(1)});
	btree_finish(file);
	CHECK(btree_error(file) != 0);
	btree_close(file);
}

const struct test btree_tests[] = {
	{"pages: rows come back from the library", test_narrow},
	{"pages: two levels above the leaves", test_deep},
	{"pages: the lock-byte page stays unused", test_lock_page},
	{"pages: a full disk", test_full_disk},
	{NULL, NULL},
};
