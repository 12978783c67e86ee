#include "store/sqlite/backup.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/memory.h"
#include "store/sqlite/sql.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
  STEP_PAGES = 64, /* 256 KiB */
  STEP_FILES = 64,
};
/* What must be left of the disk for those who are served meanwhile. */
#define FREE_BYTES_LEFT MIB(128)

struct backup {
  struct database *database;
  char *path, *unfinished;
  sqlite3 *target;
  sqlite3_backup *copying; /* NULL: all pages are there */
  int target_fd;           /* the same file as `target` */
  DIR *files;              /* of outputs/; NULL: not yet */
  int files_fd;            /* of the copy */
  bool whole;
};

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *position)
{
  (void)status;
  (void)flag;
  (void)position;
  return remove(path);
}

static void remove_tree(const char *path)
{
  enum { DESCRIPTORS = 8 };
  nftw(path, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

static bool make_directory(const char *path, struct error *error)
{
  return mkdir(path, 0700) == 0 || error_errno(error, "cannot make directory %s", path);
}

/* "20261129_100500": they sort by time. */
static char *name_now(const char *backups)
{
  char text[sizeof "20261129_100500"];
  time_t now = (time_t)(wall_now().ms / 1000);
  struct tm utc;
  gmtime_r(&now, &utc);
  strftime(text, sizeof text, "%Y%m%d_%H%M%S", &utc);
  return xasprintf("%s/%s", backups, text);
}

static bool has_room(struct database *database, struct error *error)
{
  int64_t pages, page_bytes;
  struct statvfs disk;
  if (!sql_integer(database->handle, "PRAGMA page_count", &pages, error) ||
      !sql_integer(database->handle, "PRAGMA page_size", &page_bytes, error))
    return false;
  if (fstatvfs(database->outputs_fd, &disk) < 0)
    return error_errno(error, "cannot tell how much of the disk is free");
  return (uint64_t)disk.f_bavail * disk.f_frsize >= (uint64_t)(pages * page_bytes) + FREE_BYTES_LEFT ||
         error_set(error, ERROR_NO_SPACE, 0, "the disk has no room for a copy of the database");
}

static bool make_directories(struct backup *backup, struct error *error)
{
  CLEANUP_FREE char *backups = xasprintf("%s/backups", backup->database->state_dir);
  if (mkdir(backups, 0700) < 0 && errno != EEXIST)
    return error_errno(error, "cannot make directory %s", backups);
  backup->path = name_now(backups);
  backup->unfinished = xasprintf("%s.unfinished", backup->path);
  remove_tree(backup->unfinished); /* of a daemon that was killed within the same second */
  if (access(backup->path, F_OK) == 0)
    return error_set(error, ERROR_CONFLICT, 0, "there is a backup of this second already, %s", backup->path);
  CLEANUP_FREE char *outputs = xasprintf("%s/outputs", backup->unfinished);
  if (!make_directory(backup->unfinished, error) || !make_directory(outputs, error))
    return false;
  backup->files_fd = open(outputs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return backup->files_fd >= 0 || error_errno(error, "cannot open %s", outputs);
}

static bool open_target(struct backup *backup, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/assay.db", backup->unfinished);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  if (sqlite3_open_v2(path, &backup->target, flags, 0) != SQLITE_OK)
    return sql_failed(backup->target, error);
  backup->target_fd = open(path, O_WRONLY | O_CLOEXEC);
  backup->copying = sqlite3_backup_init(backup->target, "main", backup->database->handle, "main");
  return backup->copying || sql_failed(backup->target, error);
}

struct backup *backup_begin(struct database *database, struct error *error)
{
  struct backup *backup = xcalloc(1, sizeof *backup);
  backup->database = database;
  backup->files_fd = backup->target_fd = -1;
  if (has_room(database, error) && make_directories(backup, error) && open_target(backup, error)) {
    database->retention_rests = true;
    return backup;
  }
  free(backup_end(backup));
  return 0;
}

/* The last step syncs the copy. It is written out as it grows, so that this last step, like all others, is short. */
static enum backup_progress copy_pages(struct backup *backup, struct error *error)
{
  int result = sqlite3_backup_step(backup->copying, STEP_PAGES);
  (void)sync_file_range(backup->target_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  if (result == SQLITE_OK)
    return BACKUP_GOES_ON;
  result = sqlite3_backup_finish(TAKE_PTR(backup->copying));
  if (result != SQLITE_OK) {
    sql_failed(backup->target, error);
    return BACKUP_FAILED;
  }
  sqlite3_close(TAKE_PTR(backup->target));
  backup->files = fdopendir(openat(backup->database->outputs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (backup->files)
    return BACKUP_GOES_ON;
  error_errno(error, "cannot read outputs/");
  return BACKUP_FAILED;
}

/* The same bytes under one more name: what stands there is never written again. */
static bool link_file(const struct backup *backup, const char *name, struct error *error)
{
  return linkat(backup->database->outputs_fd, name, backup->files_fd, name, 0) == 0 || errno == ENOENT ||
         error_errno(error, "cannot link outputs/%s", name);
}

static bool give_name(struct backup *backup, struct error *error)
{
  CLEANUP_FD int made = open(backup->unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CLEANUP_FREE char *parent = xasprintf("%s/..", backup->unfinished);
  CLEANUP_FD int backups = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  backup->whole = made >= 0 && backups >= 0 && fsync(backup->files_fd) == 0 && fsync(made) == 0 &&
                  rename(backup->unfinished, backup->path) == 0 && fsync(backups) == 0;
  return backup->whole || error_errno(error, "cannot finish %s", backup->path);
}

static enum backup_progress link_files(struct backup *backup, struct error *error)
{
  for (int i = 0; i < STEP_FILES; i++) {
    struct dirent *entry = readdir(backup->files);
    if (!entry)
      return give_name(backup, error) ? BACKUP_DONE : BACKUP_FAILED;
    if (entry->d_name[0] != '.' && !link_file(backup, entry->d_name, error))
      return BACKUP_FAILED;
  }
  return BACKUP_GOES_ON;
}

enum backup_progress backup_step(struct backup *backup, struct error *error)
{
  return backup->copying ? copy_pages(backup, error) : link_files(backup, error);
}

char *backup_end(struct backup *backup)
{
  if (!backup)
    return 0;
  backup->database->retention_rests = false;
  sqlite3_backup_finish(backup->copying);
  sqlite3_close(backup->target);
  if (backup->files)
    closedir(backup->files);
  fd_close(backup->files_fd);
  fd_close(backup->target_fd);
  char *path = backup->whole ? TAKE_PTR(backup->path) : 0;
  if (!backup->whole && backup->unfinished)
    remove_tree(backup->unfinished);
  free(backup->path);
  free(backup->unfinished);
  free(backup);
  return path;
}
