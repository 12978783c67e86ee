#include "api/routes.h"

#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
#define X(method, path, handler, summary) {#method, path, handler, summary},
  ROUTES(X)
#undef X
};
enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

const struct route *routes_at(size_t index)
{
  return index < ROUTE_COUNT ? &routes[index] : NULL;
}

/* Compares a path with a pattern in which {id} stands for one id. What is not an id is not a path that we have. */
static bool path_matches(const char *pattern, const char *path, char ret_id[static ID_SIZE])
{
  static const char place[] = "{id}";
  const char *hole = strstr(pattern, place);
  ret_id[0] = 0;
  if (!hole)
    return !strcmp(pattern, path);
  size_t before = (size_t)(hole - pattern);
  if (strncmp(pattern, path, before) != 0)
    return false;
  size_t length = strcspn(path + before, "/");
  if (length >= ID_SIZE || strcmp(hole + sizeof place - 1, path + before + length) != 0)
    return false;
  memcpy(ret_id, path + before, length);
  ret_id[length] = 0;
  return id_valid(ret_id);
}

static bool method_matches(const char *of_route, const char *asked)
{
  return !strcmp(of_route, asked) || (!strcmp(of_route, "GET") && !strcmp(asked, "HEAD"));
}

static void add_allowed(char *list, size_t size, const char *method)
{
  size_t used = strlen(list);
  snprintf(list + used, size - used, "%s%s%s", used ? ", " : "", method, !strcmp(method, "GET") ? ", HEAD" : "");
}

void routes_dispatch(struct api *api, struct http_request *request)
{
  const char *method = http_method(request), *path = http_path(request);
  char allowed[64] = "";
  for (const struct route *route = routes; route < routes + ROUTE_COUNT; route++) {
    char id[ID_SIZE];
    if (!path_matches(route->path, path, id))
      continue;
    if (method_matches(route->method, method)) {
      route->handler(api, request, id);
      return;
    }
    add_allowed(allowed, sizeof allowed, route->method);
  }
  if (!allowed[0]) {
    respond_error(api, request, ERROR_NOT_FOUND, "there is nothing here; GET / says where to go");
    return;
  }
  struct error error;
  error_set(&error, ERROR_METHOD_NOT_ALLOWED, 0, "allowed here: %s", allowed);
  respond_problem(api, request, &error, (const struct http_header_field[]){{"Allow", allowed}, {0}});
}
