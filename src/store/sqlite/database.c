#include "store/sqlite/database.h"

#include "base/fd.h"
#include "base/memory.h"
#include "store/sqlite/files.h"
#include "store/sqlite/retention.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * locking_mode, before journal_mode: with an exclusive lock the index of the write-ahead log lives on the heap and not
 * in a shared mapping (assay.db-shm), which could end the daemon with SIGBUS on a full disk; and SQLite's WAL-reset bug
 *   (https://sqlite.org/wal.html#walresetbug) needs a second connection, which cannot be.
 * synchronous FULL: one fsync a commit, before COMMIT returns. Without it a commit is not durable.
 * wal_autocheckpoint 0: the store says when, so that those fsyncs are not between a commit and its callbacks.
 * mmap_size 0, cache_size 2 MiB: an idle daemon stays small, and an I/O error is an error and not a SIGBUS.
 * journal_size_limit: a log that one huge transaction blew up is cut again at its next use.
 * secure_delete FAST: a deleted plan is overwritten where that costs no write of its own.
 */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA journal_size_limit = 33554432;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA cache_size = -2048;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA secure_delete = FAST;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA trusted_schema = OFF;";

static const char *const statement_sql[] = {
#define X(name, sql) [STATEMENT_##name] = (sql),
  STATEMENTS(X)
#undef X
};

static bool open_handle(const char *path, sqlite3 **ret, struct error *error)
{
  /* NOMUTEX: one thread at a time uses it, so it needs no lock of its own. */
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  if (sqlite3_open_v2(path, ret, flags, 0) != SQLITE_OK || !sql_execute(*ret, settings, error))
    return sql_failed(*ret, error);
  return true;
}

static bool fill_new(const char *path, struct error *error)
{
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_errno(error, "cannot create");
  char application_id[64];
  snprintf(application_id, sizeof application_id, "PRAGMA application_id = %d", SCHEMA_APPLICATION_ID);
  sqlite3 *handle = 0;
  bool filled =
    open_handle(path, &handle, error) && sql_execute(handle, application_id, error) && schema_migrate(handle, error);
  /* Closing would do the same, and keep quiet when it fails. */
  if (filled && sqlite3_wal_checkpoint_v2(handle, 0, SQLITE_CHECKPOINT_TRUNCATE, 0, 0) != SQLITE_OK)
    filled = sql_failed(handle, error);
  sqlite3_close(handle);
  return filled;
}

/* What a daemon that died here left. A journal of its would be applied to the next file of that name. */
static void remove_half_made(const char *path)
{
  static const char *const suffixes[] = {"", "-wal", "-journal"};
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    CLEANUP_FREE char *left = xasprintf("%s%s", path, suffixes[i]);
    unlink(left);
  }
}

/* A new database gets its name when it is whole, so that whatever bears the name and is not whole is damaged. */
static bool create(const char *state_dir, const char *path, struct error *error)
{
  CLEANUP_FREE char *half_made = xasprintf("%s.new", path);
  remove_half_made(half_made);
  CLEANUP_FD int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return error_errno(error, "cannot open directory %s", state_dir);
  if (!fill_new(half_made, error))
    return error_wrap(error, "cannot make %s", half_made);
  if (rename(half_made, path) < 0 || fsync(directory) < 0)
    return error_errno(error, "cannot make %s", path);
  return true;
}

static bool prepare_statements(struct database *database, struct error *error)
{
  for (int i = 0; i < STATEMENT_COUNT; i++)
    if (sqlite3_prepare_v3(database->handle, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &database->statements[i],
                           0) != SQLITE_OK)
      return sql_failed(database->handle, error);
  return true;
}

/* SQLite does not call it an error when it cannot have the journal that was asked for. */
static bool check_journal(sqlite3 *handle, struct error *error)
{
  sqlite3_stmt *statement = 0;
  bool read = sqlite3_prepare_v2(handle, "PRAGMA journal_mode", -1, &statement, 0) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
  const char *mode = read ? (const char *)sqlite3_column_text(statement, 0) : 0;
  bool good = mode && !strcmp(mode, "wal");
  if (!mode)
    sql_failed(handle, error);
  else if (!good)
    error_set(error, ERROR_INTERNAL, 0, "this file system does not allow a write-ahead log");
  sqlite3_finalize(statement);
  return good;
}

static int log_grew(void *context, sqlite3 *handle, const char *name, int frames)
{
  (void)handle;
  (void)name;
  struct database *database = context;
  database->wal_frames = frames;
  return SQLITE_OK;
}

static bool connect_to(struct database *database, const char *path, struct error *error)
{
  if (!open_handle(path, &database->handle, error) || !check_journal(database->handle, error) ||
      !schema_migrate(database->handle, error) || !prepare_statements(database, error))
    return error_wrap(error, "cannot open %s", path);
  sqlite3_wal_hook(database->handle, log_grew, database);
  return true;
}

bool database_open(struct database *ret, const char *state_dir, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/assay.db", state_dir);
  struct stat status;
  bool exists = lstat(path, &status) == 0;
  if (!exists && errno != ENOENT)
    return error_errno(error, "cannot stat %s", path);
  if (exists ? !database_inspect(path, error) : !create(state_dir, path, error))
    return false;
  *ret = (struct database){.state_dir = xstrdup(state_dir), .outputs_fd = files_open(state_dir, error)};
  if (ret->outputs_fd >= 0 && connect_to(ret, path, error)) {
    retention_take_stock(ret);
    return true;
  }
  database_close(ret);
  return false;
}

void database_close(struct database *database)
{
  for (int i = 0; i < STATEMENT_COUNT; i++)
    sqlite3_finalize(database->statements[i]);
  sqlite3_close(database->handle);
  if (database->state_dir)
    fd_close(database->outputs_fd);
  free(database->state_dir);
  *database = (struct database){.outputs_fd = -1};
}

sqlite3_stmt *database_statement(struct database *database, enum statement which)
{
  return database->statements[which];
}

bool database_run(struct database *database, enum statement which, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, which);
  return sql_step(statement, error) >= 0;
}

bool database_in_place(struct database *database, struct error *error)
{
  int moved = 0;
  sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return !moved || error_set(error, ERROR_INTERNAL, 0, "assay.db was removed or replaced while it was in use");
}

bool database_checkpoint(struct database *database, struct error *error)
{
  database->wal_frames = 0;
  /* PASSIVE takes all frames, since nobody else reads; the next commit begins the log anew. */
  return sqlite3_wal_checkpoint_v2(database->handle, 0, SQLITE_CHECKPOINT_PASSIVE, 0, 0) == SQLITE_OK ||
         sql_failed(database->handle, error);
}

void database_give_up(struct database *database)
{
  sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, 0);
}
