#include "backend/kubernetes/kubernetes_impl.h"

#include "backend/backoff.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Between two launches of an attempt that the cluster refuses. */
enum { FAILURE_MS_FIRST = 200, FAILURE_MS_MAX = 5000 };

/* In the attempt's directory: its program's container was seen running. */
#define ATTEMPT_RAN "ran"
/* And this: the pod that may start it, by its uid. */
#define ATTEMPT_GRANTED "granted"
/* And this: we deleted its pod, and why, as text. */
#define ATTEMPT_KILLED "killed"

struct known *kube_known_find(const struct kubernetes *kubernetes, struct name name)
{
  for (struct known *known = kubernetes->known; known; known = known->next)
    if (names_equal(known->name, name))
      return known;
  return 0;
}

/* The caller frees. */
static char *path_of(const struct known *known, const char *file)
{
  return xasprintf("%s/%s", known->name.text, file);
}

static bool has_run(const struct known *known)
{
  CLEANUP_FREE char *path = path_of(known, ATTEMPT_RAN);
  return faccessat(known->kubernetes->attempts_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void read_granted(struct known *known)
{
  CLEANUP_FREE char *path = path_of(known, ATTEMPT_GRANTED);
  CLEANUP_BLOB struct blob *uid = file_read(known->kubernetes->attempts_fd, path, UID_SIZE - 1, 0);
  if (uid)
    memcpy(known->memory.granted, uid->data, uid->size);
}

struct known *kube_known_get(struct kubernetes *kubernetes, struct name name)
{
  struct known *known = kube_known_find(kubernetes, name);
  if (known)
    return known;
  known = xcalloc(1, sizeof *known);
  *known = (struct known){.kubernetes = kubernetes, .name = name, .next = kubernetes->known};
  log_evidence_forget_older(kubernetes->attempts_fd, name);
  known->memory.ran = has_run(known);
  read_granted(known);
  if (kubernetes->known)
    kubernetes->known->previous = known;
  kubernetes->known = known;
  return known;
}

static bool memory_needed(const struct kube_memory *memory)
{
  return memory->given_up || memory->waiting_since.us || memory->deleted_since.us;
}

void kube_known_let_go(struct known *known)
{
  bool needed = !known || known->launch || known->look || known->follow || known->killing || known->removal ||
                known->secrets.revoked || known->occupies || known->read_along || known->pod_print ||
                memory_needed(&known->memory) || known->reason[0] || known->refusal[0] || known->end[0] ||
                known->delay_ms;
  if (needed)
    return;
  *(known->previous ? &known->previous->next : &known->kubernetes->known) = known->next;
  if (known->next)
    known->next->previous = known->previous;
  pod_seen_release(&known->told.pod);
  free(known);
}

static void set_memory(struct known *known, const struct kube_memory *memory)
{
  struct kubernetes *kubernetes = known->kubernetes;
  const bool waited = known->memory.waits_for == WAITS_FOR_NODE, waits = memory->waits_for == WAITS_FOR_NODE;
  kubernetes->unscheduled += (unsigned)waits - (unsigned)waited;
  known->memory = *memory;
  if (waited && !waits)
    kubernetes_capacity_changed(kubernetes);
}

void kube_known_forget(struct known *known)
{
  set_memory(known, &(struct kube_memory){.ran = known->memory.ran}); /* its directory is gone, if nothing is left */
  kube_known_occupies(known, false);
  kube_follow_abandon(known->follow);
  cluster_call_cancel(known->secrets.revocation);
  pod_seen_release(&known->told.pod);
  known->secrets = (struct secrets){0};
  known->told = (struct told){0};
  known->read_along = false;
  known->pod_print = 0;
  known->reason[0] = known->refusal[0] = known->end[0] = 0;
  known->delay_ms = 0;
  kube_known_let_go(known);
}

void kube_known_failed(struct known *known, const char *reason)
{
  snprintf(known->reason, sizeof known->reason, "%s", reason);
  known->delay_ms = known->delay_ms ? backoff_longer(known->delay_ms, FAILURE_MS_MAX) : FAILURE_MS_FIRST;
  known->not_before = mono_add_ms(mono_now(), known->delay_ms);
}

void kube_known_occupies(struct known *known, bool occupies)
{
  struct kubernetes *kubernetes = known->kubernetes;
  if (known->occupies == occupies)
    return;
  known->occupies = occupies;
  kubernetes->occupied += occupies ? 1 : -1u;
  if (!occupies && kubernetes->was_refused)
    kubernetes_capacity_changed(kubernetes);
}

void kube_known_revoked(struct known *known, const struct cluster_answer *answer)
{
  known->secrets.revoked = true;
  known->secrets.gone = answer->outcome == CLUSTER_DONE && !known->secrets.in_doubt;
}

/* Where this fails, they go with the rest. */
static void on_revoked(void *context, const struct cluster_answer *answer)
{
  struct known *known = context;
  known->secrets.revocation = 0;
  kube_known_revoked(known, answer);
}

/* It runs, or has run: whoever comes after us is to know as well, and its Secrets are taken away. */
static void has_begun(struct known *known)
{
  struct kubernetes *kubernetes = known->kubernetes;
  if (!known->memory.ran) {
    CLEANUP_FREE char *path = path_of(known, ATTEMPT_RAN);
    fd_close(openat(kubernetes->attempts_fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  }
  if (!known->secrets.revoked)
    known->secrets.revocation = call_delete_secrets(kubernetes, known->name, known->secrets.count, on_revoked, known);
  known->secrets.revoked = true;
}

void kube_known_remember(struct known *known, const struct kube_memory *memory)
{
  if (memory->ran)
    has_begun(known);
  set_memory(known, memory);
}

bool kube_known_grant(const struct known *known, struct error *error)
{
  const int attempts = known->kubernetes->attempts_fd;
  const char *uid = known->memory.granted;
  CLEANUP_FD int own = openat(attempts, known->name.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return (own >= 0 || error_errno(error, "cannot open its directory")) &&
         replace_state_file(own, ATTEMPT_GRANTED, 0600, uid, strlen(uid), error) &&
         (fsync(attempts) == 0 || error_errno(error, "cannot sync its directory"));
}

void kube_known_forget_grant(struct known *known)
{
  CLEANUP_FREE char *path = path_of(known, ATTEMPT_GRANTED);
  (void)unlinkat(known->kubernetes->attempts_fd, path, 0);
  known->memory.granted[0] = 0;
}

void kube_known_killed(const struct known *known, enum kill_reason reason)
{
  const char *text = kill_reason_name(reason);
  CLEANUP_FREE char *path = path_of(known, ATTEMPT_KILLED);
  CLEANUP_FD int fd =
    openat(known->kubernetes->attempts_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0)
    (void)fd_write_all(fd, text, strlen(text));
}

void kube_known_has_job(struct known *known, const char *uid)
{
  struct told *told = &known->told;
  if (told->pod.name[0] && strcmp(told->pod.job_uid, uid) != 0) {
    pod_seen_release(&told->pod);
    *told = (struct told){0};
  }
  snprintf(told->job_uid, sizeof told->job_uid, "%s", uid);
}

void kube_known_made_job(struct known *known)
{
  known->memory.made = mono_now();
}

void kube_known_told(struct known *known, const json_t *pod)
{
  struct told *told = &known->told;
  struct pod_seen seen;
  if (!pod_inspect(pod, &seen, 0))
    return;
  if (told->job_uid[0] && strcmp(told->job_uid, seen.job_uid) != 0) {
    pod_seen_release(&seen);
    return;
  }
  told->several |= told->pod.name[0] && strcmp(told->pod.name, seen.name) != 0;
  told->anew = true;
  pod_seen_release(&told->pod);
  told->pod = seen;
}

bool kube_known_has_told_pod(const struct known *known)
{
  return known->told.job_uid[0] && known->told.pod.name[0] && !known->told.several;
}

enum kill_reason kube_known_kill_reason(const struct known *known)
{
  CLEANUP_FREE char *path = path_of(known, ATTEMPT_KILLED);
  CLEANUP_BLOB struct blob *text = file_read(known->kubernetes->attempts_fd, path, REASON_SIZE, 0);
  for (unsigned reason = 0; text && reason < KILL_REASON_COUNT; reason++) {
    const char *name = kill_reason_name((enum kill_reason)reason);
    if (strlen(name) == text->size && !memcmp(name, text->data, text->size))
      return (enum kill_reason)reason;
  }
  return KILLED_NONE;
}
