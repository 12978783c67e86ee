/* The daemon itself: health, metrics, runtimes, doctor, and the front page. */

#include "api/batches/batches.h"
#include "api/events/streams.h"
#include "api/routes.h"

void handle_healthz(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  respond_text(api, request, 200, "ok\n");
}

/* Without a slot anywhere new work is taken all the same, and waits; whoever chooses among several daemons wants to
 * know. */
void handle_readyz(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  enum error_kind kind;
  const char *why = api_not_ready(api, &kind);
  if (why)
    respond_error(api, request, kind, "%s", why);
  else if (!executor_count(api->config.executor).slots)
    respond_error(api, request, ERROR_UNAVAILABLE, "no backend has a slot: what is submitted waits until one has");
  else
    respond_text(api, request, 200, "ready\n");
}

void handle_metrics(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  CLEANUP_BUFFER struct buffer body = {0};
  struct batches_counts batches = batches_count(api->batches);
  struct metrics_view view = {
    .metrics = &api->metrics,
    .executor = executor_count(api->config.executor),
    .store = store_stats(api->config.store),
    .waiters = waiters_count(api->waiters),
    .followers = streams_count(api->streams),
    .open_batches = batches.open,
    .uploads = batches.uploads,
    .results = batches.results,
    .version = api->config.version,
  };
  metrics_write(&view, &body);
  if (api->config.metrics)
    api->config.metrics(api->config.context, &body);
  struct http_response response = {.status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8"};
  respond(api, request, &response, &body);
}

static void write_texts(struct json_writer *json, const char *key, const char *const *texts)
{
  json_write_key(json, key);
  json_write_array_begin(json);
  for (; texts && *texts; texts++)
    json_write_text(json, *texts);
  json_write_array_end(json);
}

/* The backends that it can be had on. */
static void write_offers(struct json_writer *json, const struct api *api, const struct runtime *runtime)
{
  json_write_key(json, "backends");
  json_write_array_begin(json);
  for (const struct backend_offer *offer = api->config.backends; offer->name; offer++)
    if (backend_offers_runtime(offer, runtime))
      json_write_text(json, offer->name);
  json_write_array_end(json);
}

static bool is_offered(const struct api *api, const struct runtime *runtime)
{
  const struct backend_offer *offer = api->config.backends;
  while (offer->name && !backend_offers_runtime(offer, runtime))
    offer++;
  return offer->name;
}

static void write_runtime(struct json_writer *json, const struct api *api, const struct runtime *runtime)
{
  json_write_object_begin(json);
  json_write_member_text(json, "name", runtime->name);
  write_texts(json, "aliases", runtime->aliases);
  json_write_member_bool(json, "available", is_offered(api, runtime));
  write_offers(json, api, runtime);
  json_write_member_text(json, "version", runtime->version);
  json_write_member_text(json, "image", runtime->image);
  json_write_member_text(json, "file", runtime->file);
  write_texts(json, "compile", runtime->compile);
  write_texts(json, "command", runtime->command);
  json_write_object_end(json);
}

void handle_runtimes(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  const struct runtime *runtime;
  json_write_object_begin(&json);
  json_write_key(&json, "runtimes");
  json_write_array_begin(&json);
  for (size_t i = 0; (runtime = runtimes_at(api->config.runtimes, i)); i++)
    write_runtime(&json, api, runtime);
  json_write_array_end(&json);
  json_write_object_end(&json);
  respond_json(api, request, 200, &body);
}

void handle_doctor(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  CLEANUP_BUFFER struct buffer body = {0};
  if (!api->config.doctor) {
    respond_error(api, request, ERROR_NOT_FOUND, "this daemon gives no report on its host");
    return;
  }
  api->config.doctor(api->config.context, &body);
  respond_json(api, request, 200, &body);
}

void handle_root(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_printf(&body, "Assay %s: runs programs that nobody trusts, and says truthfully how they ended.\n\n",
                api->config.version);
  const struct route *route;
  for (size_t i = 0; (route = routes_at(i)); i++)
    buffer_printf(&body, "%-4s %-36s %s\n", route->method, route->path, route->summary);
  struct http_response response = {.status = 200, .content_type = "text/plain; charset=utf-8"};
  respond(api, request, &response, &body);
}
