#include "base/fd.h"
#include "base/limits.h"
#include "base/memory.h"
#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sql.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Before the database is opened in earnest (which writes: recovery, migrations, a checkpoint), it is looked at in ways
 * that cannot write, so that one that is refused stays as it is, byte for byte, for whoever wants to save it.
 *
 * A check of everything reads the whole file: seconds for a large one, at each start, also at the one after a kill -9,
 * which is no reason for suspicion: the write-ahead log with its checksums is made for that. So a small database is
 * checked whole; of a large one only the header, the length, the tables' definitions, and everything that recovery
 * will act on (what is open, the plans). Damage elsewhere shows when it is read: the store fails then, and says so.
 * `sqlite3 assay.db 'PRAGMA integrity_check'` checks all, while no daemon runs.
 */
#define CHECKED_WHOLE_BYTES_MAX MIB(16) /* a tenth of a second */

/* https://sqlite.org/fileformat.html#the_database_header, and #the_wal_file_format */
enum { HEADER_SIZE = 100, APPLICATION_ID_OFFSET = 68, LOG_HEADER_SIZE = 32 };
static const char header_magic[16] = "SQLite format 3";
static const uint32_t log_magic = 0x377f0682; /* the lowest bit says the byte order of the checksums */

static uint32_t big_endian(const unsigned char *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool refuse(struct error *error, const char *path, const char *what)
{
  return error_set(error, ERROR_CONFLICT, 0,
                   "%s %s; nothing was changed: put back a good copy of it and of its -wal file, or move both away to "
                   "start with an empty store",
                   path, what);
}

static bool refuse_damaged(struct error *error, const char *path, const char *how)
{
  CLEANUP_FREE char *what = xasprintf("is damaged (%s)", how);
  return refuse(error, path, what);
}

/* What SQLite cannot read is damaged; but where memory is out, nothing is known of it. */
static bool refuse_unreadable(struct error *error, const char *path, const struct error *cause)
{
  if (cause->kind == ERROR_UNAVAILABLE)
    return error_set(error, cause->kind, cause->code, "cannot look into %s: %.300s", path, cause->message);
  return refuse_damaged(error, path, cause->message);
}

static bool check_header(const char *path, uint64_t *ret_size, struct error *error)
{
  CLEANUP_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_errno(error, "cannot open %s", path);
  unsigned char header[HEADER_SIZE];
  if (!S_ISREG(status.st_mode) || !fd_read_all(fd, header, sizeof header) ||
      memcmp(header, header_magic, sizeof header_magic) != 0)
    return refuse(error, path, "is not a database");
  if (big_endian(header + APPLICATION_ID_OFFSET) != SCHEMA_APPLICATION_ID)
    return refuse(error, path, "is a database of another program");
  *ret_size = (uint64_t)status.st_size;
  return true;
}

/*
 * SQLite takes a log with a header that it does not know for an empty one, and writes over it. What is in there was
 * acknowledged. All zeros are left by a crash at the log's very first write, and mean empty indeed.
 */
static bool check_log(const char *path, bool *ret_present, struct error *error)
{
  CLEANUP_FREE char *log = xasprintf("%s-wal", path);
  CLEANUP_FD int fd = open(log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno != ENOENT)
    return error_errno(error, "cannot open %s", log);
  unsigned char header[LOG_HEADER_SIZE];
  *ret_present = fd >= 0 && fd_read_all(fd, header, sizeof header);
  if (!*ret_present)
    return true;
  uint32_t magic = big_endian(header);
  if (magic && (magic & ~1u) != log_magic)
    return refuse(error, log, "is not a write-ahead log");
  return true;
}

/* "file:" with every byte escaped that could mean something in a URI. */
static char *immutable_uri(const char *path)
{
  struct buffer uri = {0};
  buffer_puts(&uri, "file:");
  for (const char *c = path; *c; c++) {
    if (isalnum((unsigned char)*c) || strchr("/._-", *c))
      buffer_append(&uri, c, 1);
    else
      buffer_printf(&uri, "%%%02x", (unsigned char)*c);
  }
  buffer_puts(&uri, "?immutable=1");
  return buffer_take(&uri, 0);
}

/*
 * Without a log: as an immutable file, which SQLite only reads. With one: with its recovery, which builds an index in
 * memory, and without the checkpoint that closing would do.
 */
static bool open_to_look(const char *path, bool log_present, sqlite3 **ret, struct error *error)
{
  CLEANUP_FREE char *uri = immutable_uri(path);
  int opened = log_present ? sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, 0)
                           : sqlite3_open_v2(uri, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, 0);
  if (opened != SQLITE_OK || sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, 0) != SQLITE_OK)
    return sql_failed(*ret, error);
  return sql_execute(*ret, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON; PRAGMA cell_size_check = ON",
                     error);
}

static bool check_version(sqlite3 *handle, const char *path, struct error *error)
{
  int64_t version;
  struct error cause;
  if (!sql_integer(handle, "PRAGMA user_version", &version, &cause) ||
      !sql_execute(handle, "SELECT count(*) FROM sqlite_schema", &cause))
    return refuse_unreadable(error, path, &cause);
  if (version > schema_version_newest())
    return error_set(
      error, ERROR_CONFLICT, 0,
      "%s was written by a newer version of Assay (tables of version %lld, this one knows %d); nothing was "
      "changed: start the newer version, or give another state directory",
      path, (long long)version, schema_version_newest());
  return version > 0 || refuse_damaged(error, path, "no version");
}

/*
 * A page that was not read for want of memory is told like one that is broken: with SQLITE_NOMEM as the code; or, where it is
 * one of an overflow chain, without a code (SQLite's btree.c, checkList()). The latter may have been the disk too, but never what
 * stands in the file: a number that no page has is told in other words.
 */
static bool was_not_read(const char *answer)
{
  static const char code[] = "error code=7";
  const char *found = strstr(answer, code);
  return (found && (found[sizeof code - 1] < '0' || found[sizeof code - 1] > '9')) ||
         strstr(answer, "failed to get page");
}

static bool check_pages(sqlite3 *handle, const char *path, uint64_t size, struct error *error)
{
  const char *check = size <= CHECKED_WHOLE_BYTES_MAX ? "PRAGMA quick_check(1)" : "PRAGMA quick_check(plans)";
  sqlite3_stmt *statement = 0;
  struct error cause;
  bool good = false;
  if (sqlite3_prepare_v2(handle, check, -1, &statement, 0) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW) {
    sql_failed(handle, &cause);
    refuse_unreadable(error, path, &cause);
  } else {
    const char *answer = (const char *)sqlite3_column_text(statement, 0);
    if (!sql_columns_good(statement, &cause))
      refuse_unreadable(error, path, &cause);
    else if (answer && was_not_read(answer))
      error_set(error, ERROR_UNAVAILABLE, 0, "cannot look into %s, for want of memory: %.300s", path, answer);
    else
      good = (answer && !strcmp(answer, "ok")) || refuse_damaged(error, path, answer ? answer : "no answer");
  }
  sqlite3_finalize(statement);
  return good;
}

static bool check_open_ones(sqlite3 *handle, const char *path, struct error *error)
{
  int64_t sum;
  struct error cause;
  return sql_integer(handle, "SELECT total(length(labels) + attempt) FROM evaluations WHERE verdict IS NULL", &sum,
                     &cause) ||
         refuse_unreadable(error, path, &cause);
}

static bool check_contents(sqlite3 *handle, const char *path, uint64_t size, struct error *error)
{
  return check_version(handle, path, error) && check_pages(handle, path, size, error) &&
         check_open_ones(handle, path, error);
}

bool database_inspect(const char *path, struct error *error)
{
  uint64_t size = 0;
  bool log_present = false;
  if (!check_header(path, &size, error) || !check_log(path, &log_present, error))
    return false;
  sqlite3 *handle = 0;
  bool opened = open_to_look(path, log_present, &handle, error);
  if (!opened)
    error_wrap(error, "cannot open %s", path);
  bool good = opened && check_contents(handle, path, size, error);
  sqlite3_close(handle);
  return good;
}
