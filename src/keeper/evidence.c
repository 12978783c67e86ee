#include "keeper/evidence.h"

#include "base/failpoint.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0700, FILE_MODE = 0600, RESERVED_BYTES = 4096 };

#define START "start"

/* Every other file that evidence can consist of; a directory with anything else in it is not ours to remove. */
static const char *const files[] = {"stdout", "stderr", "compile", "order", "ring", "exit.tmp", "exit"};

static int open_directory(int parent, const char *name)
{
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

bool evidence_is_marked(int directory)
{
  struct stat status; /* faccessat(2) with a flag is a newer call, and a container's filter may refuse it */
  return fstatat(directory, START, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

enum evidence_opening evidence_open(int parent, const char *name, int *ret_directory, struct error *error)
{
  if (mkdirat(parent, name, DIRECTORY_MODE) < 0) {
    if (errno != EEXIST)
      return error_errno(error, "cannot make the evidence directory"), EVIDENCE_FAILED;
    CLEANUP_FD int standing = open_directory(parent, name);
    if (standing < 0 || evidence_is_marked(standing))
      return EVIDENCE_KNOWN;
    if (!evidence_remove(parent, name) || mkdirat(parent, name, DIRECTORY_MODE) < 0)
      return error_errno(error, "cannot make the evidence directory anew"), EVIDENCE_FAILED;
  }
  CLEANUP_FD int directory = open_directory(parent, name);
  if (directory < 0 || FAILPOINT_FAILS(evidence_made))
    return error_errno(error, "cannot open the evidence directory"), EVIDENCE_FAILED;
  *ret_directory = TAKE_FD(directory);
  return EVIDENCE_FRESH;
}

enum evidence_opening evidence_adopt(int directory, int *ret_directory, struct error *error)
{
  if (evidence_is_marked(directory))
    return EVIDENCE_KNOWN;
  CLEANUP_FD int adopted = open_directory(directory, ".");
  if (adopted < 0 || !evidence_clear(adopted))
    return error_errno(error, "cannot use the attempt's directory"), EVIDENCE_FAILED;
  *ret_directory = TAKE_FD(adopted);
  return EVIDENCE_FRESH;
}

bool evidence_mark_started(int directory, const struct start_marker *marker, struct error *error)
{
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(marker, &text);
  CLEANUP_FD int fd = openat(directory, START, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
  if (fd < 0)
    return error_errno(error, "cannot make the start marker");
  if (fd_write_all(fd, text.data, text.size))
    return true;
  error_errno(error, "cannot write the start marker");
  unlinkat(directory, START, 0);
  return false;
}

int evidence_reserve(int directory, struct error *error)
{
  CLEANUP_FD int fd = openat(directory, "exit.tmp", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
  if (fd < 0)
    return error_errno(error, "cannot make exit.tmp"), -1;
  /* fallocate(2) and not posix_fallocate(3), which writes zeros where a file system cannot reserve. */
  if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, RESERVED_BYTES) < 0 && errno == ENOSPC)
    return error_errno(error, "cannot reserve room for the exit record"), -1;
  return TAKE_FD(fd);
}

bool evidence_write_record(int directory, int reserved, const struct record *record, struct error *error)
{
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(record, &text);
  if (!fd_write_all(reserved, text.data, text.size))
    return error_errno(error, "cannot write exit.tmp");
  if (FAILPOINT_FAILS(record_written) || renameat(directory, "exit.tmp", directory, "exit") < 0)
    return error_errno(error, "cannot rename exit.tmp");
  return true;
}

static bool remove_file(int directory, const char *file)
{
  return unlinkat(directory, file, 0) == 0 || errno == ENOENT;
}

bool evidence_clear(int directory)
{
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (!remove_file(directory, files[i]))
      return false;
  return true;
}

bool evidence_remove(int parent, const char *name)
{
  CLEANUP_FD int directory = open_directory(parent, name);
  if (directory < 0)
    return errno == ENOENT;
  return remove_file(directory, START) && evidence_clear(directory) && unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

void evidence_find_cgroup(int parent, const char *name, char ret[static CGROUP_NAME_SIZE])
{
  CLEANUP_FD int directory = open_directory(parent, name);
  if (directory < 0)
    return;
  CLEANUP_BLOB struct blob *text = file_read(directory, START, RECORD_BYTES_MAX, NULL);
  struct start_marker marker;
  if (text && start_marker_decode(text->data, text->size, &marker, NULL))
    memcpy(ret, marker.cgroup, CGROUP_NAME_SIZE);
}
