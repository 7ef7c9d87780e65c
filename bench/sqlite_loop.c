/*
 * sqlite_loop SOURCE TARGET: what loading rows costs at least, by libsqlite's own interface.
 *
 * Copies every table of event rows of SOURCE (those with columns id, t, cpu in front) into the new database TARGET: a
 * prepared INSERT a row, one transaction, no journal, no synchronisation, no index. Reading is not measured: a table lies
 * in memory before its rows go in. Prints "rows N cpu_ns T".
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <time.h>

#define MAX_COLUMNS 32

struct value {
	int64_t integer;
	char *text; /* NULL: an integer */
};

struct table {
	int nr_columns;
	size_t nr_rows, capacity;
	struct value *values; /* nr_rows times nr_columns */
};

static sqlite3 *source, *target;

static void fail(sqlite3 *db, const char *what)
{
	fprintf(stderr, "sqlite_loop: %s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static void execute(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail(db, sql);
	return statement;
}

static struct value read_value(sqlite3_stmt *row, int column)
{
	struct value value = {.integer = sqlite3_column_int64(row, column)};

	if (sqlite3_column_type(row, column) == SQLITE_TEXT)
		value.text = strdup((const char *)sqlite3_column_text(row, column));
	return value;
}

static void keep_row(struct table *table, sqlite3_stmt *row)
{
	size_t columns = (size_t)table->nr_columns;

	if (table->nr_rows == table->capacity) {
		table->capacity = table->capacity ? 2 * table->capacity : 1024;
		table->values =
			realloc(table->values, table->capacity * columns * sizeof(*table->values));
	}
	if (!table->values) {
		fprintf(stderr, "sqlite_loop: out of memory\n");
		exit(1);
	}
	for (size_t i = 0; i < columns; i++)
		table->values[table->nr_rows * columns + i] = read_value(row, (int)i);
	table->nr_rows++;
}

static struct table read_table(const char *name)
{
	struct table table = {0};
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", name);
	sqlite3_stmt *rows = prepare(source, sql);
	table.nr_columns = sqlite3_column_count(rows);
	while (sqlite3_step(rows) == SQLITE_ROW)
		keep_row(&table, rows);
	sqlite3_finalize(rows);
	return table;
}

static sqlite3_stmt *prepare_insert(const char *name, int nr_columns)
{
	char sql[256];
	int length = snprintf(sql, sizeof(sql), "INSERT INTO \"%s\" VALUES(?", name);

	for (int i = 1; i < nr_columns; i++)
		length += snprintf(sql + length, sizeof(sql) - (size_t)length, ",?");
	snprintf(sql + length, sizeof(sql) - (size_t)length, ")");
	return prepare(target, sql);
}

static uint64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void bind(sqlite3_stmt *insert, int column, const struct value *value)
{
	if (value->text)
		sqlite3_bind_text(insert, column, value->text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_int64(insert, column, value->integer);
}

/* Returns the CPU time that the insertions took. */
static uint64_t insert_rows(const char *name, const struct table *table)
{
	sqlite3_stmt *insert = prepare_insert(name, table->nr_columns);
	const struct value *value = table->values;
	uint64_t begin = cpu_ns();

	for (size_t row = 0; row < table->nr_rows; row++) {
		for (int i = 1; i <= table->nr_columns; i++)
			bind(insert, i, value++);
		if (sqlite3_step(insert) != SQLITE_DONE)
			fail(target, name);
		sqlite3_reset(insert);
	}
	uint64_t end = cpu_ns();
	sqlite3_finalize(insert);
	return end - begin;
}

static void drop(struct table *table)
{
	for (size_t i = 0; i < table->nr_rows * (size_t)table->nr_columns; i++)
		free(table->values[i].text);
	free(table->values);
}

int main(int argc, char **argv)
{
	uint64_t nr_rows = 0, spent_ns = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: sqlite_loop SOURCE TARGET\n");
		return 2;
	}
	if (sqlite3_open_v2(argv[1], &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		fail(source, argv[1]);
	if (sqlite3_open(argv[2], &target) != SQLITE_OK)
		fail(target, argv[2]);
	execute(target, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");

	sqlite3_stmt *tables = prepare(
		source,
		"SELECT name, sql FROM sqlite_master m WHERE type = 'table' AND"
		" (SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(m.name)"
		" ORDER BY cid LIMIT 3)) = 'id,t,cpu'");
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		struct table table = read_table(name);

		if (table.nr_columns > MAX_COLUMNS) {
			fprintf(stderr, "sqlite_loop: %s: more than 32 columns\n", name);
			return 1;
		}
		execute(target, (const char *)sqlite3_column_text(tables, 1));
		spent_ns += insert_rows(name, &table);
		nr_rows += table.nr_rows;
		drop(&table);
	}
	sqlite3_finalize(tables);

	uint64_t begin = cpu_ns();
	execute(target, "COMMIT");
	if (sqlite3_close(target) != SQLITE_OK)
		fail(target, argv[2]);
	spent_ns += cpu_ns() - begin;
	sqlite3_close(source);
	printf("rows %" PRIu64 " cpu_ns %" PRIu64 "\n", nr_rows, spent_ns);
	return 0;
}
