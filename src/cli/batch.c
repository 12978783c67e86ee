/*
 * assay batch: a thread sends the programs, which takes as long as the server takes to run most of them; meanwhile the
 * results are read as they come. Whatever breaks off, of the two connections or of this process, is begun again from the
 * files (batch.h), and the server passes over what it has.
 */

#include "cli/batch.h"

#include "base/buffer.h"
#include "base/fd.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/inert.h"
#include "cli/print.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { LOOK_MS = 200, RESULTS_WAIT_SECONDS = 24 * 3600 };

/* What the sending thread has to itself until it is joined. */
struct sending {
  pthread_t thread;
  struct client *client;
  struct client_request request;
  json_t *batch; /* what the server said at the end */
  struct error error;
  bool is_begun, is_good;
  bool is_over; /* atomic: it can be joined */
};

struct batch_run {
  struct session *session;
  struct batch_files files;
  struct batch_progress progress;
  struct sending sending;
  bool is_sent;       /* all lines are with the server */
  char *id;           /* of the batch; NULL: not known yet */
  struct buffer line; /* of results, of which the end has not come */
  struct mono give_up;
  int stop; /* an eventfd: sending is to end */
};

/* Sending. */

static void *send_all(void *context)
{
  struct sending *sending = context;
  sending->is_good = client_call(sending->client, &sending->request, &sending->batch, &sending->error);
  __atomic_store_n(&sending->is_over, true, __ATOMIC_RELEASE);
  return 0;
}

static bool begin_sending(struct batch_run *run, struct error *error)
{
  struct sending *sending = &run->sending;
  if (run->is_sent || sending->is_begun)
    return true;
  rewind(run->files.program);
  *sending = (struct sending){
    .client = client_create(client_server(run->session->client), error),
    .request = {.method = "POST",
                .path = "/v1/batches",
                .upload = run->files.program,
                .idempotency_key = run->files.key,
                .interrupts = run->stop},
  };
  if (!sending->client)
    return false;
  int failed = pthread_create(&sending->thread, 0, send_all, sending);
  if (failed)
    return error_set(error, ERROR_INTERNAL, failed, "cannot start a thread: %s", strerror(failed));
  sending->is_begun = true;
  return true;
}

static bool is_passing(const struct error *error)
{
  return error->code == ECONNRESET || error->code == ECONNREFUSED || error->code == ETIMEDOUT;
}

/* Looks whether it is over. False: it failed, and not for want of a connection. */
static bool end_sending(struct batch_run *run, bool wait, struct error *error)
{
  struct sending *sending = &run->sending;
  if (!sending->is_begun || (!wait && !__atomic_load_n(&sending->is_over, __ATOMIC_ACQUIRE)))
    return true;
  pthread_join(sending->thread, 0);
  sending->is_begun = false;
  run->is_sent = sending->is_good;
  client_destroy(sending->client);
  json_decref(sending->batch);
  if (sending->is_good || is_passing(&sending->error))
    return true;
  *error = sending->error;
  return false;
}

/* Reading. */

static bool keep_line(struct batch_run *run, const char *line, size_t size, struct error *error)
{
  if (!batch_tally_line(&run->files.tally, line, size))
    return error_set(error, ERROR_UNAVAILABLE, 0, "what the server sends is not a result; is it assayd?");
  if (fwrite(line, 1, size, run->files.results) != size)
    return error_errno(error, "cannot write the results");
  batch_progress_show(&run->progress);
  return true;
}

/* A client_sink. */
static bool take_results(void *context, const void *data, size_t size, struct error *error)
{
  struct batch_run *run = context;
  run->give_up = session_patience();
  buffer_append(&run->line, data, size);
  size_t done = 0;
  for (const char *end; (end = memchr(run->line.data + done, '\n', run->line.size - done));) {
    size_t length = (size_t)(end - run->line.data) + 1 - done;
    if (!keep_line(run, run->line.data + done, length, error))
      return false;
    done += length;
  }
  buffer_consume(&run->line, done);
  return fflush(run->files.results) == 0 || error_errno(error, "cannot write the results");
}

static bool ask(struct batch_run *run, const char *path, json_t **ret, struct error *error)
{
  const struct client_request request = {.method = "GET", .path = path, .interrupts = run->session->interrupts};
  return client_call(run->session->client, &request, ret, error);
}

/* The server knows the batch as soon as the first bytes have come. */
static bool find_batch(struct batch_run *run, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("/v1/batches?idempotency_key=%s", run->files.key);
  CLEANUP_JSON json_t *batch = 0;
  if (!ask(run, path, &batch, error))
    return error->code == 0 && json_integer_value(json_at(client_problem(run->session->client), "status")) == 404;
  free(run->id);
  run->id = xstrdup(json_text_at(batch, "id"));
  return true;
}

static bool read_results(struct batch_run *run, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("/v1/batches/%s/results?after=%" PRIu64, run->id, run->files.tally.place);
  const struct client_request request = {.method = "GET",
                                         .path = path,
                                         .content_type = "application/jsonl",
                                         .wait_seconds = RESULTS_WAIT_SECONDS,
                                         .interrupts = run->session->interrupts};
  buffer_clear(&run->line);
  return client_fetch(run->session->client, &request, take_results, run, error);
}

/* `*ret` NULL: it is not over. */
static bool look_at_batch(struct batch_run *run, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("/v1/batches/%s", run->id);
  CLEANUP_JSON json_t *batch = 0;
  if (!ask(run, path, &batch, error))
    return false;
  uint64_t finished = (uint64_t)json_integer_value(json_at(batch, "finished"));
  if (strcmp(json_text_at(batch, "status"), "finished") == 0 && finished <= run->files.tally.place)
    *ret = json_incref(batch);
  return true;
}

static bool go_on(struct batch_run *run, json_t **ret, struct error *error)
{
  return begin_sending(run, error) && (run->id || find_batch(run, error)) &&
         (!run->id || (read_results(run, error) && look_at_batch(run, ret, error)));
}

static bool pause_for(struct batch_run *run, unsigned ms, struct error *error)
{
  struct pollfd interrupt = {.fd = run->session->interrupts, .events = POLLIN};
  return poll(&interrupt, 1, (int)ms) <= 0 || error_set(error, ERROR_UNAVAILABLE, EINTR, "interrupted");
}

/* Until all has ended; a connection that is lost is made again for as long as the server was silent for less than the
 * session's patience. */
static bool run_to_end(struct batch_run *run, json_t **ret, struct error *error)
{
  run->give_up = session_patience();
  while (!*ret) {
    bool good = go_on(run, ret, error);
    if (good)
      run->give_up = session_patience();
    else if (!is_passing(error) || mono_now().us >= run->give_up.us)
      return false;
    if (!end_sending(run, false, error) || (!*ret && !pause_for(run, LOOK_MS, error)))
      return false;
  }
  return true;
}

/* Refused lines. */

static bool take_text(void *context, const void *data, size_t size, struct error *error)
{
  (void)error;
  buffer_append(context, data, size);
  return true;
}

static void tell_refusal(const json_t *refused)
{
  const json_t *faults = json_at(refused, "errors");
  for (size_t i = 0; i < json_array_size(faults); i++) {
    const json_t *fault = json_array_get(faults, i);
    CLEANUP_FREE char *path = inert_line(json_text_at(fault, "path"));
    CLEANUP_FREE char *message = inert_line(json_text_at(fault, "message"));
    fprintf(stderr, "assay: line %" JSON_INTEGER_FORMAT ": %s: %s\n", json_integer_value(json_at(refused, "line")),
            path, message);
  }
}

/* One page of them, each printed; `after` becomes the last. */
static bool tell_page(struct batch_run *run, json_int_t *after, bool *ret_more, struct error *error)
{
  CLEANUP_BUFFER struct buffer text = {0};
  CLEANUP_FREE char *path = xasprintf("/v1/batches/%s/errors?after=%" JSON_INTEGER_FORMAT, run->id, *after);
  const struct client_request request = {.method = "GET", .path = path, .interrupts = run->session->interrupts};
  if (!client_fetch(run->session->client, &request, take_text, &text, error))
    return false;
  char *rest = 0;
  *ret_more = false;
  for (char *line = text.size ? strtok_r(text.data, "\n", &rest) : 0; line; line = strtok_r(0, "\n", &rest)) {
    CLEANUP_JSON json_t *refused = json_loads(line, 0, 0);
    json_int_t number = json_integer_value(json_at(refused, "line"));
    if (number <= *after)
      return error_set(error, ERROR_UNAVAILABLE, 0, "what the server sends is not a refused line; is it assayd?");
    *after = number;
    *ret_more = true;
    tell_refusal(refused);
  }
  return true;
}

static bool tell_refusals(struct batch_run *run, const json_t *batch, struct error *error)
{
  json_int_t after = 0;
  bool more = json_integer_value(json_at(batch, "rejected")) > 0;
  while (more)
    if (!tell_page(run, &after, &more, error))
      return false;
  return true;
}

static bool conclude(struct batch_run *run, const json_t *batch, int *ret_status, struct error *error)
{
  const struct options *options = run->session->options;
  if (!tell_refusals(run, batch, error))
    return false;
  if (options->report && !batch_report_write(options->results, options->report, batch, error))
    return false;
  batch_files_done(&run->files);
  if (options->json)
    print_json(batch);
  else
    batch_summary_print(&run->progress, batch);
  *ret_status = json_integer_value(json_at(batch, "rejected")) > 0;
  return true;
}

static bool carry_out(struct batch_run *run, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *batch = 0;
  struct error late;
  batch_progress_begin(&run->progress, &run->files);
  bool good = run_to_end(run, &batch, error);
  batch_progress_end(&run->progress);
  if (!good)
    eventfd_write(run->stop, 1);
  if (!end_sending(run, true, &late) && good)
    good = (*error = late, false);
  if (!good && (error->code == EINTR || is_passing(error)))
    fprintf(stderr, "assay: the same command goes on with it; what was sent is run meanwhile\n");
  return good && conclude(run, batch, ret_status, error);
}

bool command_batch(struct session *session, int *ret_status, struct error *error)
{
  const struct options *options = session->options;
  struct batch_run run = {.session = session, .stop = eventfd(0, EFD_CLOEXEC)};
  if (!options->results)
    return error_set(error, ERROR_INVALID, EINVAL, "give a file for the results: -o FILE");
  bool good = session_open(session, error) && session_take_interrupts(session, error) &&
              batch_files_open(options->operands.items[0], options->results, &run.files, error) &&
              carry_out(&run, ret_status, error);
  batch_files_release(&run.files);
  buffer_release(&run.line);
  fd_close(run.stop);
  free(run.id);
  return good;
}
