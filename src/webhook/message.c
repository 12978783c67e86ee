#include "webhook/message.h"

#include "api/encode.h"
#include "core/delivery.h"

void message_encode(const struct evaluation *evaluation, struct buffer *ret)
{
  struct json_writer json = {.out = ret};
  char id[DELIVERY_ID_SIZE], time[WALL_TEXT_SIZE];
  delivery_id(evaluation->id, id);
  wall_format(evaluation->entered_at[STATE_FINISHED], time);
  json_write_object_begin(&json);
  json_write_member_text(&json, "specversion", "1.0");
  json_write_member_text(&json, "id", id);
  json_write_member_text(&json, "source", "/v1/evaluations");
  json_write_member_text(&json, "type", "assay.evaluation.finished");
  json_write_member_text(&json, "subject", evaluation->id);
  json_write_member_text(&json, "time", time);
  json_write_member_text(&json, "datacontenttype", "application/json");
  if (evaluation->traceparent)
    json_write_member_text(&json, "traceparent", evaluation->traceparent);
  if (evaluation->tracestate)
    json_write_member_text(&json, "tracestate", evaluation->tracestate);
  json_write_key(&json, "data");
  encode_evaluation(&json, evaluation, &(struct encode_options){.summary = true});
  json_write_object_end(&json);
}
