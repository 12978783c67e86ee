#include "cli/remote.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

char *remote_path(const char *id, const char *part)
{
  CLEANUP_FREE char *encoded = url_encode(id);
  return xasprintf("/v1/evaluations/%s%s%s", encoded, part ? "/" : "", part ? part : "");
}

bool remote_make_key(const char *prefix, char **ret, struct error *error)
{
  uint64_t random[2];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return error_errno(error, "getrandom");
  *ret = xasprintf("%s-%016" PRIx64 "%016" PRIx64, prefix, random[0], random[1]);
  return true;
}

bool remote_submit(struct session *session, const json_t *submission, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *key = NULL;
  if (!remote_make_key("assay", &key, error))
    return false;
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

bool remote_cancel(struct session *session, const char *id, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *path = remote_path(id, "cancel");
  return session_call(session, &(struct client_request){"POST", path, .interrupts = -1}, ret, error);
}
