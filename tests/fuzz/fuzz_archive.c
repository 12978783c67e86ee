/*
 * Evidence in a tar archive. Whatever it is, there is nothing outside of the attempt's directory afterwards, and in it
 * only plain files with the names of evidence. An archive without its end is refused at once, so each input is tried as
 * it is and with one.
 */

#include "backend/directory.h"
#include "backend/docker/archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512 };

static int scratch = -1;
static char scratch_path[] = "/tmp/assay-fuzz-archive-XXXXXX";

static void remove_scratch(void)
{
  directory_remove(AT_FDCWD, scratch_path, DIRECTORY_OF_FILES);
}

static void open_scratch(void)
{
  ASSERT(mkdtemp(scratch_path));
  scratch = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT(scratch >= 0);
  atexit(remove_scratch);
}

static bool is_evidence(const char *name)
{
  static const char *const names[] = {"start", "exit", "stdout", "stderr", "compile", "order", "ring", "failure"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0)
      return true;
  return false;
}

static void check_entries(int directory, bool (*allowed)(const char *name), mode_t type)
{
  DIR *entries = fdopendir(directory);
  ASSERT(entries);
  struct dirent *entry;
  while ((entry = readdir(entries))) {
    struct stat status;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    ASSERT(allowed(entry->d_name));
    ASSERT(fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0);
    ASSERT((status.st_mode & S_IFMT) == type && (type == S_IFDIR || status.st_nlink == 1));
  }
  closedir(entries);
}

static struct name name;

static bool is_name(const char *text)
{
  return strcmp(text, name.text) == 0;
}

static void fetch(const uint8_t *data, size_t size, bool with_end)
{
  static const uint8_t zeros[3 * BLOCK];
  struct error error = {0};
  struct archive_reader *reader = archive_reader_create(scratch, name, &error);
  ASSERT(reader);
  archive_reader_feed(reader, data, size);
  if (with_end)
    archive_reader_feed(reader, zeros, 2 * BLOCK + (BLOCK - size % BLOCK) % BLOCK);
  const bool good = archive_reader_finish(reader, &error);
  archive_reader_destroy(reader);
  ASSERT(good || error.message[0]);
  check_entries(openat(scratch, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), is_name, S_IFDIR);
  if (good)
    check_entries(openat(scratch, name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC), is_evidence, S_IFREG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  name = name_make("20261122_195800_0123abcd", 1);
  if (scratch < 0)
    open_scratch();
  fetch(data, size, false);
  fetch(data, size, true);
  directory_remove(scratch, name.text, DIRECTORY_OF_FILES);
  return 0;
}
