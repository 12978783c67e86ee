#pragma once

/*
 * The one connection. Opened by store_open() on its caller's thread, then used by the store's thread alone.
 */

#include "base/error.h"
#include "store/sqlite/statements.h"

#include <sqlite3.h>
#include <stdint.h>

struct database {
  char *state_dir;
  sqlite3 *handle;
  sqlite3_stmt *statements[STATEMENT_COUNT];
  int outputs_fd;
  uint64_t outputs_bytes; /* of all files there */
  bool retention_rests;   /* a backup is made */
  int wal_frames;         /* in the write-ahead log and not in the database yet */
};

/* Opens, or makes, assay.db in `state_dir`. What cannot be used is refused and left as it is. */
bool database_open(struct database *ret, const char *state_dir, struct error *error);
/* Moves the log into the database. Accepts one that was not opened, if it is all zeros. */
void database_close(struct database *database);

/* To be held in a CLEANUP_RESET variable while it is used. */
sqlite3_stmt *database_statement(struct database *database, enum statement which);
bool database_run(struct database *database, enum statement which, struct error *error);

/* Whether the file that is open is still the one at its path. What is written to one that was removed is gone with us. */
bool database_in_place(struct database *database, struct error *error);

/* Copies the log into the database file, with its fsyncs. False: the disk failed; nothing was lost so far. */
bool database_checkpoint(struct database *database, struct error *error);

/* After the disk failed: closing will not touch the files again, so that what is in the log stays for the recovery. */
void database_give_up(struct database *database);

/* inspect.c: whether an existing file may be opened. It reads, and changes nothing, whatever it finds. */
bool database_inspect(const char *path, struct error *error);
