#include "keeper/pod.h"

#include "base/fd.h"
#include "wire/pod.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { PROGRAM_MODE = 0555, SECRET_MODE = 0400, COPY_BYTES = 64 * 1024, GRANT_MS = 20 };

static bool open_directory(const char *path, int *ret, struct error *error)
{
  *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *ret >= 0 || error_errno(error, "cannot open %s", path);
}

/* What another try of this container has left is made anew. */
static int make_file(int directory, const char *name, mode_t mode, struct error *error)
{
  (void)unlinkat(directory, name, 0);
  const int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (file < 0)
    error_errno(error, "cannot make %s", name);
  return file;
}

static bool copy_bytes(int from, int to, const char *name, struct error *error)
{
  char bytes[COPY_BYTES];
  for (;;) {
    const ssize_t got = read(from, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR)
      continue;
    if (got == 0)
      return true;
    if (got < 0 || !fd_write_all(to, bytes, (size_t)got))
      return error_errno(error, "cannot copy %s", name);
  }
}

static bool copy_file(int from, const char *source, int to, const char *name, mode_t mode, struct error *error)
{
  CLEANUP_FD int input = openat(from, source, O_RDONLY | O_CLOEXEC);
  if (input < 0)
    return error_errno(error, "cannot open %s", source);
  CLEANUP_FD int output = make_file(to, name, mode, error);
  return output >= 0 && copy_bytes(input, output, name, error);
}

/* At least one part. (Kubernetes puts a link in the place of each file.) */
static bool join_plan(int from, int to, struct error *error)
{
  CLEANUP_FD int output = make_file(to, ATTEMPT_PLAN, SECRET_MODE, error);
  if (output < 0)
    return false;
  for (unsigned part = 0;; part++) {
    char name[32];
    snprintf(name, sizeof name, POD_PLAN_PART, part);
    CLEANUP_FD int input = openat(from, name, O_RDONLY | O_CLOEXEC);
    if (input < 0 && errno == ENOENT && part)
      return true;
    if (input < 0)
      return error_errno(error, "cannot open %s", name);
    if (!copy_bytes(input, output, name, error))
      return false;
  }
}

static bool is_granted(int from)
{
  char byte;
  CLEANUP_FD int grant = openat(from, POD_GRANT, O_RDONLY | O_CLOEXEC);
  return grant >= 0 && read(grant, &byte, 1) == 1;
}

/* Until it is this pod that is to run, however long that takes. */
static bool await_grant(int from, struct error *error)
{
  const struct timespec pause = {.tv_nsec = GRANT_MS * 1000000L};
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, 0); /* which process 1 would not hear otherwise */
  while (!is_granted(from))
    if (sigtimedwait(&end, 0, &pause) == SIGTERM)
      return error_set(error, ERROR_UNAVAILABLE, ECANCELED, "it was not to run, and somebody wants its end");
  return true;
}

/* The keeper last: without it nothing can start. */
bool pod_install(const struct options *options, struct error *error)
{
  CLEANUP_FD int from = -1, to = -1;
  return open_directory(options->from_path, &from, error) && open_directory(options->install_path, &to, error) &&
         await_grant(from, error) && join_plan(from, to, error) &&
         copy_file(from, POD_KEY, to, POD_KEY, SECRET_MODE, error) &&
         copy_file(AT_FDCWD, "/proc/self/exe", to, POD_KEEPER, PROGRAM_MODE, error);
}
