/*
 * Tables written as SQLite lays them out in a file, without SQLite: rows come in the order of their rowids and are never
 * changed, so each page of a table's tree is written once, left to right, and no page is ever looked up. That costs a
 * fifth of what the library needs for an INSERT. The library makes the file and its schema before, and reads, indexes and
 * checks it afterwards; in between the file belongs to this.
 *
 * Source: "Database File Format", sqlite.org/fileformat2.html, sections 1.3 (header), 1.5 (lock-byte page), 1.6 (b-tree
 * pages) and 2.1 (records).
 */
#ifndef INGEST_BTREE_H
#define INGEST_BTREE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/ingest/db.h"

#define BTREE_PAGE_SIZE 8192
/* Columns that a row has at most, and characters of a text: a row must fit a page with room to spare. */
#define BTREE_MAX_COLUMNS 32
#define BTREE_MAX_TEXT    240

struct btree_file;
struct btree;

/* Takes over a database file of BTREE_PAGE_SIZE that nobody else has open for writing. NULL, with errno set, when it cannot. */
struct btree_file *btree_open(const char *path);
/*
 * The empty table whose root is this page. rowid_column: the column that is its INTEGER PRIMARY KEY, or -1: rows are numbered
 * from 1 then. It lives as long as the file.
 */
struct btree *btree_table(struct btree_file *file, uint32_t root, uint32_t columns,
			  int rowid_column);
/* Appends a row. A rowid column must ascend: what does not is a bug of the caller, and ends the program. */
void btree_add(struct btree *table, const struct db_value *values);
/* 0, or the errno of the first write that failed; nothing is written after it. */
int btree_error(const struct btree_file *file);
/* Completes all tables and the header; the library may have the file again. */
void btree_finish(struct btree_file *file);
/* Frees the file and its tables. NULL is allowed. */
void btree_close(struct btree_file *file);

#endif
