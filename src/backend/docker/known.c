#include "backend/backoff.h"
#include "backend/docker/docker_impl.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* Between two launches of an attempt that Docker fails to start. */
enum { FAILURE_MS_FIRST = 200, FAILURE_MS_MAX = 5000 };

struct known *known_find(const struct docker *docker, struct name name)
{
  for (struct known *known = docker->known; known; known = known->next)
    if (names_equal(known->name, name))
      return known;
  return 0;
}

struct known *known_get(struct docker *docker, struct name name)
{
  struct known *known = known_find(docker, name);
  if (known)
    return known;
  known = xcalloc(1, sizeof *known);
  *known = (struct known){.docker = docker, .name = name, .watch = -1, .next = docker->known};
  if (docker->known)
    docker->known->previous = known;
  docker->known = known;
  return known;
}

static void unwatch(struct known *known);

/* The keeper. */

static void on_keeper_dead(void *context)
{
  struct known *known = context;
  watch_destroy(known->keeper);
  known->keeper = 0;
  docker_hint(known->docker, known->name);
}

/* A pidfd is readable when the process has ended; and the first process of a pid namespace, as a keeper is, has not ended
 * before all others in it have (pid_namespaces(7)). */
static bool ended(int pidfd)
{
  struct pollfd end = {.fd = pidfd, .events = POLLIN};
  return poll(&end, 1, 0) > 0;
}

enum keeper_life known_keeper(struct known *known)
{
  if (known->keeper)
    return ended(watch_fd(known->keeper)) ? KEEPER_DEAD : KEEPER_ALIVE;
  int pidfd;
  enum keeper_life life = attempt_keeper(known->docker->attempts_fd, known->name, &pidfd);
  if (pidfd >= 0)
    known->keeper = watch_create(known->docker->loop, pidfd, on_keeper_dead, known);
  return life;
}

void known_kill_keeper(const struct known *known)
{
  if (known->keeper)
    (void)pidfd_send_signal(watch_fd(known->keeper), SIGKILL, 0, 0);
}

/* Remembering and forgetting. */

void known_let_go(struct known *known)
{
  bool needed = !known || known->launch || known->look || known->killing || known->removal || known->watch >= 0 ||
                known->keeper || known->started || known->reason[0] || known->delay_ms;
  if (needed)
    return;
  *(known->previous ? &known->previous->next : &known->docker->known) = known->next;
  if (known->next)
    known->next->previous = known->previous;
  free(known);
}

void known_forget(struct known *known)
{
  unwatch(known);
  watch_destroy(known->keeper);
  known->keeper = 0;
  known->started = false;
  known->reason[0] = 0;
  known->delay_ms = 0;
  known_let_go(known);
}

void known_failed(struct known *known, const char *reason)
{
  snprintf(known->reason, sizeof known->reason, "%s", reason);
  known->delay_ms = known->delay_ms ? backoff_longer(known->delay_ms, FAILURE_MS_MAX) : FAILURE_MS_FIRST;
  known->not_before = mono_add_ms(mono_now(), known->delay_ms);
}

/* The directories of living attempts. The keeper makes "start" when the program starts, and moves "exit" there last. */

struct directory_watch {
  struct docker *docker;
  struct watch *watch; /* NULL: there is no inotify to be had, and other hints have to do */
};

static void on_change(struct docker *docker, const struct inotify_event *event)
{
  bool matters = event->len && (!strcmp(event->name, "start") || !strcmp(event->name, "exit"));
  for (struct known *known = docker->known; known; known = known->next) {
    if (event->mask & IN_Q_OVERFLOW) {
      docker_hint(docker, known->name);
    } else if (known->watch == event->wd) {
      if (event->mask & IN_IGNORED)
        known->watch = -1; /* the directory is gone */
      else if (matters)
        docker_hint(docker, known->name);
      return;
    }
  }
}

static void on_inotify(void *context)
{
  struct directory_watch *watch = context;
  _Alignas(struct inotify_event) char bytes[16 * 1024];
  ssize_t length = read(watch_fd(watch->watch), bytes, sizeof bytes);
  for (ssize_t at = 0; at < length;) {
    const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);
    on_change(watch->docker, event);
    at += (ssize_t)(sizeof *event + event->len);
  }
}

struct directory_watch *directory_watch_create(struct docker *docker)
{
  struct directory_watch *watch = xcalloc(1, sizeof *watch);
  watch->docker = docker;
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  watch->watch = fd < 0 ? 0 : watch_create(docker->loop, fd, on_inotify, watch);
  return watch;
}

void directory_watch_destroy(struct directory_watch *watch)
{
  if (!watch)
    return;
  watch_destroy(watch->watch);
  free(watch);
}

void known_watch(struct known *known)
{
  struct docker *docker = known->docker;
  if (known->watch >= 0 || !docker->directory_watch->watch)
    return;
  CLEANUP_FREE char *path = xasprintf("%s/%s", docker->attempts_path, known->name.text);
  known->watch = inotify_add_watch(watch_fd(docker->directory_watch->watch), path,
                                   IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW);
}

static void unwatch(struct known *known)
{
  if (known->watch >= 0)
    inotify_rm_watch(watch_fd(known->docker->directory_watch->watch), known->watch);
  known->watch = -1;
}
