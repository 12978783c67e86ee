#include "keeper/pod.h"

#include "base/fd.h"
#include "base/log.h"
#include "keeper/evaluation.h"
#include "keeper/evidence.h"
#include "keeper/log_writer.h"
#include "keeper/signals.h"
#include "wire/pod.h"
#include "wire/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct pod {
  const char *name;
  int directory, signals;
  unsigned char key[SEAL_KEY_BYTES];
  struct log_writer log;
  struct buffer sealed; /* the record, once it is there */
  struct host host;
  struct evaluation evaluation;
};

/* The log is this process's alone: init and the program do not inherit it as their standard output. */
static bool open_log(struct pod *pod, struct error *error)
{
  CLEANUP_FD int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  CLEANUP_FD int log = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (nothing < 0 || log < 0 || dup2(nothing, STDOUT_FILENO) < 0)
    return error_errno(error, "cannot open the log");
  log_writer_init(&pod->log, TAKE_FD(log));
  return true;
}

/* Takes a file away that the program is not to see, and gives what was in it. */
static int take_file(const struct pod *pod, const char *name, struct error *error)
{
  CLEANUP_FD int file = openat(pod->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0 || unlinkat(pod->directory, name, 0) < 0)
    return error_errno(error, "cannot take the %s", name), -1;
  return TAKE_FD(file);
}

static bool take_key(struct pod *pod, struct error *error)
{
  CLEANUP_FD int file = take_file(pod, POD_KEY, error);
  return file >= 0 && (fd_read_all(file, pod->key, sizeof pod->key) ||
                       error_set(error, ERROR_INVALID, EINVAL, "the key is too short"));
}

static bool prepare_host(struct pod *pod, int plan, char **environment, struct error *error)
{
  CLEANUP_PLAN_MAP struct plan_map mapped = {0};
  return plan_map_open(&mapped, plan, error) &&
         host_prepare_pod(&pod->host, pod->directory, &mapped.plan.limits, environment, error);
}

static void on_marked(void *context, const struct start_marker *marker)
{
  struct pod *pod = context;
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(marker, &text);
  log_writer_put(&pod->log, FRAME_START, text.data, text.size);
  log_writer_advance(&pod->log, 0);
}

static void on_recorded(void *context, const struct capture *capture, const struct record *record)
{
  struct pod *pod = context;
  seal_record(pod->key, record, &pod->sealed);
  log_writer_finish(&pod->log, capture, record, pod->sealed.data, pod->sealed.size);
}

static enum launch_outcome launch(struct pod *pod, char **environment, struct error *error)
{
  const struct evaluation_events events = {.context = pod, .marked = on_marked, .recorded = on_recorded};
  CLEANUP_FD int plan = take_file(pod, ATTEMPT_PLAN, error);
  if (plan < 0 || !take_key(pod, error) || !prepare_host(pod, plan, environment, error))
    return LAUNCH_REFUSED;
  evaluation_init(&pod->evaluation, &pod->host, &events);
  enum launch_outcome outcome = LAUNCH_REFUSED;
  if (evaluation_prepare(&pod->evaluation, error))
    outcome = evaluation_launch(&pod->evaluation, pod->name, plan, error);
  if (outcome != LAUNCH_DONE)
    evaluation_release(&pod->evaluation);
  return outcome;
}

static void supervise(struct pod *pod)
{
  while (pod->evaluation.phase != PHASE_IDLE) {
    enum { SIGNAL = WATCH_COUNT, LOG, POLL_COUNT };
    struct pollfd watch[POLL_COUNT];
    const int more_ms = log_writer_advance(&pod->log, &pod->evaluation.capture);
    evaluation_watch(&pod->evaluation, watch);
    watch[SIGNAL] = (struct pollfd){.fd = pod->signals, .events = POLLIN};
    watch[LOG] = (struct pollfd){.fd = log_writer_waits(&pod->log) ? pod->log.output : -1, .events = POLLOUT};
    if (poll(watch, POLL_COUNT, more_ms) < 0)
      continue;
    evaluation_handle(&pod->evaluation, watch);
    if (watch[SIGNAL].revents)
      signals_handle(pod->signals, &pod->evaluation);
  }
}

/* Whatever the program wrote to it before. It is dead by now. */
static void put_message(const struct pod *pod, const char *title, const char *text, size_t size)
{
  CLEANUP_FD int file = open(POD_TERMINATION_PATH, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 || !fd_write_all(file, title, strlen(title)) || !fd_write_all(file, text, size))
    log_warning(0, "%s: cannot write the termination message", pod->name);
}

static void drain_log(struct pod *pod)
{
  const struct mono deadline = mono_add_ms(mono_now(), POD_LOG_MS_MAX);
  while (log_writer_advance(&pod->log, 0), !log_writer_is_done(&pod->log)) {
    const struct mono now = mono_now();
    struct pollfd watch = {.fd = pod->log.output, .events = POLLOUT};
    if (now.us >= deadline.us ||
        (log_writer_waits(&pod->log) && poll(&watch, 1, (int)((deadline.us - now.us) / 1000)) < 0))
      return;
  }
}

static int tell_failure(struct pod *pod, const struct error *error)
{
  log_error(0, "%s: %s", pod->name, error->message);
  if (pod->log.output >= 0) {
    log_writer_put(&pod->log, FRAME_FAILURE, error->message, strlen(error->message));
    log_writer_advance(&pod->log, 0);
  }
  put_message(pod, POD_FAILURE_TITLE, error->message, strlen(error->message));
  return POD_STATUS_NOT_STARTED;
}

int pod_run(const struct options *options, char **environment)
{
  static struct pod pod; /* with its buffers too large for a stack */
  struct error error = {0};
  pod = (struct pod){.name = options->name, .directory = -1, .signals = -1, .log.output = -1};
  prctl(PR_SET_DUMPABLE, 0); /* before there is anything to be seen */
  if (!open_log(&pod, &error) || !signals_hold(&pod.signals, &error))
    return tell_failure(&pod, &error);
  pod.directory = open(options->pod_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (pod.directory < 0) {
    error_errno(&error, "cannot open %s", options->pod_path);
    return tell_failure(&pod, &error);
  }
  const bool known = evidence_is_marked(pod.directory);
  const enum launch_outcome outcome = known ? LAUNCH_KNOWN : launch(&pod, environment, &error);
  if (outcome == LAUNCH_KNOWN) {
    log_warning(0, "%s was started already", pod.name);
    return POD_STATUS_NOT_STARTED;
  }
  if (outcome == LAUNCH_REFUSED)
    return tell_failure(&pod, &error);
  supervise(&pod);
  log_writer_advance(&pod.log, 0);
  const struct buffer *log = log_writer_text(&pod.log), *message = log ? log : &pod.sealed;
  put_message(&pod, "", message->data, message->size);
  drain_log(&pod);
  evaluation_release(&pod.evaluation);
  log_writer_release(&pod.log);
  buffer_release(&pod.sealed);
  explicit_bzero(pod.key, sizeof pod.key);
  return 0;
}
