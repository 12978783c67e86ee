/* GET /v1/evaluations: the executor's open ones and the store's finished ones as one list, newest first. */

#include "api/list.h"
#include "api/routes.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct list_call {
  struct api *api;
  struct list_parameters parameters;
  list_done *done;
  void *context;
  struct evaluation **rows; /* what the store said */
  size_t count;
  bool more;
  size_t reading_again; /* the row that is */
};

static bool label_matches(const struct list_parameters *parameters, const char *labels)
{
  if (!parameters->label_key[0])
    return true;
  json_t *object = json_loads(labels, 0, NULL);
  const char *value = json_string_value(json_object_get(object, parameters->label_key));
  bool matches = value && !strcmp(value, parameters->label_value);
  json_decref(object);
  return matches;
}

static bool is_listed(const struct list_parameters *parameters, const struct evaluation *evaluation)
{
  return evaluation->state != STATE_ACCEPTING &&
         (!parameters->before_sequence || evaluation->sequence < parameters->before_sequence) &&
         (!parameters->status || !strcmp(parameters->status, evaluation_status(evaluation))) &&
         label_matches(parameters, evaluation->labels);
}

static int compare_newest_first(const void *a, const void *b)
{
  const struct evaluation *left = *(const struct evaluation *const *)a;
  const struct evaluation *right = *(const struct evaluation *const *)b;
  return (left->sequence < right->sequence) - (left->sequence > right->sequence);
}

/*
 * All that may be on the page: what the store said, with the executor's view of those that are open in place of the
 * row that was written when they were accepted. `ret` has room for all rows and all open ones.
 */
static size_t gather(const struct list_call *call, const struct evaluation **ret)
{
  const struct executor *executor = call->api->config.executor;
  size_t gathered = 0;
  for (size_t i = 0; i < call->count; i++)
    if (!executor_find(executor, call->rows[i]->id))
      ret[gathered++] = call->rows[i];
  const struct evaluation *open = NULL;
  while ((open = executor_each(executor, open)))
    if (is_listed(&call->parameters, open))
      ret[gathered++] = open;
  qsort(ret, gathered, sizeof *ret, compare_newest_first);
  return gathered;
}

static size_t count_open(const struct executor *executor)
{
  struct executor_counts counts = executor_count(executor);
  size_t open = 0;
  for (int state = 0; state < STATE_COUNT; state++)
    open += counts.in_state[state];
  return open;
}

static void finish(const struct list_call *call)
{
  size_t capacity = call->count + count_open(call->api->config.executor);
  CLEANUP_FREE const struct evaluation **all = xcalloc(capacity + 1, sizeof *all);
  size_t gathered = gather(call, all);
  size_t limit = call->parameters.limit;
  call->done(call->context, all, gathered < limit ? gathered : limit, call->more || gathered > limit, NULL);
}

static void call_free(struct list_call *call)
{
  for (size_t i = 0; i < call->count; i++)
    evaluation_destroy(call->rows[i]);
  free(call->rows);
  free(call);
}

/* A row that says open, of an evaluation that is open no more: it ended after the store had read the row. */
static size_t find_stale(const struct list_call *call)
{
  size_t i = 0;
  while (i < call->count &&
         (call->rows[i]->state == STATE_FINISHED || executor_find(call->api->config.executor, call->rows[i]->id)))
    i++;
  return i;
}

static void refresh(struct list_call *call);

static void row_read_again(void *context, struct evaluation *evaluation, const struct error *error)
{
  struct list_call *call = context;
  if (error) {
    call->done(call->context, NULL, 0, false, error);
    call_free(call);
    return;
  }
  struct evaluation **row = &call->rows[call->reading_again];
  evaluation_destroy(*row);
  *row = evaluation ? evaluation : call->rows[--call->count]; /* deleted meanwhile; the order is made later */
  refresh(call);
}

/* A verdict is durable before the executor lets go of it, so that each row has to be read again once at most. */
static void refresh(struct list_call *call)
{
  call->reading_again = find_stale(call);
  if (call->reading_again < call->count) {
    store_get(call->api->config.store, call->rows[call->reading_again]->id, row_read_again, call);
    return;
  }
  finish(call);
  call_free(call);
}

static void store_listed(void *context, struct evaluation **rows, size_t count, bool more, const struct error *error)
{
  struct list_call *call = context;
  call->rows = rows;
  call->count = count;
  call->more = more;
  if (!error) {
    refresh(call);
    return;
  }
  call->done(call->context, NULL, 0, false, error);
  call_free(call);
}

void list_page(struct api *api, const struct list_parameters *parameters, list_done *done, void *context)
{
  struct list_call call = {.api = api, .parameters = *parameters, .done = done, .context = context};
  if (parameters->status_is_open) { /* the store does not know these apart */
    finish(&call);
    return;
  }
  struct list_call *later = xmalloc(sizeof *later);
  *later = call;
  parameters = &later->parameters;
  bool by_label = parameters->label_key[0];
  struct store_filter filter = {
    .status = parameters->status,
    .label_key = by_label ? parameters->label_key : NULL,
    .label_value = by_label ? parameters->label_value : NULL,
    .before_sequence = parameters->before_sequence,
    .limit = parameters->limit,
  };
  store_list(api->config.store, &filter, store_listed, later);
}

/* The request itself. */

struct list_request {
  struct api *api;
  struct http_request *request;
};

static void write_entry(struct json_writer *json, struct api *api, const struct evaluation *evaluation)
{
  struct queue_place place;
  struct encode_options options = {.summary = true};
  if (executor_place(api->config.executor, evaluation, &place))
    options.place = &place;
  encode_evaluation(json, evaluation, &options);
}

static void answer(void *context, const struct evaluation *const *page, size_t count, bool more,
                   const struct error *error)
{
  CLEANUP_FREE struct list_request *call = context;
  if (error) {
    respond_problem(call->api, call->request, error, NULL);
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_key(&json, "evaluations");
  json_write_array_begin(&json);
  for (size_t i = 0; i < count; i++)
    write_entry(&json, call->api, page[i]);
  json_write_array_end(&json);
  char cursor[CURSOR_SIZE];
  if (more && count)
    cursor_format(page[count - 1]->sequence, cursor);
  json_write_member_text(&json, "next_cursor", more && count ? cursor : NULL);
  json_write_object_end(&json);
  respond_json(call->api, call->request, 200, &body);
}

void handle_list(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct list_parameters parameters;
  struct error error;
  if (!parameters_list(request, &parameters, &error)) {
    respond_problem(api, request, &error, NULL);
    return;
  }
  struct list_request *call = xmalloc(sizeof *call);
  *call = (struct list_request){api, request};
  list_page(api, &parameters, answer, call);
}
