#include "backend/directory.h"
#include "backend/native/cleanup.h"
#include "backend/native/doctor.h"
#include "backend/native/native_impl.h"
#include "backend/native/tree.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct native *native_of(struct backend *backend)
{
  return (struct native *)backend;
}

/* Launching. */

static void answer_launch(struct native *native, struct name name, enum launch_result result, const char *reason)
{
  if (result == LAUNCH_BUSY)
    native->was_refused = true;
  answers_tell_launched(native->answers, name, result, reason);
}

/* Sealed, so that a keeper reads what it was given, whatever becomes of us. -1 with errno. */
static int plan_to_memory(const struct blob *plan)
{
  CLEANUP_FD int fd = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || !fd_write_all(fd, plan->data, plan->size) || lseek(fd, 0, SEEK_SET) < 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
    return -1;
  return TAKE_FD(fd);
}

/* In turn, as a keeper that has just become idle is still making its next sandbox. */
static struct slot *find_slot(const struct native *native, enum slot_state state)
{
  for (unsigned i = 0; i < native->slot_count; i++) {
    struct slot *slot = native->slots[(native->slot_next + i) % native->slot_count];
    if (slot_state(slot) == state && slot_counts(slot))
      return slot;
  }
  return 0;
}

/* True where it was sent, or answered: there is nothing to wait for. */
static bool launch_now(struct native *native, struct name name, const struct blob *plan)
{
  struct slot *slot = find_slot(native, SLOT_IDLE);
  if (!slot)
    return false;
  CLEANUP_FD int fd = plan_to_memory(plan);
  if (fd < 0) {
    answer_launch(native, name, LAUNCH_BUSY, strerror(errno));
    return true;
  }
  /* A slot that cannot be told is idle no more, so this ends. */
  for (; slot; slot = find_slot(native, SLOT_IDLE))
    if (slot_run(slot, name, fd)) {
      native->slot_next = slot_index(slot) + 1;
      return true;
    }
  return false;
}

bool native_waits(const struct native *native, struct name name)
{
  for (size_t i = 0; i < native->waiting_count; i++)
    if (!strcmp(native->waiting[i].name.text, name.text))
      return true;
  return false;
}

static void wait_for_slot(struct native *native, struct name name, struct blob *plan)
{
  native->waiting = xrealloc(native->waiting, (native->waiting_count + 1) * sizeof *native->waiting);
  native->waiting[native->waiting_count++] = (struct waiting){name, blob_ref(plan)};
}

/* Sends it, answers it, or, where a slot is about to become free, keeps it. True unless kept. */
static bool launch_or_answer(struct native *native, struct name name, const struct blob *plan)
{
  if (launch_now(native, name, plan))
    return true;
  if (find_slot(native, SLOT_SETTLING))
    return false;
  answer_launch(native, name, LAUNCH_BUSY, "no slot is free");
  return true;
}

void native_launch_waiting(struct native *native)
{
  size_t kept = 0;
  for (size_t i = 0; i < native->waiting_count; i++) {
    struct waiting waiting = native->waiting[i];
    if (launch_or_answer(native, waiting.name, waiting.plan))
      blob_unref(waiting.plan);
    else
      native->waiting[kept++] = waiting;
  }
  native->waiting_count = kept;
}

static void operation_launch(struct backend *backend, struct name name, struct blob *plan)
{
  struct native *native = native_of(backend);
  int started = evidence_started(native->evidence_fd, name);
  if (started < 0)
    answer_launch(native, name, LAUNCH_UNKNOWN, strerror(-started));
  else if (started || native_holder(native, name))
    answer_launch(native, name, LAUNCH_ACCEPTED, 0);
  else if (!native_waits(native, name) && !launch_or_answer(native, name, plan))
    wait_for_slot(native, name, plan);
}

static void operation_observe(struct backend *backend, struct name name)
{
  answers_tell(native_of(backend)->answers, ANSWER_OBSERVED, name);
}

/* Killing and removing. */

void native_end_tree(struct native *native, struct name name, int init_pidfd)
{
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  bool marked = evidence_read(native->evidence_fd, name, &evidence, 0) && evidence.marked;
  tree_kill(&native->cgroups, marked ? &evidence.marker : 0, init_pidfd);
}

static void operation_kill(struct backend *backend, struct name name, enum kill_reason reason)
{
  struct native *native = native_of(backend);
  struct slot *holder = native_holder(native, name);
  if (holder)
    slot_kill(holder, reason);
  else
    native_end_tree(native, name, -1);
}

/* A keeper that has nothing else to do, preferably the one whose work it was. */
static struct slot *find_remover(const struct native *native, struct name name)
{
  for (unsigned i = 0; i < native->slot_count; i++)
    if (slot_ran_last(native->slots[i], name) && slot_connected(native->slots[i]))
      return native->slots[i];
  return find_slot(native, SLOT_IDLE);
}

static void operation_remove(struct backend *backend, struct name name)
{
  struct native *native = native_of(backend);
  struct slot *holder = native_holder(native, name);
  if (holder)
    slot_kill(holder, KILLED_DEADLINE); /* its verdict stands: whatever it does now counts no more */
  struct slot *remover = holder ? 0 : find_remover(native, name);
  evidence_drop_deliveries(native->evidence_fd, name); /* which the keeper knows nothing of */
  if (!remover || !slot_remove(remover, name))
    chores_add(native->chores, CHORE_REMOVE, name);
}

static bool bury(struct native *native, struct name name)
{
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  if (!evidence_read(native->evidence_fd, name, &evidence, 0))
    return false;
  if (tree_life(&native->cgroups, evidence.marked ? &evidence.marker : 0) != LIFE_GONE) {
    native_end_tree(native, name, -1);
    return false;
  }
  answers_tell(native->answers, ANSWER_HINT, name);
  return true;
}

bool native_do_chore(void *context, enum chore_kind kind, struct name name)
{
  struct native *native = context;
  switch (kind) {
  case CHORE_BURY:
    return bury(native, name);
  case CHORE_REMOVE:
    if (native_holder(native, name))
      return false;
    native_end_tree(native, name, -1);
    return attempt_remove(native->evidence_fd, &native->cgroups, name);
  }
  return true;
}

static void add_found(void *context, struct name name)
{
  answers_tell(context, ANSWER_FOUND, name);
}

static void operation_list(struct backend *backend)
{
  struct native *native = native_of(backend);
  directory_each_attempt(native->evidence_fd, add_found, native->answers);
}

static int operation_evidence(struct backend *backend, struct name name)
{
  return evidence_open(native_of(backend)->evidence_fd, name);
}

static uint32_t operation_isolation(const struct backend *backend)
{
  return ((const struct native *)backend)->features;
}

static void operation_doctor(const struct backend *backend, struct doctor_report *ret)
{
  static_assert(+DOCTOR_CHECK_COUNT <= +DOCTOR_CHECKS_MAX, "every check finds its place in the report");
  const struct native *native = (const struct native *)backend;
  native_doctor(&(struct doctor_subject){.cgroups = &native->cgroups,
                                         .features = native->features,
                                         .state_dir = native->evidence_path},
                ret->checks);
  ret->count = DOCTOR_CHECK_COUNT;
}

const struct backend_operations native_operations = {
  .launch = operation_launch,
  .observe = operation_observe,
  .kill = operation_kill,
  .remove = operation_remove,
  .list = operation_list,
  .evidence = operation_evidence,
  .isolation = operation_isolation,
  .doctor = operation_doctor,
  .destroy = native_destroy,
};
