#include "backend/native/spawn.h"

#include "base/error.h"
#include "base/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>

enum { ARGUMENTS_OF_KEEPER_MAX = 24 };

struct arguments {
  char *list[ARGUMENTS_OF_KEEPER_MAX];
  size_t count;
};

static void add(struct arguments *arguments, const char *argument)
{
  ASSERT(arguments->count + 1 < ARGUMENTS_OF_KEEPER_MAX);
  arguments->list[arguments->count++] = (char *)argument;
}

static void add_option(struct arguments *arguments, const char *option, const char *value)
{
  if (!value[0])
    return;
  add(arguments, option);
  add(arguments, value);
}

static void add_cgroups(struct arguments *arguments, const struct cgroup_layout *cgroups)
{
  add_option(arguments, "--cgroup-v2", cgroups->v2);
  if (cgroups->v2_memory)
    add(arguments, "--v2-memory");
  if (cgroups->v2_pids)
    add(arguments, "--v2-pids");
  add_option(arguments, "--cgroup-memory", cgroups->v1_memory);
  add_option(arguments, "--cgroup-pids", cgroups->v1_pids);
  add_option(arguments, "--cgroup-cpuacct", cgroups->v1_cpuacct);
}

/* Nothing of the daemon's: no descriptors, no secrets of its environment, no working directory, no signal settings, and
 * a session of its own, so that ^C in the daemon's terminal ends the daemon only. What it has to say goes to its log.
 */
static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, const char *log_path)
{
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int result = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDWR, 0);
  result = result ? result : posix_spawn_file_actions_adddup2(files, 0, 1);
  result = result ? result : posix_spawn_file_actions_addopen(files, 2, log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  result = result ? result : posix_spawn_file_actions_addclosefrom_np(files, 3);
  result = result ? result : posix_spawn_file_actions_addchdir_np(files, "/");
  result = result ? result : posix_spawnattr_setsigmask(attributes, &none);
  result = result ? result : posix_spawnattr_setsigdefault(attributes, &all);
  return result
           ? result
           : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const char *path, char **arguments, const char *log_path, pid_t *ret)
{
  char *environment[] = {(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                         failpoint_variable(), 0};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  int result = prepare(&files, &attributes, log_path);
  result = result ? result : posix_spawn(ret, path, &files, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return result;
}

pid_t keeper_spawn(const struct keeper_command *command, struct error *error)
{
  char uid_base[16];
  snprintf(uid_base, sizeof uid_base, "%u", (unsigned)command->uid_base);
  CLEANUP_FREE char *log_path = xasprintf("%s/log", command->slot_path);

  struct arguments arguments = {0};
  add(&arguments, "assay-keeper");
  add_option(&arguments, "--slot", command->slot_path);
  add_option(&arguments, "--evidence", command->evidence_path);
  add_option(&arguments, "--uid-base", uid_base);
  add_cgroups(&arguments, command->cgroups);

  pid_t child;
  int result = spawn(command->keeper_path, arguments.list, log_path, &child);
  if (result) {
    errno = result;
    error_errno(error, "cannot start %s", command->keeper_path);
    return -1;
  }
  return child;
}
