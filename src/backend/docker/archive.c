#include "backend/docker/archive.h"

#include "backend/directory.h"
#include "base/fd.h"
#include "wire/container.h"
#include "wire/record.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAR_BLOCK = 512, TAR_END = 2 * TAR_BLOCK, TAR_RECORD = 20 * TAR_BLOCK };
enum { NAMES_MAX = 64, PIECE = 64 * 1024, RING_BYTES_MAX = 4096 };
#define OUTPUT_BYTES_MAX MIB(64)

/* The files of an attempt's directory that are evidence, and how many bytes a keeper writes at most. */
static const struct evidence_file {
  const char *name;
  uint64_t bytes_max;
} evidence_files[] = {
  {"start", RECORD_BYTES_MAX},  {"exit", RECORD_BYTES_MAX},          {"stdout", OUTPUT_BYTES_MAX},
  {"stderr", OUTPUT_BYTES_MAX}, {"compile", OUTPUT_BYTES_MAX},       {"order", ORDER_RUNS_MAX * 5},
  {"ring", RING_BYTES_MAX},     {ATTEMPT_FAILURE, RECORD_BYTES_MAX},
};
/* Of a whole archive: these, the plan, and room for what describes them. */
#define ARCHIVE_BYTES_MAX (3 * OUTPUT_BYTES_MAX + PLAN_BYTES_MAX + MIB(2))

static_assert(sizeof(struct ring_counters) <= RING_BYTES_MAX, "the counters fit");
#define X(field, name, standard, least, most)                                                                          \
  static_assert(LIMIT_##name != LIMIT_OUTPUT || (most) <= OUTPUT_BYTES_MAX, "every output fits");
LIMITS(X)
#undef X

static void cleanup_writing(struct archive **archive)
{
  archive_write_free(*archive);
}

static void cleanup_reading(struct archive **archive)
{
  archive_read_free(*archive);
}

static void cleanup_entry(struct archive_entry **entry)
{
  archive_entry_free(*entry);
}

static bool library_failed(struct error *error, struct archive *archive, const char *what)
{
  const char *message = archive ? archive_error_string(archive) : 0;
  return error_set(error, ERROR_INTERNAL, 0, "%s: %s", what, message ? message : "out of memory");
}

/* Writing */

static bool put(struct archive *archive, const char *path, mode_t mode, const struct blob *content)
{
  __attribute__((cleanup(cleanup_entry))) struct archive_entry *entry = archive_entry_new();
  if (!entry)
    return false;
  archive_entry_set_pathname(entry, path);
  archive_entry_set_filetype(entry, content ? AE_IFREG : AE_IFDIR);
  archive_entry_set_perm(entry, mode);
  archive_entry_set_uid(entry, 0);
  archive_entry_set_gid(entry, 0);
  archive_entry_set_mtime(entry, 0, 0);
  archive_entry_set_size(entry, content ? (la_int64_t)content->size : 0);
  return archive_write_header(archive, entry) == ARCHIVE_OK &&
         (!content || archive_write_data(archive, content->data, content->size) == (la_ssize_t)content->size);
}

struct blob *archive_make(const struct blob *keeper, const struct blob *plan, struct error *error)
{
  const size_t room = keeper->size + plan->size + 2 * TAR_RECORD;
  CLEANUP_BLOB struct blob *bytes = blob_try_create(0, room);
  if (!bytes)
    return error_set(error, ERROR_UNAVAILABLE, ENOMEM, "no memory for an archive of %zu bytes", room), NULL;
  size_t used = 0;
  __attribute__((cleanup(cleanup_writing))) struct archive *archive = archive_write_new();
  if (!archive || archive_write_set_format_ustar(archive) != ARCHIVE_OK ||
      archive_write_open_memory(archive, bytes->data, room, &used) != ARCHIVE_OK ||
      !put(archive, "keeper", 0755, keeper) || !put(archive, "attempt", 0700, 0) ||
      !put(archive, "attempt/" ATTEMPT_PLAN, 0600, plan) || archive_write_close(archive) != ARCHIVE_OK)
    return library_failed(error, archive, "cannot make an archive"), NULL;
  bytes->size = used;
  return TAKE_PTR(bytes);
}

/* Reading */

enum { FETCH_NAME_SIZE = NAME_SIZE + 16 };

struct archive_reader {
  int directory_fd; /* borrowed */
  struct name name;
  char fetch_name[FETCH_NAME_SIZE]; /* of the directory that is being made */
  int spool;                        /* all that was fed, a file without a name */
  uint64_t bytes;
  struct error failure; /* of the first piece that could not be taken; an empty message: none */
};

/* The name goes at once, so that nothing is left of it whatever happens. */
static int open_spool(int directory_fd, const char *fetch_name, struct error *error)
{
  char path[FETCH_NAME_SIZE + 8];
  snprintf(path, sizeof path, "%s.tar", fetch_name);
  unlinkat(directory_fd, path, 0);
  int spool = openat(directory_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (spool < 0)
    return error_errno(error, "cannot make a file for an archive"), -1;
  unlinkat(directory_fd, path, 0);
  return spool;
}

struct archive_reader *archive_reader_create(int directory_fd, struct name name, struct error *error)
{
  struct archive_reader *reader = xcalloc(1, sizeof *reader);
  reader->directory_fd = directory_fd;
  reader->name = name;
  snprintf(reader->fetch_name, sizeof reader->fetch_name, ".fetch-%s", name.text);
  reader->spool = open_spool(directory_fd, reader->fetch_name, error);
  if (reader->spool >= 0)
    return reader;
  archive_reader_destroy(reader);
  return 0;
}

bool archive_reader_feed(struct archive_reader *reader, const void *bytes, size_t size)
{
  if (reader->failure.message[0])
    return false;
  if (size > ARCHIVE_BYTES_MAX - reader->bytes)
    return error_set(&reader->failure, ERROR_TOO_LARGE, 0, "the archive of the evidence is too large");
  if (!fd_write_all(reader->spool, bytes, size))
    return error_errno(&reader->failure, "cannot save the archive of the evidence");
  reader->bytes += size;
  return true;
}

/* An archive that broke off between two files looks like a smaller one, but for its last two blocks, which are zero. */
static bool has_end(const struct archive_reader *reader)
{
  char last[TAR_END];
  if (reader->bytes < TAR_END || reader->bytes % TAR_BLOCK != 0 ||
      pread(reader->spool, last, TAR_END, (off_t)(reader->bytes - TAR_END)) != TAR_END)
    return false;
  for (size_t i = 0; i < TAR_END; i++)
    if (last[i])
      return false;
  return true;
}

/* "attempt/NAME", as all is called below the directory that was asked for; NULL: it is something else. */
static const struct evidence_file *find_evidence(const char *path)
{
  const char *slash = strchr(path, '/');
  for (size_t i = 0; slash && i < sizeof evidence_files / sizeof *evidence_files; i++)
    if (strcmp(slash + 1, evidence_files[i].name) == 0)
      return &evidence_files[i];
  return 0;
}

static bool copy_content(struct archive *archive, int file, const struct evidence_file *evidence, struct error *error)
{
  char piece[PIECE];
  uint64_t copied = 0;
  la_ssize_t got;
  while ((got = archive_read_data(archive, piece, sizeof piece)) > 0) {
    if ((uint64_t)got > evidence->bytes_max - copied)
      return error_set(error, ERROR_TOO_LARGE, 0, "%s in the archive of the evidence is too large", evidence->name);
    if (!fd_write_all(file, piece, (size_t)got))
      return error_errno(error, "cannot write %s", evidence->name);
    copied += (uint64_t)got;
  }
  return got == 0 || library_failed(error, archive, "cannot read the archive of the evidence");
}

static bool extract_file(struct archive *archive, int directory, const struct evidence_file *evidence,
                         struct error *error)
{
  CLEANUP_FD int file = openat(directory, evidence->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0 && errno == EEXIST)
    return error_set(error, ERROR_INVALID, EEXIST, "%s is in the archive of the evidence twice", evidence->name);
  if (file < 0)
    return error_errno(error, "cannot make %s", evidence->name);
  return copy_content(archive, file, evidence, error);
}

static bool extract_entry(struct archive *archive, struct archive_entry *entry, int directory, struct error *error)
{
  const char *path = archive_entry_pathname(entry);
  const mode_t type = archive_entry_filetype(entry);
  if (!path || archive_entry_hardlink(entry) || archive_entry_symlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
    return error_set(error, ERROR_INVALID, 0,
                     "the archive of the evidence holds what is neither a file nor a directory");
  const struct evidence_file *evidence = type == AE_IFREG ? find_evidence(path) : 0;
  return !evidence || extract_file(archive, directory, evidence, error);
}

static bool extract(const struct archive_reader *reader, int directory, struct error *error)
{
  __attribute__((cleanup(cleanup_reading))) struct archive *archive = archive_read_new();
  if (!archive || lseek(reader->spool, 0, SEEK_SET) < 0 || archive_read_support_format_tar(archive) != ARCHIVE_OK ||
      archive_read_open_fd(archive, reader->spool, PIECE) != ARCHIVE_OK)
    return library_failed(error, archive, "cannot read the archive of the evidence");
  for (int count = 0; count <= NAMES_MAX; count++) {
    struct archive_entry *entry;
    const int result = archive_read_next_header(archive, &entry);
    if (result == ARCHIVE_EOF)
      return true;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
      return library_failed(error, archive, "cannot read the archive of the evidence");
    if (!extract_entry(archive, entry, directory, error))
      return false;
  }
  return error_set(error, ERROR_INVALID, 0, "the archive of the evidence holds too many files");
}

static bool fill_directory(const struct archive_reader *reader, struct error *error)
{
  if (mkdirat(reader->directory_fd, reader->fetch_name, 0700) < 0)
    return error_errno(error, "cannot make a directory for the evidence");
  CLEANUP_FD int directory =
    openat(reader->directory_fd, reader->fetch_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return error_errno(error, "cannot open the directory for the evidence");
  return extract(reader, directory, error);
}

/* A file system that cannot exchange two names (renameat2(2)) gets them one after the other. */
static bool put_in_place(const struct archive_reader *reader, struct error *error)
{
  const int parent = reader->directory_fd;
  const char *made = reader->fetch_name, *name = reader->name.text;
  if (renameat2(parent, made, parent, name, RENAME_EXCHANGE) == 0)
    return true;
  if (errno == EINVAL && !directory_remove(parent, name, DIRECTORY_OF_FILES))
    return error_errno(error, "cannot remove what was fetched before");
  return renameat(parent, made, parent, name) == 0 || error_errno(error, "cannot put the evidence in its place");
}

bool archive_reader_finish(struct archive_reader *reader, struct error *error)
{
  if (reader->failure.message[0])
    return error_set(error, reader->failure.kind, reader->failure.code, "%s", reader->failure.message);
  if (!has_end(reader))
    return error_set(error, ERROR_INVALID, 0, "the archive of the evidence has no end");
  directory_remove(reader->directory_fd, reader->fetch_name, DIRECTORY_OF_FILES);
  const bool good = fill_directory(reader, error) && put_in_place(reader, error);
  directory_remove(reader->directory_fd, reader->fetch_name, DIRECTORY_OF_FILES); /* the former one, or a broken one */
  return good;
}

void archive_reader_destroy(struct archive_reader *reader)
{
  if (!reader)
    return;
  fd_close(reader->spool);
  free(reader);
}
