#pragma once

/*
 * File descriptors: ownership, whole reads and writes, and the one way in which a path that came from outside is opened.
 */

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

void fd_close(int fd); /* accepts -1; keeps errno */
void cleanup_fd(int *fd);
#define CLEANUP_FD __attribute__((cleanup(cleanup_fd)))

static inline int take_fd(int *fd)
{
  int taken = *fd;
  *fd = -1;
  return taken;
}
#define TAKE_FD(variable) take_fd(&(variable))

/* Closes all descriptors of a range, or has execve(2) close them: close_range(2), and the same one by one where the kernel
 * has no such call or a filter of somebody else's refuses it. */
void fd_close_range(unsigned first, unsigned last);
void fd_close_on_exec_from(unsigned first);

/* All of `size` bytes, retrying EINTR and short transfers; false with errno set. EOF before the end is errno 0. */
bool fd_write_all(int fd, const void *data, size_t size);
bool fd_read_all(int fd, void *data, size_t size);
bool fd_read_all_at(int fd, void *data, size_t size, uint64_t offset);

/* The whole of the file from its start, at most `size_max` bytes (ERROR_TOO_LARGE beyond). The caller unrefs.
 * ERROR_UNAVAILABLE where there is no memory for it. */
struct blob *fd_read_file(int fd, size_t size_max, struct error *error);
struct blob *file_read(int directory_fd, const char *path, size_t size_max, struct error *error);

/* Writes a small control file (cgroup, uid_map) with one write(2), as those files need. Negative errno on failure. */
int file_write_once(int directory_fd, const char *path, const char *text);

/*
 * Opens a path that a client named, below `directory_fd` and nowhere else: no "..", no symbolic or magic links
 * (openat2(2), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; one component after the other where that
 * call is not to be had). A negative errno on failure.
 */
int open_beneath(int directory_fd, const char *path, int flags, mode_t mode);

/* mkdir -p below `directory_fd` for the parents of a client's path, under the same rule. Negative errno on failure. */
int mkdir_parents_beneath(int directory_fd, const char *path, mode_t mode);
