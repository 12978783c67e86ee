#include "base/failpoint.h"

#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char variable[] = "ASSAY_FAILPOINT=";
enum { SLEEP_MS = 500, HIT_MAX = 1000000, SETTING_SIZE = 4096 };

static const struct {
  const char *name;
  bool can_fail;
} points[FAILPOINT_COUNT] = {
#define X(name, can_fail, when) [FAILPOINT_##name] = {#name, can_fail},
  FAILPOINTS(X)
#undef X
};

enum action { ACTION_NONE, ACTION_KILL, ACTION_SLEEP, ACTION_ERROR, ACTION_COUNT };
static const char *const actions[ACTION_COUNT] = {"none", "kill", "sleep", "error"};

/* Written before main(). `passed` is changed by the one thread that the armed place belongs to. */
static struct {
  enum failpoint point;
  enum action action;
  uint64_t hit, passed;
  int directory; /* opened at the start: a keeper changes its root later */
} armed;

char *failpoint_variable(void)
{
  for (char **entry = environ; entry && *entry; entry++)
    if (!strncmp(*entry, variable, sizeof variable - 1))
      return *entry;
  return 0;
}

/* The fields of `setting`, which is cut into pieces. False where it makes no sense. */
static bool parse(char *setting)
{
  const char *name = strsep(&setting, ":"), *hit = strsep(&setting, ":"), *action = strsep(&setting, ":");
  if (!hit || !action || !setting || !parse_u64_text(hit, HIT_MAX, &armed.hit) || !armed.hit)
    return false;
  while (armed.point < FAILPOINT_COUNT && strcmp(points[armed.point].name, name) != 0)
    armed.point++;
  while (armed.action < ACTION_COUNT && strcmp(actions[armed.action], action) != 0)
    armed.action++;
  if (armed.point == FAILPOINT_COUNT || armed.action == ACTION_NONE || armed.action == ACTION_COUNT ||
      (armed.action == ACTION_ERROR && !points[armed.point].can_fail))
    return false;
  int directory = open(setting, O_PATH | O_DIRECTORY | O_CLOEXEC);
  armed.directory = fcntl(directory, F_DUPFD_CLOEXEC, STDERR_FILENO + 1); /* 0, 1 and 2 are filled later */
  close(directory);
  return armed.directory >= 0;
}

__attribute__((constructor)) static void arm(void)
{
  char setting[SETTING_SIZE];
  const char *text = failpoint_variable();
  if (!text)
    return;
  snprintf(setting, sizeof setting, "%s", text + sizeof variable - 1);
  if (parse(setting))
    return;
  dprintf(STDERR_FILENO, "%s: no such failpoint, hit, action or directory\n", text);
  _exit(2);
}

/* False where the file is there already. */
static bool leave_mark(void)
{
  int file = openat(armed.directory, points[armed.point].name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0)
    close(file);
  return file >= 0;
}

bool failpoint_passed(enum failpoint point)
{
  if (armed.action == ACTION_NONE || armed.point != point || ++armed.passed != armed.hit || !leave_mark())
    return false;
  const struct timespec half_a_second = {.tv_nsec = SLEEP_MS * 1000000L};
  switch (armed.action) {
  case ACTION_KILL:
    kill(getpid(), SIGKILL);
    break;
  case ACTION_SLEEP:
    nanosleep(&half_a_second, 0);
    break;
  default:
    errno = EIO;
    return true;
  }
  return false;
}
