#pragma once

/*
 * The few ways in which the store talks to SQLite, each turning a failure into a `struct error`. Thread: whichever owns
 * the connection.
 */

#include "base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Fills `error` from the connection's last failure and returns false. A full disk is ERROR_NO_SPACE, want of
 * memory ERROR_UNAVAILABLE. */
bool sql_failed(sqlite3 *handle, struct error *error);

/* Runs statements that answer nothing, or whose answers do not matter. */
bool sql_execute(sqlite3 *handle, const char *sql, struct error *error);
/* The first column of the first row. */
bool sql_integer(sqlite3 *handle, const char *sql, int64_t *ret, struct error *error);

/* 1: a row, 0: done, -1: failed. */
int sql_step(sqlite3_stmt *statement, struct error *error);

/* Whether the columns that were read of this row are what is in it: where memory is out, reading one answers NULL or 0, and
 * only the connection tells (sqlite3_column_blob(3)). */
bool sql_columns_good(sqlite3_stmt *statement, struct error *error);

/* A prepared statement while it is used: reset behind its user, so that it holds neither locks nor the caller's bytes.
 */
void cleanup_reset(sqlite3_stmt **statement);
#define CLEANUP_RESET __attribute__((cleanup(cleanup_reset)))
