/*
 * The native backend, theory of operation.
 *
 *   assayd ── native ─┬─ slot 0 ══ assay-keeper ── init ── program        STATE/native/slot-0/{socket,lock,log}
 *                     └─ slot 1 ══ assay-keeper                           STATE/evidence/<name>/{start,stdout,…,exit}
 *
 * A slot (slot.c) is a directory and one keeper process, which runs one evaluation after another. The two talk in
 * packets over a Unix socket on which the keeper listens (wire/control.h). The keeper needs no daemon to finish what it
 * runs: a daemon that was killed and started again finds the lock held, connects, and hears in the greeting what is
 * running. A keeper that dies takes its sandbox with it; its slot notices by a pidfd, starts another one, and gives
 * back what was running as an orphan: its tree is ended and watched until it is confirmed dead.
 *
 * Nothing a keeper says is a verdict, or even kept. STARTED and ENDED are hints, upon which the core looks (observe.c):
 * whether a keeper holds the name, whether processes of it are alive (tree.c), and what the evidence directory holds
 * (evidence_read.c). Whatever cannot be told is UNKNOWN: a slot whose keeper has not greeted yet makes everything
 * unknown that it might be running. So nothing here has to be remembered across a crash.
 *
 * At most one start: a name that a keeper holds, or that has a start marker, is not sent again; and should two keepers
 * be sent the same name all the same, one of them finds the start marker, which is made with O_EXCL, and answers KNOWN.
 *
 * Nothing is done while a message is read or an operation called. What follows is queued (answers.c) and done on the
 * loop's next turn. What must be tried until it works, ending orphans and removing what is busy, is a chore (chores.c).
 * When all is quiet no timer runs.
 *
 * Cgroups are made below one directory for this daemon, "assay-<instance>", in each hierarchy that serves
 * (cgroup_detect.c). The instance is a digest of the state directory's device and inode, so that a restarted daemon
 * comes to the same place and two daemons never do. The user ids of sandboxes come from the same digest: see uids_of().
 */

#include "backend/native/native_impl.h"
#include "base/fd.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  GREETINGS_MS_MAX = 5000,       /* for all keepers to greet at the start */
  FIRST_GREETING_MS_MAX = 20000, /* for one of them, without which there is no starting: a host may be very busy */
  FAREWELL_MS_MAX = 300,         /* for idle keepers to go at the end */
  PUMP_MS = 1,
};

struct slot *native_holder(const struct native *native, struct name name)
{
  for (unsigned i = 0; i < native->slot_count; i++)
    if (slot_holds(native->slots[i], name))
      return native->slots[i];
  return 0;
}

bool native_certain(const struct native *native)
{
  for (unsigned i = 0; i < native->slot_count; i++)
    if (!slot_certain(native->slots[i]))
      return false;
  return true;
}

const struct cgroup_layout *native_cgroups(const struct backend *backend)
{
  return &((const struct native *)backend)->cgroups;
}

/* What slots tell: noted here, done on the next turn. */

static void on_launched(void *context, struct name name, enum launch_result result, const char *reason)
{
  struct native *native = context;
  answers_tell_launched(native->answers, name, result, reason);
}

static void on_hint(void *context, struct name name)
{
  struct native *native = context;
  answers_tell(native->answers, ANSWER_HINT, name);
}

static void on_changed(void *context)
{
  struct native *native = context;
  answers_tell(native->answers, ANSWER_SLOTS, (struct name){0});
}

static void on_unresponsive(void *context, struct name name, int init_pidfd)
{
  native_end_tree(context, name, init_pidfd);
}

static void on_orphaned(void *context, struct name name, int init_pidfd)
{
  struct native *native = context;
  native_end_tree(native, name, init_pidfd);
  chores_add(native->chores, CHORE_BURY, name);
}

static void on_unremoved(void *context, struct name name)
{
  struct native *native = context;
  chores_add(native->chores, CHORE_REMOVE, name);
}

/* The turn. */

static void drop_retired(struct native *native)
{
  unsigned kept = 0;
  for (unsigned i = 0; i < native->slot_count; i++) {
    if (slot_retired(native->slots[i]))
      slot_destroy(native->slots[i]);
    else
      native->slots[kept++] = native->slots[i];
  }
  native->slot_count = kept;
}

static uint32_t common_features(const struct native *native)
{
  uint32_t features = UINT32_MAX;
  bool any = false;
  for (unsigned i = 0; i < native->slot_count; i++)
    if (slot_greeted(native->slots[i])) {
      features &= slot_features(native->slots[i]);
      any = true;
    }
  return any ? features : native->features;
}

static void settle_slots(struct native *native)
{
  drop_retired(native);
  native->features = common_features(native);
  native_launch_waiting(native);

  unsigned capacity = 0;
  bool idle = false;
  for (unsigned i = 0; i < native->slot_count; i++) {
    capacity += slot_counts(native->slots[i]);
    idle = idle || slot_state(native->slots[i]) == SLOT_IDLE;
  }
  if (capacity == native->capacity && !(native->was_refused && idle))
    return;
  native->capacity = capacity;
  native->was_refused = native->was_refused && !idle;
  native->backend.events.capacity(native->backend.events.context, native->backend.name, capacity);
}

static void deliver(void *context, const struct answer *answer)
{
  struct native *native = context;
  const struct backend_events *events = &native->backend.events;
  switch (answer->kind) {
  case ANSWER_LAUNCHED:
    native->was_refused = native->was_refused || answer->result == LAUNCH_BUSY;
    events->launched(events->context, answer->name, answer->result, answer->reason);
    break;
  case ANSWER_OBSERVED:
    native_look(native, answer->name);
    break;
  case ANSWER_HINT:
    events->hint(events->context, answer->name);
    break;
  case ANSWER_SLOTS:
    settle_slots(native);
    break;
  case ANSWER_FOUND:
    events->found(events->context, native->backend.name, answer->name);
    break;
  }
}

/* Making it. */

static uint64_t identity_of(const struct stat *directory)
{
  uint64_t identity[] = {directory->st_dev, directory->st_ino};
  return digest_bytes(identity, sizeof identity);
}

/*
 * The first user id of this daemon's sandboxes. 0x70000000 … 0x7ffdffff is the range that systemd's table of ids
 * (https://systemd.io/UIDS-GIDS) leaves unused above those of its containers: no account, no container has them. Each
 * daemon takes a block in it, by its identity, and each slot SLOT_UIDS of that.
 */
static uint32_t uids_of(uint64_t identity)
{
  enum { FIRST = 0x70000000, LAST = 0x7ffdffff, BLOCK = NATIVE_SLOTS_MAX * SLOT_UIDS };
  uint32_t blocks = (LAST - FIRST + 1) / BLOCK;
  return FIRST + (uint32_t)((identity >> 32) % blocks) * BLOCK;
}

static bool make_directory(const char *path, struct error *error)
{
  return mkdir(path, 0700) == 0 || errno == EEXIST || error_errno(error, "cannot make %s", path);
}

static bool open_state(struct native *native, const struct native_config *config, uint64_t *ret_identity,
                       struct error *error)
{
  struct stat status;
  if (stat(config->state_dir, &status) < 0)
    return error_errno(error, "cannot use %s", config->state_dir);
  *ret_identity = identity_of(&status);
  if (!make_directory(native->native_path, error) || !make_directory(native->evidence_path, error))
    return false;
  native->evidence_fd = open(native->evidence_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return native->evidence_fd >= 0 || error_errno(error, "cannot open %s", native->evidence_path);
}

static bool add_slot(struct native *native, unsigned index, bool retiring, struct error *error)
{
  struct slot *slot = slot_create(&native->slot_config, index, retiring, error);
  if (!slot)
    return false;
  native->slots = xrealloc(native->slots, (native->slot_count + 1) * sizeof(struct slot *));
  native->slots[native->slot_count++] = slot;
  return true;
}

/* Whether `name` is that of a slot's directory. */
static bool parse_slot_name(const char *name, unsigned *ret)
{
  static const char prefix[] = "slot-";
  uint64_t index;
  if (strncmp(name, prefix, sizeof prefix - 1) != 0 ||
      !parse_u64_text(name + sizeof prefix - 1, NATIVE_SLOTS_MAX - 1, &index))
    return false;
  *ret = (unsigned)index;
  return true;
}

/* Keepers in slots beyond those that are wanted now: an earlier daemon had more. */
static bool add_retiring_slots(struct native *native, unsigned wanted, struct error *error)
{
  DIR *directory = opendir(native->native_path);
  if (!directory)
    return error_errno(error, "cannot read %s", native->native_path);
  bool done = true;
  for (struct dirent *entry; done && (entry = readdir(directory));) {
    unsigned index;
    if (parse_slot_name(entry->d_name, &index) && index >= wanted)
      done = add_slot(native, index, true, error);
  }
  closedir(directory);
  return done;
}

static bool add_slots(struct native *native, const struct native_config *config, struct error *error)
{
  for (unsigned i = 0; i < config->slots; i++)
    if (!add_slot(native, i, false, error))
      return false;
  return add_retiring_slots(native, config->slots, error);
}

/* Without turning the loop, so that nothing of the rest of the daemon happens in the middle of its start. */
static void await_greetings(struct native *native)
{
  struct mono begun_at = mono_now();
  bool waiting = true, greeted = false;
  while (waiting && mono_now().us < mono_add_ms(begun_at, greeted ? GREETINGS_MS_MAX : FIRST_GREETING_MS_MAX).us) {
    waiting = false;
    for (unsigned i = 0; i < native->slot_count; i++) {
      slot_pump(native->slots[i]);
      /* A vacant one has failed: its own timer tries it again later. */
      waiting = waiting || (!slot_greeted(native->slots[i]) && slot_state(native->slots[i]) != SLOT_VACANT);
      greeted = greeted || slot_greeted(native->slots[i]);
    }
    if (waiting)
      poll(0, 0, PUMP_MS);
  }
}

static bool refuse_partial(const struct native *native, struct error *error)
{
  char missing[256] = "";
  for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++) {
    size_t used = strlen(missing);
    if (isolation_feature_needed(i) && !(native->features & 1u << i))
      snprintf(missing + used, sizeof missing - used, "%s%s", used ? "; " : "", isolation_feature_missing(i));
  }
  return error_set(error, ERROR_UNAVAILABLE, 0, "this host cannot isolate fully: %s%s%.150s", missing,
                   native->cgroups.explanation[0] ? "; " : "", native->cgroups.explanation);
}

static bool ready(const struct native *native, bool strict, struct error *error)
{
  const struct slot *greeted = 0, *troubled = 0;
  for (unsigned i = 0; i < native->slot_count; i++) {
    if (slot_greeted(native->slots[i]))
      greeted = native->slots[i];
    else if (slot_trouble(native->slots[i])[0])
      troubled = native->slots[i];
  }
  if (!greeted)
    return error_set(error, ERROR_UNAVAILABLE, 0, "no keeper could be started: %.400s",
                     troubled ? slot_trouble(troubled) : "none has answered");
  return !strict || isolation_level(native->features) == ISOLATION_LEVEL_FULL || refuse_partial(native, error);
}

static struct native *allocate(uv_loop_t *loop, const struct native_config *config, const struct backend_events *events)
{
  struct native *native = xcalloc(1, sizeof *native);
  native->backend = (struct backend){.name = "native", .operations = &native_operations, .events = *events};
  native->keeper_path = xstrdup(config->keeper_path);
  native->native_path = xasprintf("%s/native", config->state_dir);
  native->evidence_path = xasprintf("%s/evidence", config->state_dir);
  native->evidence_fd = -1;
  native->answers = answers_create(loop, deliver, native);
  native->chores = chores_create(loop, native_do_chore, native);
  return native;
}

static struct slot_config configure_slots(struct native *native, uv_loop_t *loop, bool strict, uint64_t identity)
{
  return (struct slot_config){
    .loop = loop,
    .keeper_path = native->keeper_path,
    .native_path = native->native_path,
    .evidence_path = native->evidence_path,
    .cgroups = &native->cgroups,
    .uid_base = uids_of(identity),
    .strict = strict,
    .events = {native, on_launched, on_hint, on_changed, on_unresponsive, on_orphaned, on_unremoved},
  };
}

struct backend *native_create(uv_loop_t *loop, const struct native_config *config, const struct backend_events *events,
                              struct error *error)
{
  ASSERT(config->slots >= 1 && config->slots <= NATIVE_SLOTS_MAX && config->state_dir[0] == '/');
  struct native *native = allocate(loop, config, events);
  uint64_t identity = 0;
  bool done = open_state(native, config, &identity, error);
  if (done) {
    char instance[16];
    snprintf(instance, sizeof instance, "%08x", (unsigned)identity);
    cgroup_detect(instance, config->cgroup, &native->cgroups);
    native->slot_config = configure_slots(native, loop, config->strict, identity);
    done = add_slots(native, config, error);
  }
  if (done) {
    await_greetings(native);
    native->features = common_features(native);
    on_changed(native);
    done = ready(native, config->strict, error);
  }
  if (!done) {
    native_destroy(&native->backend);
    return 0;
  }
  return &native->backend;
}

/* Ending it. */

/* Idle keepers are sent away, so that the cgroups' directories can go too. Those that still run something keep them. */
static void say_farewell(struct native *native)
{
  struct mono deadline = mono_add_ms(mono_now(), FAREWELL_MS_MAX);
  bool gone = true;
  for (unsigned i = 0; i < native->slot_count; i++)
    slot_quit(native->slots[i]);
  for (unsigned i = 0; i < native->slot_count; i++)
    gone = gone && slot_gone_by(native->slots[i], deadline);
  if (gone)
    cgroup_release(&native->cgroups);
}

void native_destroy(struct backend *backend)
{
  struct native *native = (struct native *)backend;
  say_farewell(native);
  for (unsigned i = 0; i < native->slot_count; i++)
    slot_destroy(native->slots[i]);
  for (size_t i = 0; i < native->waiting_count; i++)
    blob_unref(native->waiting[i].plan);
  answers_destroy(native->answers);
  chores_destroy(native->chores);
  fd_close(native->evidence_fd);
  free(native->waiting);
  free(native->slots);
  free(native->keeper_path);
  free(native->native_path);
  free(native->evidence_path);
  free(native);
}
