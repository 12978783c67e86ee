#include "cli/remote.h"

#include "base/memory.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { WAIT_SECONDS = 30, WAIT_PAUSE_MS = 50 };

void cleanup_json(json_t **json)
{
  json_decref(*json);
}

const json_t *json_at(const json_t *json, const char *path)
{
  while (*path) {
    size_t length = strcspn(path, ".");
    json = json_object_getn(json, path, length);
    path += length + (path[length] == '.');
  }
  return json_is_null(json) ? 0 : json;
}

const char *json_text_at(const json_t *json, const char *path)
{
  const char *text = json_string_value(json_at(json, path));
  return text ? text : "";
}

const char *evaluation_id(const json_t *evaluation)
{
  return json_text_at(evaluation, "id");
}

bool evaluation_finished(const json_t *evaluation)
{
  return json_at(evaluation, "verdict");
}

char *remote_path(const char *id, const char *part)
{
  CLEANUP_FREE char *encoded = url_encode(id);
  return xasprintf("/v1/evaluations/%s%s%s", encoded, part ? "/" : "", part ? part : "");
}

bool remote_submit(struct session *session, const json_t *submission, json_t **ret, struct error *error)
{
  uint64_t random[2];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return error_errno(error, "getrandom");
  CLEANUP_FREE char *key = xasprintf("assay-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
  const struct client_request request = {
    .method = "POST", .path = "/v1/evaluations", .body = submission, .idempotency_key = key, .interrupts = -1};
  CLEANUP_JSON json_t *answer = 0;
  if (!session_call(session, &request, &answer, error))
    return false;
  if (!*evaluation_id(answer))
    return error_set(error, ERROR_UNAVAILABLE, 0, "the answer of %s holds no id", client_server(session->client));
  *ret = TAKE_PTR(answer);
  return true;
}

bool remote_get(struct session *session, const char *id, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *path = remote_path(id, 0);
  return session_call(session, &(struct client_request){"GET", path, .interrupts = -1}, ret, error);
}

bool remote_wait(struct session *session, const char *id, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *path = remote_path(id, 0);
  CLEANUP_FREE char *path_wait = xasprintf("%s?wait=%d", path, WAIT_SECONDS);
  const struct client_request request = {
    .method = "GET", .path = path_wait, .wait_seconds = WAIT_SECONDS, .interrupts = session->interrupts};
  for (;;) {
    CLEANUP_JSON json_t *evaluation = 0;
    if (!session_call(session, &request, &evaluation, error))
      return false;
    if (evaluation_finished(evaluation)) {
      *ret = TAKE_PTR(evaluation);
      return true;
    }
    poll(0, 0, WAIT_PAUSE_MS); /* in case the server does not hold its answer back */
  }
}

bool remote_cancel(struct session *session, const char *id, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *path = remote_path(id, "cancel");
  return session_call(session, &(struct client_request){"POST", path, .interrupts = -1}, ret, error);
}
