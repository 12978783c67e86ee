/* GET /v1/evaluations/{id}/deliveries and POST /v1/evaluations/{id}/redeliver: what became of its webhook. */

#include "api/routes.h"
#include "base/memory.h"

struct delivery_call {
  struct api *api;
  struct http_request *request;
  char id[ID_SIZE];
};

static struct delivery_call *call_create(struct api *api, struct http_request *request, const char *id)
{
  struct delivery_call *call = xmalloc(sizeof *call);
  *call = (struct delivery_call){.api = api, .request = request};
  snprintf(call->id, sizeof call->id, "%s", id);
  return call;
}

static void write_delivery(struct json_writer *json, const char *evaluation_id, const struct delivery *delivery)
{
  char id[DELIVERY_ID_SIZE];
  delivery_id(evaluation_id, id);
  json_write_object_begin(json);
  json_write_member_text(json, "id", id);
  json_write_member_text(json, "url", delivery->url);
  json_write_member_text(json, "state", delivery_state_name(delivery->state));
  json_write_member_u64(json, "attempts", delivery->attempts);
  json_write_member_time(json, "requested_at", delivery->asked_at);
  json_write_member_time(json, "last_attempt_at", delivery->tried_at);
  json_write_member_time(json, "next_attempt_at", delivery->due_at);
  json_write_key(json, "last_status");
  if (delivery->status)
    json_write_i64(json, delivery->status);
  else
    json_write_null(json);
  json_write_member_text(json, "last_error", delivery->message[0] ? delivery->message : NULL);
  json_write_object_end(json);
}

static void respond_deliveries(struct delivery_call *call, int status, const struct delivery *delivery)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_key(&json, "deliveries");
  json_write_array_begin(&json);
  if (delivery)
    write_delivery(&json, call->id, delivery);
  json_write_array_end(&json);
  json_write_object_end(&json);
  respond_json(call->api, call->request, status, &body);
}

/* Before the verdict, and where nobody is told, the list is empty. */
static void found(void *context, enum store_known known, const struct delivery *delivery, bool was_pending,
                  const struct error *error)
{
  (void)was_pending;
  CLEANUP_FREE struct delivery_call *call = context;
  if (error)
    respond_problem(call->api, call->request, error, NULL);
  else if (known == STORE_UNKNOWN)
    respond_error(call->api, call->request, ERROR_NOT_FOUND, "no evaluation has this id");
  else
    respond_deliveries(call, 200, delivery);
}

static void sent_again(void *context, enum store_known known, const struct delivery *delivery, bool was_pending,
                       const struct error *error)
{
  CLEANUP_FREE struct delivery_call *call = context;
  const struct api_config *config = &call->api->config;
  if (error)
    respond_problem(call->api, call->request, error, NULL);
  else if (known == STORE_UNKNOWN)
    respond_error(call->api, call->request, ERROR_NOT_FOUND, "no evaluation has this id");
  else if (!delivery)
    respond_error(call->api, call->request, ERROR_CONFLICT, "%s",
                  known == STORE_OPEN ? "it has no verdict yet" : "it was submitted without a callback_url");
  else {
    if (config->delivery_again)
      config->delivery_again(config->context, was_pending);
    respond_deliveries(call, 202, delivery);
  }
}

void handle_deliveries(struct api *api, struct http_request *request, const char *id)
{
  store_delivery(api->config.store, id, found, call_create(api, request, id));
}

void handle_redeliver(struct api *api, struct http_request *request, const char *id)
{
  store_delivery_again(api->config.store, id, wall_now(), sent_again, call_create(api, request, id));
}
