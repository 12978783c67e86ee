/* Evaluations in the words of the Crucible API. */

#include "api/compat/crucible.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Small answers */

/* {key: text}; a status that passes comes with Retry-After. */
static void respond_text_as(struct api *api, struct http_request *request, int status, const char *key,
                            const char *text)
{
  static const struct http_header_field retry_soon[] = {{"Retry-After", "1"}, {0}};
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, key, text);
  json_write_object_end(&json);
  buffer_append(&body, "\n", 1);
  struct http_response response = {
    .status = status, .content_type = "application/json", .fields = status == 503 ? retry_soon : NULL};
  respond(api, request, &response, &body);
}

void crucible_respond_detail(struct api *api, struct http_request *request, int status, const char *format, ...)
{
  char text[ERROR_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  respond_text_as(api, request, status, "detail", text);
}

void crucible_respond_error(struct api *api, struct http_request *request, int status, const char *text)
{
  respond_text_as(api, request, status, "error", text);
}

void crucible_respond_message(struct api *api, struct http_request *request, const char *id, const char *status,
                              const char *message)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, "eval_id", id);
  json_write_member_text(&json, "status", status);
  json_write_member_text(&json, "message", message);
  json_write_object_end(&json);
  respond_json(api, request, 200, &body);
}

/* Words */

const char *crucible_status_of(const struct evaluation *evaluation)
{
  static const char *const of_state[STATE_COUNT] = {
    [STATE_ACCEPTING] = "submitted",   [STATE_QUEUED] = "queued",   [STATE_PREPARING] = "provisioning",
    [STATE_STARTING] = "provisioning", [STATE_RUNNING] = "running", [STATE_SEALING] = "running",
  };
  if (evaluation->state != STATE_FINISHED)
    return of_state[evaluation->state];
  enum verdict_kind kind = evaluation->verdict.kind;
  return kind == VERDICT_COMPLETED ? "completed" : kind == VERDICT_CANCELLED ? "cancelled" : "failed";
}

static json_t *labels_of(const struct evaluation *evaluation)
{
  return json_loads(evaluation->labels ? evaluation->labels : "{}", 0, NULL);
}

static const char *label_in(const json_t *labels, const char *key)
{
  return json_string_value(json_object_get(labels, key));
}

struct crucible_id crucible_id_of(const struct evaluation *evaluation)
{
  struct crucible_id id;
  const char *key = evaluation->idempotency_key;
  bool given = key && !strncmp(key, CRUCIBLE_KEY, strlen(CRUCIBLE_KEY));
  snprintf(id.text, sizeof id.text, "%s", given ? key + strlen(CRUCIBLE_KEY) : evaluation->id);
  return id;
}

/* Members */

/* As Docker gives it, and so the original: 128 and the signal of a program that died by one. */
void crucible_encode_exit_code(struct json_writer *json, const struct evaluation *evaluation)
{
  const struct verdict *verdict = &evaluation->verdict;
  bool finished = evaluation->state == STATE_FINISHED;
  json_write_key(json, "exit_code");
  if (finished && verdict->exit_code >= 0)
    json_write_i64(json, verdict->exit_code);
  else if (finished && verdict->signal)
    json_write_i64(json, 128 + verdict->signal);
  else
    json_write_null(json);
}

static bool is_missing(const struct stream_output *output)
{
  return stream_kept_bytes(output) && !output->data;
}

static void write_elsewhere(struct json_writer *json, const struct evaluation *evaluation, const char *stream)
{
  char text[160];
  int length = snprintf(text, sizeof text, "[too long to be shown here; all of it is at /v1/evaluations/%s/%s]\n",
                        evaluation->id, stream);
  json_write_bytes(json, text, (size_t)length);
}

/* Both streams in the order written. */
static void write_output(struct json_writer *json, const struct evaluation *evaluation)
{
  const struct outputs *outputs = evaluation->outputs;
  CLEANUP_BUFFER struct buffer merged = {0};
  json_write_key(json, "output");
  json_write_string_begin(json);
  if (is_missing(&outputs->stream[STREAM_STDOUT]) || is_missing(&outputs->stream[STREAM_STDERR])) {
    write_elsewhere(json, evaluation, "output");
  } else {
    outputs_merge(outputs, &merged);
    json_write_bytes(json, merged.data, merged.size);
  }
  json_write_string_end(json);
}

/*
 * Nothing where it succeeded. Else the reason, which there always is, and what the program wrote to stderr. That the
 * platform failed has no status of its own here, and must not be taken for a fault of the program.
 */
static void write_error(struct json_writer *json, const struct evaluation *evaluation)
{
  const struct verdict *verdict = &evaluation->verdict;
  const struct stream_output *output = &evaluation->outputs->stream[STREAM_STDERR];
  json_write_key(json, "error");
  json_write_string_begin(json);
  if (verdict->kind != VERDICT_COMPLETED) {
    const char *whose = verdict_fault(verdict->kind) == FAULT_PLATFORM ? "the platform failed, not the program: " : "";
    const char *reason = verdict->reason[0] ? verdict->reason : verdict_name(verdict->kind);
    json_write_bytes(json, whose, strlen(whose));
    json_write_bytes(json, reason, strlen(reason));
    if (stream_kept_bytes(output))
      json_write_bytes(json, "\n\n", 2);
    if (is_missing(output))
      write_elsewhere(json, evaluation, "stderr");
    else if (output->data)
      json_write_bytes(json, output->data->data, output->data->size);
  }
  json_write_string_end(json);
}

/* Nothing is known of an open one's output: it is gathered when the program has ended. */
void crucible_encode_streams(struct json_writer *json, const struct evaluation *evaluation)
{
  if (evaluation->state == STATE_FINISHED && evaluation->outputs) {
    write_output(json, evaluation);
    write_error(json, evaluation);
  } else if (evaluation->state == STATE_FINISHED) {
    json_write_member_text(json, "output", "");
    json_write_member_text(json, "error", evaluation->verdict.reason);
  } else {
    json_write_member_text(json, "output", "");
    json_write_member_text(json, "error", "");
  }
}

static void write_known(struct json_writer *json, const char *key, bool known, uint64_t value)
{
  json_write_key(json, key);
  if (known)
    json_write_u64(json, value);
  else
    json_write_null(json);
}

static void write_runtime(struct json_writer *json, const struct evaluation *evaluation)
{
  const struct usage *usage = &evaluation->usage;
  write_known(json, "runtime_ms", evaluation->state == STATE_FINISHED && evaluation->started_at.ms,
              usage->wall_time_us / 1000);
}

static void write_truncated(struct json_writer *json, const struct evaluation *evaluation)
{
  const struct outputs *outputs = evaluation->outputs;
  struct stream_output none = {0};
  const struct stream_output *out = outputs ? &outputs->stream[STREAM_STDOUT] : &none;
  const struct stream_output *err = outputs ? &outputs->stream[STREAM_STDERR] : &none;
  bool of_error = err->omitted_bytes || is_missing(err);
  json_write_member_bool(json, "output_truncated", of_error || out->omitted_bytes || is_missing(out));
  json_write_member_bool(json, "error_truncated", of_error);
}

/* The program, from the plan: of an open evaluation, and of a finished one whose plan was kept. */
static void write_code(struct json_writer *json, const struct api *api, const struct evaluation *evaluation)
{
  const struct runtime *runtime = runtimes_find(api->config.runtimes, evaluation->runtime);
  CLEANUP_PLAN struct plan plan = {0};
  struct error error;
  json_write_key(json, "code");
  if (runtime && evaluation->plan && plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error)) {
    for (size_t i = 0; i < plan.file_count; i++) {
      if (strcmp(plan.files[i].path, runtime->file) != 0)
        continue;
      json_write_string_begin(json);
      json_write_bytes(json, plan.files[i].data, plan.files[i].size);
      json_write_string_end(json);
      return;
    }
  }
  json_write_null(json);
}

/* What was asked for and is not so. */
static void write_not_enforced(struct json_writer *json, const json_t *labels)
{
  static const char *const rows[][3] = {
    {CRUCIBLE_LABEL_CPU, "cpu_limit", "a request cannot limit the processors of one evaluation"},
    {CRUCIBLE_LABEL_IMAGE, "executor_image", "the backend runs no images: it ran with what is installed on the host"},
  };
  json_write_key(json, "not_enforced");
  json_write_array_begin(json);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *value = label_in(labels, rows[i][0]);
    if (!value)
      continue;
    json_write_object_begin(json);
    json_write_member_text(json, "field", rows[i][1]);
    json_write_member_text(json, "value", value);
    json_write_member_text(json, "why", rows[i][2]);
    json_write_object_end(json);
  }
  json_write_array_end(json);
}

/* What the verdict says beyond the words of this API. */
static void write_verdict(struct json_writer *json, const struct verdict *verdict)
{
  char signal[16];
  json_write_member_text(json, "verdict", verdict_name(verdict->kind));
  json_write_member_text(json, "reason", verdict->reason);
  json_write_member_text(json, "fault", fault_name(verdict_fault(verdict->kind)));
  json_write_member_bool(json, "retryable", verdict->retryable);
  json_write_member_text(json, "signal", signal_name(verdict->signal, signal));
  json_write_member_text(json, "limit", limit_name(verdict->limit));
}

static void write_metadata(struct json_writer *json, const struct evaluation *evaluation)
{
  json_t *labels = labels_of(evaluation);
  json_write_key(json, "metadata");
  json_write_object_begin(json);
  json_write_member_time(json, "submitted_at", evaluation->entered_at[STATE_QUEUED]);
  json_write_member_text(json, "assay_id", evaluation->id);
  json_write_member_u64(json, "timeout", evaluation->limits.wall_time_ms / 1000);
  json_write_member_i64(json, "priority", evaluation->priority);
  json_write_member_u64(json, "memory_limit_bytes", evaluation->limits.memory_bytes);
  json_write_member_text(json, "engine", evaluation->backend);
  json_write_member_text(json, "image", evaluation->image);
  if (evaluation->state == STATE_FINISHED)
    write_verdict(json, &evaluation->verdict);
  write_not_enforced(json, labels);
  json_write_object_end(json);
  json_decref(labels);
}

/* Evaluations */

void crucible_encode_evaluation(struct json_writer *json, const struct api *api, const struct evaluation *evaluation)
{
  uint64_t peak = evaluation->usage.memory_peak_bytes;
  json_write_object_begin(json);
  json_write_member_text(json, "eval_id", crucible_id_of(evaluation).text);
  write_code(json, api, evaluation);
  json_write_member_text(json, "language", evaluation->runtime[0] ? evaluation->runtime : NULL);
  json_write_member_text(json, "status", crucible_status_of(evaluation));
  json_write_member_time(json, "created_at", evaluation->entered_at[STATE_QUEUED]);
  json_write_member_time(json, "started_at", evaluation->started_at);
  json_write_member_time(json, "completed_at", evaluation->entered_at[STATE_FINISHED]);
  crucible_encode_streams(json, evaluation);
  crucible_encode_exit_code(json, evaluation);
  write_runtime(json, evaluation);
  write_known(json, "memory_used_mb", peak, (peak + MIB(1) - 1) / MIB(1));
  write_truncated(json, evaluation);
  write_metadata(json, evaluation);
  json_write_object_end(json);
}

static struct wall last_change(const struct evaluation *evaluation)
{
  struct wall last = {0};
  for (enum state state = STATE_QUEUED; state < STATE_COUNT; state++)
    if (evaluation->entered_at[state].ms > last.ms)
      last = evaluation->entered_at[state];
  return last;
}

void crucible_encode_logs(struct json_writer *json, const struct evaluation *evaluation)
{
  const char *status = crucible_status_of(evaluation);
  json_write_object_begin(json);
  json_write_member_text(json, "eval_id", crucible_id_of(evaluation).text);
  crucible_encode_streams(json, evaluation);
  json_write_member_bool(json, "is_running", !strcmp(status, "running"));
  crucible_encode_exit_code(json, evaluation);
  json_write_member_text(json, "source", evaluation->state == STATE_FINISHED ? "database" : "executor");
  json_write_member_time(json, "last_update", last_change(evaluation));
  json_write_member_time(json, "created_at", evaluation->entered_at[STATE_QUEUED]);
  json_write_member_time(json, "started_at", evaluation->started_at);
  json_write_member_time(json, "completed_at", evaluation->entered_at[STATE_FINISHED]);
  json_write_member_text(json, "status", status);
  json_write_member_bool(json, "success", !strcmp(status, "completed"));
  write_runtime(json, evaluation);
  json_write_object_end(json);
}

void crucible_encode_summary(struct json_writer *json, const struct evaluation *evaluation)
{
  const char *status = crucible_status_of(evaluation);
  json_t *labels = labels_of(evaluation);
  const char *preview = label_in(labels, CRUCIBLE_LABEL_PREVIEW);
  json_write_object_begin(json);
  json_write_member_text(json, "eval_id", crucible_id_of(evaluation).text);
  json_write_member_text(json, "status", status);
  json_write_member_time(json, "created_at", evaluation->entered_at[STATE_QUEUED]);
  json_write_member_text(json, "code_preview", preview ? preview : "");
  json_write_member_bool(json, "success", !strcmp(status, "completed"));
  json_write_object_end(json);
  json_decref(labels);
}
