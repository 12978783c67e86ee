#include "keeper/program.h"

#include "base/fd.h"
#include "base/memory.h"
#include "keeper/box.h"
#include "keeper/channel.h"
#include "keeper/landlock.h"
#include "keeper/seccomp_filter.h"
#include "wire/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

enum { STACK_BYTES = 128 * 1024, OPEN_FILES_MAX = 4096, LOCKED_BYTES_MAX = 64 * 1024 };

static char path_variable[] = "PATH=" DEFAULT_PATH, home_variable[] = "HOME=" BOX_HOME,
            lang_variable[] = "LANG=C.UTF-8";
static char *const standard_variables[] = {path_variable, home_variable, lang_variable, 0};

/* The value of a variable, or NULL. `name` may be followed by "=…", which is not looked at. */
static const char *variable(char *const *environment, const char *name)
{
  size_t length = strcspn(name, "=");
  for (; environment && *environment; environment++)
    if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
      return *environment + length + 1;
  return 0;
}

static size_t count_of(char *const *variables)
{
  size_t count = 0;
  while (variables && variables[count])
    count++;
  return count;
}

/* Adds those variables that are not among `set`. */
static void add_unless(char *const *set, char **environment, char *const *variables)
{
  size_t used = count_of(environment);
  for (; variables && *variables; variables++)
    if (!variable(set, *variables))
      environment[used++] = *variables;
}

char **program_environment(const struct host *host, const struct plan *plan, const char *id)
{
  size_t most = 1 + count_of(plan->environment) + count_of(host->environment) + count_of(standard_variables);
  char **environment = xcalloc(most + 1, sizeof *environment);
  char *const given[] = {xasprintf("EVAL_ID=%s", id), 0};
  environment[0] = given[0];
  add_unless(given, environment, plan->environment);
  add_unless(environment, environment, host->environment);
  add_unless(environment, environment, standard_variables);
  return environment;
}

static char *const *arguments_of(const struct program *program)
{
  return program->step == STEP_COMPILE ? program->plan->compile : program->plan->command;
}

void program_drop_capabilities(void)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
  syscall(SYS_capset, &header, none);
}

void program_hold_signals(bool hold)
{
  sigset_t set;
  if (hold)
    sigfillset(&set);
  else
    sigemptyset(&set);
  sigprocmask(SIG_SETMASK, &set, 0);
}

static bool limit(struct program *program, int resource, const char *name, rlim_t most)
{
  struct rlimit present;
  if (getrlimit(resource, &present) == 0) {
    if (most > present.rlim_max) /* never above what the keeper itself was given */
      most = present.rlim_max;
    if (setrlimit(resource, &(struct rlimit){most, most}) == 0)
      return true;
  }
  return error_errno(&program->failure, "cannot set the limit %s", name);
}

static bool set_limits(struct program *program)
{
  const struct limits *limits = &program->plan->limits;
  /* Counted for each user namespace, in which an ordinary user's init has the program's user id. A container's is not of
   * its own: the limit would be felt by all of them together, unless each has a user id of its own (wire/pod.h). */
  const struct host *host = program->host;
  const bool counted = cgroups_have(&host->cgroups, CONTROLLER_PIDS) || (host->contained && !host->uid_is_private);
  const rlim_t processes = limits->processes + (host->contained ? CONTAINER_PROCESSES : !host->privileged);
  return limit(program, RLIMIT_CORE, "core", 0) && limit(program, RLIMIT_FSIZE, "file size", limits->file_bytes) &&
         limit(program, RLIMIT_NOFILE, "open files", OPEN_FILES_MAX) &&
         limit(program, RLIMIT_MEMLOCK, "locked memory", LOCKED_BYTES_MAX) &&
         (counted || limit(program, RLIMIT_NPROC, "processes", processes));
}

/* A container's keeper lives on the program's share of the processors, however small that is. So it comes first there, and no
 * program keeps it from seeing that time is up. Nobody outside of the container notices (sched(7)). */
static bool give_way(struct program *program)
{
  enum { LEAST_FAVOURED = 19 };
  return !program->host->gives_way || setpriority(PRIO_PROCESS, 0, LEAST_FAVOURED) == 0 ||
         error_errno(&program->failure, "cannot give way to the keeper");
}

/* Descriptors 0, 1 and 2 and, once it executes, nothing else. */
static bool set_descriptors(struct program *program)
{
  fd_close_on_exec_from(STDERR_FILENO + 1);
  return (dup2(program->input, STDIN_FILENO) >= 0 && dup2(program->output, STDOUT_FILENO) >= 0 &&
          dup2(program->error, STDERR_FILENO) >= 0) ||
         error_errno(&program->failure, "cannot set the descriptors");
}

static bool take_identity(struct program *program)
{
  const uid_t id = program->host->program_uid;
  if (program->host->privileged && (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0))
    return error_errno(&program->failure, "cannot take the program's user id");
  program_drop_capabilities();
  return true;
}

static bool lock_in(struct program *program)
{
  int result = program->landlock >= 0 ? landlock_enter(program->landlock) : 0;
  if (result < 0)
    return errno = -result, error_errno(&program->failure, "cannot enter landlock");
  int listener = -1;
  result = program->step == STEP_RUN ? filter_load_gate(&listener) : filter_load(FILTER_QUIET_GATE);
  if (result < 0)
    return errno = -result, error_errno(&program->failure, "cannot load the last system call filter");
  const struct report report = {.type = REPORT_LISTENER};
  if (listener >= 0 && channel_send(program->channel, &report, sizeof report, &listener, 1) < 0)
    return error_set(&program->failure, ERROR_INTERNAL, EPIPE, "cannot reach the keeper");
  return true;
}

/* Why execve(2) refused `path`, for a person. */
static void describe_failure(struct program *program, const char *path, int code)
{
  const char *command = arguments_of(program)[0];
  struct error *failure = &program->failure;
  char start[256] = "";
  CLEANUP_FD int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? 0 : read(file, start, sizeof start - 1);
  start[size < 0 ? 0 : size] = 0;
  const bool script = !strncmp(start, "#!", 2);
  char *interpreter = start + (script ? 2 + strspn(start + 2, " \t") : 0);
  interpreter[strcspn(interpreter, " \t\r\n")] = 0;

  program->unfit = true;
  if (code == ENOENT && script)
    error_set(failure, ERROR_INVALID, code, "bad interpreter: \"%s\" names \"%s\", which is not there", command,
              interpreter);
  else if (code == ENOENT && file >= 0)
    error_set(failure, ERROR_INVALID, code, "bad interpreter: the loader that \"%s\" asks for is not there", command);
  else if (code == ENOENT || code == ENOTDIR)
    error_set(failure, ERROR_INVALID, code, "command not found: \"%s\"", command);
  else if (code == EACCES && script && faccessat(AT_FDCWD, path, X_OK, 0) == 0)
    error_set(failure, ERROR_INVALID, code, "bad interpreter: \"%s\" names \"%s\", which is not executable", command,
              interpreter);
  else if (code == EACCES || code == EISDIR)
    error_set(failure, ERROR_INVALID, code, "not executable: \"%s\"", command);
  else if (code == ENOEXEC)
    error_set(failure, ERROR_INVALID, code, "not an executable format: \"%s\" is neither a binary nor begins with #!",
              command);
  else if (code == E2BIG)
    error_set(failure, ERROR_INVALID, code, "argument list too long");
  else
    errno = code, error_errno(failure, "cannot execute \"%s\"", command);
}

/* Looks a bare command up as execvp(3) does, but in the PATH that the program is going to see. Returns on failure only.
 */
static void execute(struct program *program)
{
  char *const *arguments = arguments_of(program);
  const char *command = arguments[0];
  char path[PATH_MAX], refused[PATH_MAX] = "";
  program->reached_execution = true;
  if (strchr(command, '/')) {
    execve(command, arguments, program->environment);
    return describe_failure(program, command, errno);
  }
  const char *directory = variable(program->environment, "PATH");
  for (const char *end; directory && *command; directory = *end ? end + 1 : 0) {
    end = directory + strcspn(directory, ":");
    const int length = (int)(end - directory);
    if ((size_t)snprintf(path, sizeof path, "%.*s/%s", length ? length : 1, length ? directory : ".", command) >=
        sizeof path)
      continue;
    execve(path, arguments, program->environment);
    if (errno == EACCES && !*refused) /* another directory may have one that is executable */
      memcpy(refused, path, sizeof path);
    else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
      return describe_failure(program, path, errno);
    else if (errno == ENOENT && faccessat(AT_FDCWD, path, F_OK, 0) == 0)
      return describe_failure(program, path, ENOENT); /* it is there; what is missing is its interpreter */
  }
  describe_failure(program, *refused ? refused : command, *refused ? EACCES : ENOENT);
}

/* The recipe. Runs on a stack of its own in init's memory; touches nothing of init's but `program`. */
static int program_main(void *argument)
{
  struct program *program = argument;
  setsid();
  program_hold_signals(false);
  if (set_descriptors(program) && set_limits(program) && give_way(program) && take_identity(program) &&
      lock_in(program))
    execute(program);
  _exit(127);
}

pid_t program_start(struct program *program)
{
  /* One for each step: a sanitizer's marks on a stack outlive the process that leaves it without returning. */
  static _Alignas(16) char stacks[STEP_COUNT][STACK_BYTES];
  program->failure = (struct error){0};
  program->reached_execution = false;
  pid_t pid = clone(program_main, stacks[program->step] + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, program);
  if (pid < 0)
    return error_errno(&program->failure, "cannot start a process"), -1;
  if (!program->reached_execution && !program->failure.message[0])
    error_set(&program->failure, ERROR_INTERNAL, ECHILD, "the program's process died before it could execute");
  if (!program->failure.message[0])
    return pid;
  waitpid(pid, 0, 0);
  return -1;
}
