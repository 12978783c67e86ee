#include "store/sqlite/files.h"

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/limits.h"
#include "wire/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind the name of one whose evaluation is being deleted. */
static const char condemned[] = ".deleted";

/* "<id>.<stream>", and ".new" while it is written. */
struct file_name {
  char text[ID_SIZE + 16];
};

static struct file_name file_name(const char *id, enum stream stream, const char *suffix)
{
  struct file_name name;
  int length = snprintf(name.text, sizeof name.text, "%s.%s%s", id, stream_name(stream), suffix);
  ASSERT(length > 0 && (size_t)length < sizeof name.text);
  return name;
}

char *file_path(const char *state_dir, const char *id, enum stream stream)
{
  return xasprintf("%s/outputs/%s", state_dir, file_name(id, stream, "").text);
}

int files_open(const char *state_dir, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/outputs", state_dir);
  if (mkdir(path, 0700) < 0 && errno != EEXIST)
    return error_errno(error, "cannot make directory %s", path), -1;
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    error_errno(error, "cannot open directory %s", path);
  return directory;
}

bool stream_in_file(const struct stream_output *stream)
{
  return stream->path || (stream->data && stream->data->size > OUTPUT_IN_DATABASE_BYTES_MAX);
}

/* One more name for the same bytes costs nothing, whatever their number. */
static bool link_file(int directory, const char *source, const char *target)
{
  if (linkat(AT_FDCWD, source, directory, target, 0) == 0)
    return true;
  if (errno != EEXIST || unlinkat(directory, target, 0) < 0)
    return false;
  return linkat(AT_FDCWD, source, directory, target, 0) == 0;
}

static bool copy_bytes(int from, int to)
{
  char chunk[65536];
  ssize_t got;
  while ((got = read(from, chunk, sizeof chunk)) != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 || !fd_write_all(to, chunk, (size_t)got))
      return false;
  }
  return true;
}

/* The bytes of `source`, or of `data`, as a file that appears under its name whole and synced. */
static bool write_file(int directory, int source, const struct blob *data, const char *temporary, const char *target)
{
  CLEANUP_FD int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return false;
  bool written = data ? fd_write_all(fd, data->data, data->size) : copy_bytes(source, fd);
  return written && fsync(fd) == 0 && renameat(directory, temporary, directory, target) == 0;
}

static bool keep_stream(int directory, const char *id, enum stream which, const struct stream_output *stream,
                        struct error *error)
{
  struct file_name target = file_name(id, which, ""), temporary = file_name(id, which, ".new");
  CLEANUP_FD int source = -1;
  if (stream->path) {
    source = open(stream->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 || fsync(source) < 0)
      return error_errno(error, "cannot keep output %s", stream->path);
    if (link_file(directory, stream->path, target.text))
      return true;
  }
  /* Another file system, or one without hard links: a copy. */
  if (write_file(directory, source, stream->path ? 0 : stream->data, temporary.text, target.text))
    return true;
  enum error_kind kind = errno == ENOSPC ? ERROR_NO_SPACE : ERROR_INTERNAL; /* it is written anew when there is room */
  return error_set(error, kind, errno, "cannot write output outputs/%s: %s", target.text, strerror(errno));
}

bool files_keep(int directory, const char *id, const struct outputs *outputs, struct error *error)
{
  bool kept = false;
  for (int i = 0; i < STREAM_COUNT; i++) {
    if (!stream_in_file(&outputs->stream[i]))
      continue;
    if (!keep_stream(directory, id, (enum stream)i, &outputs->stream[i], error))
      return false;
    kept = true;
  }
  return !kept || (fsync(directory) == 0 && !FAILPOINT_FAILS(output_kept)) ||
         error_errno(error, "cannot sync outputs/");
}

static uint64_t bytes_of(int directory, const char *name)
{
  struct stat status;
  return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)status.st_size : 0;
}

uint64_t files_bytes(int directory, const char *id)
{
  uint64_t bytes = 0;
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++)
    bytes += bytes_of(directory, file_name(id, stream, "").text);
  return bytes;
}

void files_condemn(int directory, const char *id)
{
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++)
    (void)renameat(directory, file_name(id, stream, "").text, directory, file_name(id, stream, condemned).text);
}

uint64_t files_remove_condemned(int directory, const char *id)
{
  uint64_t bytes = 0;
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++) {
    struct file_name name = file_name(id, stream, condemned);
    bytes += bytes_of(directory, name.text);
    (void)unlinkat(directory, name.text, 0);
  }
  return bytes;
}

/* Whether `name` is that of a condemned file; then `ret` is what it was before. */
static bool is_condemned(const char *name, struct file_name *ret)
{
  size_t length = strlen(name), suffix = sizeof condemned - 1;
  if (length <= suffix || length >= sizeof ret->text || strcmp(name + length - suffix, condemned) != 0)
    return false;
  memcpy(ret->text, name, length - suffix);
  ret->text[length - suffix] = 0;
  return true;
}

/* Of an evaluation that is open, no verdict names it. */
static bool is_left_over(enum store_known known, bool was_condemned)
{
  return known == STORE_OPEN || (known == STORE_UNKNOWN && was_condemned);
}

uint64_t files_take_stock(int directory, enum store_known (*known)(void *context, const char *id), void *context)
{
  uint64_t bytes = 0;
  DIR *files = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (struct dirent *entry; files && (entry = readdir(files));) {
    char id[ID_SIZE] = "";
    size_t length = strcspn(entry->d_name, ".");
    if (length < ID_SIZE)
      memcpy(id, entry->d_name, length);
    if (!id_valid(id))
      continue; /* not ours */
    struct file_name before;
    bool was_condemned = is_condemned(entry->d_name, &before);
    if (is_left_over(known(context, id), was_condemned)) {
      (void)unlinkat(directory, entry->d_name, 0);
      continue;
    }
    bytes += bytes_of(directory, entry->d_name);
    if (was_condemned)
      (void)renameat(directory, entry->d_name, directory, before.text);
  }
  if (files)
    closedir(files);
  return bytes;
}
