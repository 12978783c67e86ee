#include "backend/instance.h"

#include "base/fd.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool make_state_directory(const char *path, struct error *error)
{
  return mkdir(path, 0700) == 0 || errno == EEXIST || error_errno(error, "cannot make %s", path);
}

bool replace_state_file(int directory, const char *file, mode_t mode, const void *data, size_t size,
                        struct error *error)
{
  CLEANUP_FREE char *unfinished = xasprintf("%s.tmp", file);
  CLEANUP_FD int fd = openat(directory, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
  bool done = fd >= 0 && fd_write_all(fd, data, size) && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
              renameat(directory, unfinished, directory, file) == 0 && fsync(directory) == 0;
  return done || error_errno(error, "cannot write %s", file);
}

static bool instance_valid(const struct blob *text)
{
  return text && text->size == INSTANCE_SIZE - 1 && strspn((const char *)text->data, "0123456789abcdef") == text->size;
}

bool find_instance(int directory, char ret[static INSTANCE_SIZE], struct error *error)
{
  CLEANUP_BLOB struct blob *text = file_read(directory, "instance", INSTANCE_SIZE, 0);
  if (instance_valid(text)) {
    memcpy(ret, text->data, INSTANCE_SIZE - 1);
    ret[INSTANCE_SIZE - 1] = 0;
    return true;
  }
  snprintf(ret, INSTANCE_SIZE, "%016llx", (unsigned long long)random_number());
  return replace_state_file(directory, "instance", 0600, ret, INSTANCE_SIZE - 1, error);
}
