#include "backend/native/slot_impl.h"

#include "backend/native/spawn.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* In milliseconds. */
enum {
  CALL_MS_MAX = 250,      /* between two tries to connect */
  CALL_FAILED_MS = 10000, /* a keeper that cannot be connected to for so long is broken */
  KILL_STEP_MS = 3000,    /* from the request to our own kill, and from there to the end of the keeper */
  STABLE_MS = 10000,      /* a keeper that lived so long is replaced at once */
  RESPAWN_MS_FIRST = 100,
  RESPAWN_MS_MAX = 30000,
};

#define LOG_BYTES_MAX KIB(64)

static_assert(2 * KILL_STEP_MS < SEALING_MS_MAX, "a kill is carried through within the time there is to seal");

static const struct {
  bool counts;
} states[] = {
#define X(name, counts, meaning) [SLOT_##name] = {counts},
  SLOT_STATES(X)
#undef X
};

static void begin(struct slot *slot);
static void bequeath(struct slot *slot);
static void on_readable(void *context);
static void on_process_ended(void *context);

unsigned slot_index(const struct slot *slot)
{
  return slot->index;
}

enum slot_state slot_state(const struct slot *slot)
{
  return slot->state;
}

bool slot_counts(const struct slot *slot)
{
  return states[slot->state].counts && !slot->retiring;
}

bool slot_greeted(const struct slot *slot)
{
  return slot->state != SLOT_VACANT && slot->state != SLOT_CALLING && slot->state != SLOT_GREETING;
}

bool slot_retired(const struct slot *slot)
{
  return slot->retiring && slot->state == SLOT_VACANT;
}

bool slot_certain(const struct slot *slot)
{
  return !slot->stranger;
}

uint32_t slot_features(const struct slot *slot)
{
  return slot->features;
}

bool slot_holds(const struct slot *slot, struct name name)
{
  return slot->holds && names_equal(slot->name, name);
}

bool slot_ran_last(const struct slot *slot, struct name name)
{
  return names_equal(slot->name, name);
}

bool slot_connected(const struct slot *slot)
{
  return slot->socket && slot_greeted(slot);
}

const char *slot_trouble(const struct slot *slot)
{
  return slot->trouble;
}

void slot_enter(struct slot *slot, enum slot_state state, uint64_t ms)
{
  bool changed = slot->state != state && (states[slot->state].counts != states[state].counts || state == SLOT_IDLE);
  slot->state = state;
  if (ms == NEVER)
    timer_stop(slot->timer);
  else
    timer_set(slot->timer, ms);
  if (changed)
    slot->config->events.changed(slot->config->events.context);
}

void slot_answer(struct slot *slot, enum launch_result result, const char *reason)
{
  if (!slot->answer_due)
    return;
  slot->answer_due = false;
  slot->config->events.launched(slot->config->events.context, slot->name, result, reason);
}

void slot_hint(struct slot *slot, struct name name)
{
  slot->config->events.hint(slot->config->events.context, name);
}

void slot_let_go(struct slot *slot)
{
  slot->holds = false;
  fd_close(slot->init_pidfd);
  slot->init_pidfd = -1;
  slot->killed_by_us = false;
  timer_stop(slot->kill_timer);
}

/* Connecting. */

void slot_hang_up(struct slot *slot)
{
  watch_destroy(slot->socket);
  slot->socket = 0;
}

void slot_call_later(struct slot *slot)
{
  uint64_t ms = 1ull << (slot->calls < 8 ? slot->calls : 8);
  slot->calls++;
  slot_enter(slot, SLOT_CALLING, ms < CALL_MS_MAX ? ms : CALL_MS_MAX);
}

/* The keeper of an earlier daemon is no child of ours. Its pid is taken from the socket, and cannot have been used
 * again by the time it says hello through it. */
static void watch_stranger(struct slot *slot, int socket)
{
  struct ucred peer;
  socklen_t size = sizeof peer;
  int pidfd = getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? -1 : pidfd_open(peer.pid, 0);
  if (pidfd >= 0)
    slot->process = watch_create(slot->config->loop, pidfd, on_process_ended, slot);
}

/* 0, or a negative errno. The path of a Unix socket is short (unix(7)), that of a state directory may not be. */
static int dial(struct slot *slot)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", slot->directory);
  CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return -errno;
  if (!slot->process)
    watch_stranger(slot, fd);
  slot->socket = watch_create(slot->config->loop, TAKE_FD(fd), on_readable, slot);
  slot_enter(slot, SLOT_GREETING, GREETING_MS_MAX);
  return 0;
}

/* A keeper holds this lock as long as it lives. Where it cannot be looked at, it is taken to be held (law 9): what a living
 * keeper runs must not be taken for an orphan. */
static bool lock_is_held(const struct slot *slot)
{
  CLEANUP_FD int fd = openat(slot->directory, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  return fd < 0 ? errno != ENOENT : flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static void call_again(struct slot *slot)
{
  if (dial(slot) == 0)
    return;
  if (!slot->child && !slot->process && !lock_is_held(slot)) {
    bequeath(slot); /* it ended while we called */
    begin(slot);
    return;
  }
  bool given_up = mono_now().us > mono_add_ms(slot->began_at, CALL_FAILED_MS).us;
  if (given_up && slot->process) {
    log_warning(0, "keeper of slot %u does not answer; it is killed", slot->index);
    pidfd_send_signal(watch_fd(slot->process), SIGKILL, 0, 0);
  }
  slot_call_later(slot);
}

/* Starting and losing a keeper. */

static uint64_t respawn_delay_ms(const struct slot *slot)
{
  if (!slot->failures)
    return 0;
  unsigned doublings = slot->failures - 1 < 10 ? slot->failures - 1 : 10;
  uint64_t ms = (uint64_t)RESPAWN_MS_FIRST << doublings;
  return ms < RESPAWN_MS_MAX ? ms : RESPAWN_MS_MAX;
}

static bool start_keeper(struct slot *slot, struct error *error)
{
  const struct slot_config *config = slot->config;
  pid_t child = keeper_spawn(
    &(struct keeper_command){
      .keeper_path = config->keeper_path,
      .slot_path = slot->path,
      .evidence_path = config->evidence_path,
      .uid_base = config->uid_base + SLOT_UIDS * slot->index,
      .cgroups = config->cgroups,
    },
    error);
  if (child < 0)
    return false;
  int pidfd = pidfd_open(child, 0); /* nobody has waited for it, so the pid is its own */
  if (pidfd < 0) {
    error_errno(error, "cannot watch the keeper");
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    return false;
  }
  slot->child = child;
  slot->process = watch_create(config->loop, pidfd, on_process_ended, slot);
  return true;
}

/* Finds the keeper that an earlier daemon left, or starts one. */
static void begin(struct slot *slot)
{
  slot->calls = 0;
  slot->began_at = mono_now();
  slot->stranger = true;
  if (dial(slot) == 0)
    return;
  if (lock_is_held(slot)) {
    slot_call_later(slot);
    return;
  }
  slot->stranger = false;
  struct error error;
  if (slot->retiring) {
    slot_enter(slot, SLOT_VACANT, NEVER);
  } else if (start_keeper(slot, &error)) {
    slot->trouble[0] = 0;
    slot_call_later(slot);
  } else {
    slot->failures++;
    if (strcmp(slot->trouble, error.message) != 0) /* said already */
      log_error(0, "slot %u: %s", slot->index, error.message);
    memcpy(slot->trouble, error.message, sizeof slot->trouble);
    slot_enter(slot, SLOT_VACANT, respawn_delay_ms(slot));
  }
}

/* What the keeper wrote last to its log, without time and level: "" where there is nothing. */
static void read_last_words(const struct slot *slot, char *words, size_t size)
{
  static const char speaker[] = "assay-keeper: ";
  CLEANUP_BLOB struct blob *log = file_read(slot->directory, "log", LOG_BYTES_MAX, 0);
  const char *text = log ? (const char *)log->data : "", *last = text;
  for (const char *found = text; (found = strstr(found, speaker));)
    last = found += sizeof speaker - 1;
  snprintf(words, size, "%.*s", last == text ? 0 : (int)strcspn(last, "\n"), last);
}

/* Into `slot->trouble`. */
static void note_end(struct slot *slot)
{
  char words[256] = "", how[48] = "ended";
  int status;
  if (slot->child && waitpid(slot->child, &status, 0) == slot->child) {
    if (WIFSIGNALED(status))
      snprintf(how, sizeof how, "was killed by signal %d", WTERMSIG(status));
    else
      snprintf(how, sizeof how, "exited with code %d", WEXITSTATUS(status));
    read_last_words(slot, words, sizeof words);
  }
  slot->child = 0;
  snprintf(slot->trouble, sizeof slot->trouble, "the keeper %s%s%s", how, words[0] ? ": " : "", words);
}

/* What it was doing, given back. */
static void bequeath(struct slot *slot)
{
  const struct slot_events *events = &slot->config->events;
  if (slot->holds) {
    events->orphaned(events->context, slot->name, slot->init_pidfd);
    slot_answer(slot, LAUNCH_UNKNOWN, "the keeper died");
    slot_let_go(slot);
  }
  for (size_t i = 0; i < slot->removal_count; i++)
    events->unremoved(events->context, slot->removals[i]);
  slot->removal_count = slot->removals_before_run = 0;
}

static void on_process_ended(void *context)
{
  struct slot *slot = context;
  bool was_leaving = slot->stranger; /* an earlier daemon's, idle, that saw that one go and had not gone yet itself */
  note_end(slot);
  if (!slot->retiring && !was_leaving)
    log_warning(0, "slot %u: %s; another is started", slot->index, slot->trouble);
  slot_hang_up(slot);
  watch_destroy(slot->process);
  slot->process = 0;
  slot->stranger = false;
  bequeath(slot);
  if (was_leaving) {
    begin(slot);
    return;
  }
  bool stable = slot_greeted(slot) && mono_now().us > mono_add_ms(slot->began_at, STABLE_MS).us;
  slot->failures = stable ? 0 : slot->failures + 1;
  slot_enter(slot, SLOT_VACANT, slot->retiring ? NEVER : respawn_delay_ms(slot));
}

static void on_readable(void *context)
{
  slot_listen(context);
}

static void on_timer(void *context)
{
  struct slot *slot = context;
  switch (slot->state) {
  case SLOT_VACANT:
    begin(slot);
    break;
  case SLOT_CALLING:
    call_again(slot);
    break;
  case SLOT_GREETING:
    slot_hang_up(slot);
    slot_call_later(slot);
    break;
  case SLOT_PENDING:
    slot_answer(slot, LAUNCH_UNKNOWN, "the keeper does not answer");
    break;
  case SLOT_SETTLING:
    log_warning(0, "slot %u is put aside: a process of %s could not be killed yet", slot->index, slot->name.text);
    slot_enter(slot, SLOT_ASIDE, NEVER);
    break;
  case SLOT_RESTING:
    slot_enter(slot, SLOT_IDLE, NEVER);
    break;
  case SLOT_IDLE:
  case SLOT_RUNNING:
  case SLOT_ASIDE:
  case SLOT_UNFIT:
    break;
  }
}

/* Orders. */

static bool send_to_keeper(struct slot *slot, const struct control_message *message, int fd)
{
  return slot_connected(slot) && control_send(watch_fd(slot->socket), message, fd) == 0;
}

bool slot_run(struct slot *slot, struct name name, int plan_fd)
{
  ASSERT(slot->state == SLOT_IDLE);
  struct control_message message = control_make(CONTROL_RUN, name.text);
  if (!send_to_keeper(slot, &message, plan_fd)) {
    slot_hang_up(slot);
    slot_call_later(slot);
    return false;
  }
  FAILPOINT(launch_sent);
  slot->name = name;
  slot->holds = slot->answer_due = true;
  slot->removals_before_run = slot->removal_count;
  slot_enter(slot, SLOT_PENDING, LAUNCH_MS_MAX);
  return true;
}

static void end_tree(struct slot *slot)
{
  slot->killed_by_us = true;
  slot->config->events.unresponsive(slot->config->events.context, slot->name, slot->init_pidfd);
  if (!timer_pending(slot->kill_timer)) /* asking again gives no more time */
    timer_set(slot->kill_timer, KILL_STEP_MS);
}

static void on_kill_timer(void *context)
{
  struct slot *slot = context;
  if (!slot->killed_by_us) {
    end_tree(slot);
  } else if (slot->process) {
    log_warning(0, "keeper of slot %u does not end %s; it is killed", slot->index, slot->name.text);
    pidfd_send_signal(watch_fd(slot->process), SIGKILL, 0, 0);
  }
}

void slot_kill(struct slot *slot, enum kill_reason reason)
{
  if (!slot->holds)
    return;
  struct control_message message = control_make(CONTROL_KILL, slot->name.text);
  message.value = reason;
  if (!send_to_keeper(slot, &message, -1))
    end_tree(slot);
  else if (!timer_pending(slot->kill_timer))
    timer_set(slot->kill_timer, KILL_STEP_MS);
}

bool slot_remove(struct slot *slot, struct name name)
{
  struct control_message message = control_make(CONTROL_REMOVE, name.text);
  if (!send_to_keeper(slot, &message, -1))
    return false;
  slot->removals = xrealloc(slot->removals, (slot->removal_count + 1) * sizeof *slot->removals);
  slot->removals[slot->removal_count++] = name;
  return true;
}

void slot_quit(struct slot *slot)
{
  struct control_message message = control_make(CONTROL_QUIT, 0);
  (void)send_to_keeper(slot, &message, -1);
}

bool slot_gone_by(struct slot *slot, struct mono deadline)
{
  if (!slot->process)
    return !lock_is_held(slot);
  struct mono now = mono_now();
  struct pollfd ended = {.fd = watch_fd(slot->process), .events = POLLIN};
  return poll(&ended, 1, deadline.us > now.us ? (int)((deadline.us - now.us) / 1000) : 0) == 1;
}

/* Its own life. */

void slot_pump(struct slot *slot)
{
  struct pollfd ended = {.fd = watch_fd(slot->process), .events = POLLIN};
  if (slot->socket)
    slot_listen(slot);
  else if (slot->state == SLOT_CALLING)
    call_again(slot);
  if (slot->process && poll(&ended, 1, 0) == 1)
    on_process_ended(slot);
}

struct slot *slot_create(const struct slot_config *config, unsigned index, bool retiring, struct error *error)
{
  struct slot *slot = xcalloc(1, sizeof *slot);
  slot->config = config;
  slot->index = index;
  slot->retiring = retiring;
  slot->path = xasprintf("%s/slot-%u", config->native_path, index);
  slot->init_pidfd = -1;
  slot->timer = timer_make(config->loop, on_timer, slot);
  slot->kill_timer = timer_make(config->loop, on_kill_timer, slot);
  if (!retiring && mkdir(slot->path, 0700) < 0 && errno != EEXIST)
    error_errno(error, "cannot make %s", slot->path);
  slot->directory = open(slot->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (slot->directory < 0) {
    error_errno(error, "cannot open %s", slot->path);
    slot_destroy(slot);
    return 0;
  }
  begin(slot);
  return slot;
}

void slot_destroy(struct slot *slot)
{
  if (!slot)
    return;
  slot_hang_up(slot);
  watch_destroy(slot->process);
  if (slot->child)
    waitpid(slot->child, 0, WNOHANG); /* if it has ended; otherwise it lives on without us */
  timer_destroy(slot->timer);
  timer_destroy(slot->kill_timer);
  fd_close(slot->init_pidfd);
  fd_close(slot->directory);
  free(slot->removals);
  free(slot->path);
  free(slot);
}
