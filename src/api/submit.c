/* POST /v1/evaluations: from the body to the 202. */

#include "api/parameters.h"
#include "api/routes.h"
#include "api/submission.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool request_is_json(const struct http_request *request)
{
  static const char json[] = "application/json";
  const char *type = http_header(request, "Content-Type");
  return !type || (!strncasecmp(type, json, sizeof json - 1) && strchr("; \t", type[sizeof json - 1]));
}

/* Everything about the request but its body. */
static bool check_request(struct api *api, struct http_request *request, struct reply *ret_reply, const char **ret_key,
                          struct error *error)
{
  if (!request_is_json(request))
    return error_set(error, ERROR_UNSUPPORTED_MEDIA, 0, "the body must be application/json");
  enum error_kind kind;
  const char *why = api_not_ready_for(api, request, &kind);
  if (why)
    return error_set(error, kind, 0, "%s", why);
  *ret_reply = (struct reply){.request = request, .open_status = 202, .has_location = true};
  return parameter_wait(request, &ret_reply->wait_seconds, error) &&
         parameter_encoding(request, &ret_reply->base64, error) && parameter_idempotency_key(request, ret_key, error);
}

static struct evaluation *decode(struct api *api, struct http_request *request, const char *key)
{
  struct submission_rules rules = submission_rules_of(api, request);
  size_t size;
  const void *body = http_body(request, &size);
  struct faults faults;
  faults.count = 0;
  struct evaluation *evaluation = submission_decode(&rules, body, size, &faults);
  if (!evaluation) {
    respond_faults(api, request, &faults);
    return NULL;
  }
  evaluation->idempotency_key = xstrdup(key);
  evaluation->body_digest = key ? digest_bytes(body, size) : 0;
  http_body_release(request);
  return evaluation;
}

/* The same key with the same body: what was answered first is answered again, as far as things have come since. */
static void answer_standing(struct api *api, struct reply *reply, const struct evaluation *evaluation, const char *id)
{
  reply->replayed = true;
  if (evaluation)
    respond_when_finished(api, reply, evaluation);
  else
    respond_from_store(api, reply, id);
}

struct v1_submitter {
  struct submitter as_submitter;
  struct reply reply;
};

static void accepted(struct api *api, struct submitter *submitter, struct evaluation *evaluation,
                     enum store_result result, const char *standing_id)
{
  CLEANUP_FREE struct v1_submitter *of_v1 = (struct v1_submitter *)submitter;
  struct reply *reply = &of_v1->reply;
  switch (result) {
  case STORE_DONE:
    respond_when_finished(api, reply, evaluation);
    break;
  case STORE_STANDS:
    answer_standing(api, reply, evaluation, standing_id);
    break;
  case STORE_CONFLICT:
    respond_error(api, reply->request, ERROR_CONFLICT, "this Idempotency-Key was used with another body");
    break;
  case STORE_DUPLICATE: /* the executor tries another id and does not tell */
  case STORE_FAILED:
    respond_error(api, reply->request, ERROR_UNAVAILABLE, "the submission could not be stored, and was not accepted");
    break;
  }
}

void handle_submit(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct reply reply;
  const char *key;
  struct error error;
  if (!check_request(api, request, &reply, &key, &error)) {
    respond_problem(api, request, &error, NULL);
    return;
  }
  struct evaluation *evaluation = decode(api, request, key);
  if (!evaluation)
    return;
  struct v1_submitter *of_v1 = xmalloc(sizeof *of_v1);
  *of_v1 = (struct v1_submitter){{accepted}, reply};
  if (!api_submit(api, request, evaluation, &of_v1->as_submitter, &error)) {
    evaluation_destroy(evaluation);
    free(of_v1);
    respond_problem(api, request, &error, NULL);
  }
}
