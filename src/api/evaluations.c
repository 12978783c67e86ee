/* One evaluation: GET /v1/evaluations/{id} and POST …/cancel. */

#include "api/access/audit.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "base/memory.h"

#include <stdlib.h>

static bool parse_reply(struct api *api, struct http_request *request, int open_status, struct reply *ret)
{
  struct error error;
  *ret = (struct reply){.request = request, .open_status = open_status};
  if (parameter_wait(request, &ret->wait_seconds, &error) && parameter_encoding(request, &ret->base64, &error))
    return true;
  respond_problem(api, request, &error, NULL);
  return false;
}

/* Open ones are the executor's, finished ones the store's. */
static void answer(struct api *api, const struct reply *reply, const char *id)
{
  const struct evaluation *evaluation = find_open(api, id);
  if (evaluation)
    respond_when_finished(api, reply, evaluation);
  else
    respond_from_store(api, reply, id);
}

void handle_get(struct api *api, struct http_request *request, const char *id)
{
  struct reply reply;
  if (parse_reply(api, request, 200, &reply))
    answer(api, &reply, id);
}

/* While the store has the cancellation, the executor keeps how to reply as its token. Who cancels what is finished
 * already is told the truth: 200, and the verdict that stands. */
void cancel_evaluation(struct api *api, const struct reply *reply, const char *id)
{
  struct reply *token = xmalloc(sizeof *token);
  *token = *reply;
  if (find_open(api, id) && executor_cancel(api->config.executor, id, token) == CANCEL_UNDER_WAY) {
    audit_cancelled(api->access, reply->request, id);
    return;
  }
  free(token);
  respond_from_store(api, reply, id);
}

void api_cancelled(struct api *api, const char *id, void *token, enum store_result result)
{
  CLEANUP_FREE struct reply *reply = token;
  if (!reply) /* of a batch, whose client is answered once for all */
    return;
  if (result == STORE_FAILED)
    respond_error(api, reply->request, ERROR_UNAVAILABLE, "the cancellation could not be stored; ask again");
  else
    answer(api, reply, id);
}

void handle_cancel(struct api *api, struct http_request *request, const char *id)
{
  struct reply reply;
  if (parse_reply(api, request, 202, &reply))
    cancel_evaluation(api, &reply, id);
}
