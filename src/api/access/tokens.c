/* POST and GET /v1/tokens, POST /v1/tokens/{token}/revoke. A secret is shown once, to who makes it, and kept nowhere. */

#include "api/access/audit.h"
#include "api/access/secret.h"
#include "api/routes.h"
#include "base/memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Where no tokens are required, everybody on this host may run programs; but a token made today is still there when they
 * are. So whoever handles them shows that he may: by the socket's mode, or by a token. */
static bool may_manage(struct api *api, struct http_request *request)
{
  if (http_is_from_unix(request) || access_token_of(api->access, request))
    return true;
  respond_error(api, request, ERROR_FORBIDDEN,
                "access tokens are managed over a Unix socket of the daemon, or with a token of scope \"admin\"");
  return false;
}

struct call {
  struct api *api;
  struct http_request *request;
  struct token token;
  char secret[SECRET_SIZE];
};

static struct call *call_create(struct api *api, struct http_request *request)
{
  struct call *call = xcalloc(1, sizeof *call);
  call->api = api;
  call->request = request;
  return call;
}

static void call_destroy(struct call *call)
{
  OPENSSL_cleanse(call, sizeof *call);
  free(call);
}

static void respond_token(struct call *call, int status)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  token_encode(&json, &call->token, status == 201 ? call->secret : NULL);
  respond_json(call->api, call->request, status, &body);
}

static void respond_taken(struct api *api, struct http_request *request, const struct token *token)
{
  respond_error(api, request, ERROR_CONFLICT, "there is an access token %s already: revoke it, or choose another name",
                token->name);
}

static void show(struct call *call)
{
  audit_write(call->api->access, call->request, &(struct audit){.event = AUDIT_token_made, .token = call->token.name});
  respond_token(call, 201);
}

static void stored(void *context, enum store_result result)
{
  struct call *call = context;
  struct api *api = call->api;
  if (result == STORE_FAILED)
    respond_error(api, call->request, ERROR_UNAVAILABLE, "the access token could not be stored, and was not made");
  else if (result != STORE_DONE || !access_add(api->access, &call->token))
    respond_taken(api, call->request, &call->token);
  else
    show(call);
  call_destroy(call);
}

static bool decode(struct api *api, struct http_request *request, struct token *ret)
{
  struct faults faults;
  size_t size;
  const void *body = http_body(request, &size);
  faults.count = 0;
  if (token_decode(body, size, ret, &faults))
    return true;
  respond_faults(api, request, &faults);
  return false;
}

static void make(struct call *call)
{
  struct error error;
  if (!secret_make(call->secret, &error)) {
    respond_problem(call->api, call->request, &error, NULL);
    call_destroy(call);
    return;
  }
  secret_digest(call->secret, call->token.digest);
  call->token.created_at = wall_now();
  struct token_texts texts;
  struct store_token record = token_to_store(&call->token, &texts);
  store_put_token(call->api->config.store, &record, stored, call);
  token_texts_release(&texts);
}

void handle_make_token(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct token token;
  if (!may_manage(api, request))
    return;
  if (!request_is_json(request)) {
    respond_error(api, request, ERROR_UNSUPPORTED_MEDIA, "the body must be application/json");
    return;
  }
  if (!decode(api, request, &token))
    return;
  if (access_find(api->access, token.name)) {
    respond_taken(api, request, &token);
    return;
  }
  if (access_each(api->access, TOKENS_MAX - 1)) {
    respond_error(api, request, ERROR_CONFLICT, "there are %d access tokens, which is the most: revoke some",
                  TOKENS_MAX);
    return;
  }
  struct call *call = call_create(api, request);
  call->token = token;
  make(call);
}

void handle_list_tokens(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  if (!may_manage(api, request))
    return;
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  const struct token *token;
  json_write_object_begin(&json);
  json_write_member_bool(&json, "required", access_is_required(api->access));
  json_write_key(&json, "tokens");
  json_write_array_begin(&json);
  for (size_t i = 0; (token = access_each(api->access, i)); i++)
    token_encode(&json, token, NULL);
  json_write_array_end(&json);
  json_write_object_end(&json);
  respond_json(api, request, 200, &body);
}

static void removed(void *context, enum store_result result)
{
  struct call *call = context;
  if (result == STORE_DONE) {
    audit_write(call->api->access, call->request,
                &(struct audit){.event = AUDIT_token_revoked, .token = call->token.name}); /* it may be who asks */
    access_remove(call->api->access, call->token.name);
    respond_token(call, 200);
  } else {
    respond_error(call->api, call->request, ERROR_UNAVAILABLE, "that it is revoked could not be stored: ask again");
  }
  call_destroy(call);
}

void handle_revoke_token(struct api *api, struct http_request *request, const char *name)
{
  if (!may_manage(api, request))
    return;
  const struct token *token = access_find(api->access, name);
  if (!token) {
    respond_error(api, request, ERROR_NOT_FOUND, "no access token has this name");
    return;
  }
  struct call *call = call_create(api, request);
  call->token = *token;
  store_remove_token(api->config.store, name, removed, call);
}
