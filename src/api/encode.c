#include "api/encode.h"

#include "base/base64.h"
#include "wire/isolation.h"

/* What was measured; 0 where it could not be. */
static void encode_known(struct json_writer *json, const char *key, uint64_t value)
{
  json_write_key(json, key);
  if (value)
    json_write_u64(json, value);
  else
    json_write_null(json);
}

static void encode_limit_hit(struct json_writer *json, const struct verdict *verdict)
{
  json_write_key(json, "limit");
  if (verdict->limit == LIMIT_NONE) {
    json_write_null(json);
    return;
  }
  json_write_object_begin(json);
  json_write_member_text(json, "name", limit_name(verdict->limit));
  json_write_member_u64(json, "value", verdict->limit_value);
  encode_known(json, "measured", verdict->limit_measured);
  json_write_object_end(json);
}

static void encode_verdict(struct json_writer *json, const struct verdict *verdict)
{
  json_write_object_begin(json);
  json_write_member_text(json, "kind", verdict_name(verdict->kind));
  json_write_key(json, "exit_code");
  if (verdict->exit_code < 0)
    json_write_null(json);
  else
    json_write_i64(json, verdict->exit_code);
  char text[16];
  json_write_member_text(json, "signal", signal_name(verdict->signal, text));
  json_write_member_text(json, "reason", verdict->reason);
  json_write_member_text(json, "fault", fault_name(verdict_fault(verdict->kind)));
  json_write_member_bool(json, "retryable", verdict->retryable);
  encode_limit_hit(json, verdict);
  json_write_object_end(json);
}

/* Head and tail are two texts: a character that the gap cut in two must not be made from two halves of others. */
static bool encode_text(struct json_writer *json, const struct stream_output *output)
{
  const unsigned char *data = output->data ? output->data->data : NULL;
  size_t size = output->data ? output->data->size : 0;
  size_t head = output->head_bytes < size ? (size_t)output->head_bytes : size;
  json_write_string_begin(json);
  bool lossy = json_write_bytes(json, data, head);
  lossy |= json_write_bytes(json, size ? data + head : NULL, size - head);
  json_write_string_end(json);
  return lossy;
}

static void encode_base64(struct json_writer *json, const struct stream_output *output)
{
  json_write_string_begin(json);
  if (output->data)
    base64_encode(output->data->data, output->data->size, json->out);
  json_write_string_end(json);
}

static bool shown_inline(const struct stream_output *output, const struct encode_options *options)
{
  uint64_t kept = stream_kept_bytes(output);
  return !kept || (!options->summary && kept <= OUTPUT_INLINE_BYTES_MAX && output->data);
}

static void encode_elsewhere(struct json_writer *json, const char *id, enum stream stream)
{
  json_write_member_text(json, "text", NULL);
  json_write_member_bool(json, "inline", false);
  json_write_key(json, "url");
  json_write_string_begin(json);
  buffer_printf(json->out, "/v1/evaluations/%s/%s", id, stream_name(stream));
  json_write_string_end(json);
}

static void encode_stream(struct json_writer *json, const struct evaluation *evaluation, enum stream stream,
                          const struct encode_options *options)
{
  const struct stream_output *output = &evaluation->outputs->stream[stream];
  bool lossy = false;
  json_write_key(json, stream_name(stream));
  json_write_object_begin(json);
  if (!shown_inline(output, options)) {
    encode_elsewhere(json, evaluation->id, stream);
  } else {
    json_write_key(json, "text");
    if (options->base64)
      encode_base64(json, output);
    else
      lossy = encode_text(json, output);
    json_write_member_text(json, "encoding", options->base64 ? "base64" : "utf8");
  }
  json_write_member_u64(json, "bytes", output->bytes);
  json_write_member_u64(json, "omitted_bytes", output->omitted_bytes);
  json_write_member_bool(json, "truncated", output->omitted_bytes > 0);
  if (output->omitted_bytes)
    json_write_member_u64(json, "head_bytes", output->head_bytes);
  json_write_member_bool(json, "lossy", lossy);
  json_write_object_end(json);
}

static void encode_streams(struct json_writer *json, const struct evaluation *evaluation,
                           const struct encode_options *options)
{
  if (!evaluation->outputs)
    return;
  encode_stream(json, evaluation, STREAM_STDOUT, options);
  encode_stream(json, evaluation, STREAM_STDERR, options);
  if (evaluation->outputs->stream[STREAM_COMPILE].bytes)
    encode_stream(json, evaluation, STREAM_COMPILE, options);
}

static void encode_usage(struct json_writer *json, const struct usage *usage)
{
  json_write_key(json, "usage");
  json_write_object_begin(json);
  json_write_member_u64(json, "wall_time_ms", usage->wall_time_us / 1000);
  json_write_member_u64(json, "cpu_time_ms", usage->cpu_time_us / 1000);
  encode_known(json, "memory_peak_bytes", usage->memory_peak_bytes);
  encode_known(json, "processes_peak", usage->processes_peak);
  json_write_object_end(json);
}

/* The gaps are the reasons why the level is not "full". No bits at all: not known (yet), which is not "none". */
static void encode_isolation(struct json_writer *json, uint32_t features)
{
  json_write_member_text(json, "isolation", features ? isolation_level_name(isolation_level(features)) : NULL);
  json_write_key(json, "isolation_gaps");
  json_write_array_begin(json);
  for (unsigned i = 0; features && i < ISOLATION_FEATURE_COUNT; i++)
    if (isolation_feature_needed(i) && !(features & 1u << i))
      json_write_text(json, isolation_feature_missing(i));
  json_write_array_end(json);
}

static void encode_limits(struct json_writer *json, const struct limits *limits)
{
  json_write_key(json, "limits");
  json_write_object_begin(json);
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    json_write_member_u64(json, limit_name(kind), limit_value(limits, kind));
  json_write_object_end(json);
}

static void encode_timeline(struct json_writer *json, const struct evaluation *evaluation)
{
  enum state states[STATE_COUNT];
  size_t count = evaluation_timeline(evaluation, states);
  json_write_key(json, "timeline");
  json_write_array_begin(json);
  for (size_t i = 0; i < count; i++) {
    json_write_object_begin(json);
    json_write_member_text(
      json, "status", states[i] == STATE_FINISHED ? verdict_name(evaluation->verdict.kind) : state_name(states[i]));
    json_write_member_time(json, "at", evaluation->entered_at[states[i]]);
    if (states[i] == STATE_PREPARING)
      json_write_member_text(json, "detail", evaluation->progress[0] ? evaluation->progress : NULL);
    json_write_object_end(json);
  }
  json_write_array_end(json);
}

/* Where it came from, if it came with others; `place` in the order in which those ended. */
static void encode_batch(struct json_writer *json, const struct evaluation *evaluation)
{
  json_write_key(json, "batch");
  if (!evaluation->batch) {
    json_write_null(json);
    return;
  }
  json_write_object_begin(json);
  json_write_member_text(json, "id", evaluation->batch);
  json_write_member_u64(json, "line", evaluation->batch_line);
  encode_known(json, "place", evaluation->batch_place);
  json_write_object_end(json);
}

static void encode_place(struct json_writer *json, const struct queue_place *place)
{
  struct wall start = {0};
  if (place->has_estimate)
    start.ms = wall_now().ms + (int64_t)place->starts_in_ms;
  json_write_member_u64(json, "queue_position", place->position);
  json_write_member_time(json, "estimated_start_at", start);
}

void encode_evaluation(struct json_writer *json, const struct evaluation *evaluation,
                       const struct encode_options *options)
{
  bool finished = evaluation->state == STATE_FINISHED;
  json_write_object_begin(json);
  json_write_member_text(json, "id", evaluation->id);
  json_write_member_text(json, "status", evaluation_status(evaluation));
  json_write_member_time(json, "created_at", evaluation->entered_at[STATE_QUEUED]);
  json_write_member_time(json, "started_at", evaluation->started_at);
  json_write_member_time(json, "finished_at", evaluation->entered_at[STATE_FINISHED]);
  json_write_key(json, "verdict");
  if (finished) {
    encode_verdict(json, &evaluation->verdict);
    encode_streams(json, evaluation, options);
    encode_usage(json, &evaluation->usage);
  } else {
    json_write_null(json); /* whatever was decided is nobody's business before it is durable */
  }
  if (options->place)
    encode_place(json, options->place);
  json_write_member_text(json, "backend", evaluation->backend);
  json_write_member_text(json, "runtime", evaluation->runtime[0] ? evaluation->runtime : NULL);
  json_write_member_text(json, "image", evaluation->image);
  json_write_member_text(json, "token", evaluation->token);
  encode_isolation(json, evaluation->isolation);
  json_write_member_u64(json, "attempt", evaluation->attempt);
  json_write_member_u64(json, "max_attempts", evaluation->attempts_max);
  json_write_member_i64(json, "priority", evaluation->priority);
  encode_limits(json, &evaluation->limits);
  encode_batch(json, evaluation);
  json_write_key(json, "labels");
  json_write_raw(json, evaluation->labels ? evaluation->labels : "{}");
  encode_timeline(json, evaluation);
  json_write_object_end(json);
}
