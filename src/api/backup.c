/* POST /v1/admin/backup: answered when the copy is whole. Where it is made is not the client's to say. */

#include "api/routes.h"
#include "base/memory.h"

struct backup_call {
  struct api *api;
  struct http_request *request;
};

static void made(void *context, const char *path, const struct error *error)
{
  CLEANUP_FREE struct backup_call *call = context;
  if (error) {
    respond_problem(call->api, call->request, error, NULL);
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, "path", path);
  json_write_object_end(&json);
  respond_json(call->api, call->request, 201, &body);
}

void handle_backup(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct backup_call *call = xmalloc(sizeof *call);
  *call = (struct backup_call){api, request};
  store_backup(api->config.store, made, call);
}
