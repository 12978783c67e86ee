#include "api/routes.h"

#include "api/compat/crucible_routes.h"

#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
#define X(method, path, handler, summary) {#method, path, handler, summary},
  ROUTES(X)
#undef X
};
enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

static const struct route crucible_routes[] = {
#define X(method, path, handler, summary) {#method, path, handler, summary},
  CRUCIBLE_ROUTES(X)
#undef X
};
enum { CRUCIBLE_ROUTE_COUNT = sizeof crucible_routes / sizeof *crucible_routes };

const struct route *routes_at(size_t index)
{
  return index < ROUTE_COUNT ? &routes[index] : NULL;
}

/* Cuts the part of `path` that stands where `place` stands in the pattern. False where the path is another one. */
static bool cut_part(const char *pattern, const char *place, const char *path, const char **ret_part,
                     size_t *ret_length)
{
  const char *hole = strstr(pattern, place);
  size_t before = (size_t)(hole - pattern);
  if (strncmp(pattern, path, before) != 0)
    return false;
  *ret_part = path + before;
  *ret_length = strcspn(path + before, "/");
  return *ret_length > 0 && !strcmp(hole + strlen(place), path + before + *ret_length);
}

/*
 * Compares a path with a pattern in which {id} stands for one id. What is not an id is not a path that we have. {any_id}
 * stands for anything that is not empty: another system's client is told in that system's words that there is no such
 * evaluation.
 */
static bool path_matches(const char *pattern, const char *path, char ret_id[static ID_SIZE])
{
  const char *place = strstr(pattern, "{any_id}") ? "{any_id}" : "{id}", *part;
  size_t length;
  ret_id[0] = 0;
  if (!strstr(pattern, place))
    return !strcmp(pattern, path);
  if (!cut_part(pattern, place, path, &part, &length))
    return false;
  if (length < ID_SIZE) {
    memcpy(ret_id, part, length);
    ret_id[length] = 0;
  }
  if (!id_valid(ret_id))
    ret_id[0] = 0;
  return ret_id[0] || !strcmp(place, "{any_id}");
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

/* What is asked of a table: the handler and its id, or the methods that the path has. */
struct search {
  const char *method, *path;
  api_handler *handler;
  char id[ID_SIZE];
  char allowed[64];
};

static void search_in(struct search *search, const struct route *table, size_t count)
{
  for (const struct route *route = table; route < table + count && !search->handler; route++) {
    if (!path_matches(route->path, search->path, search->id))
      continue;
    if (method_matches(route->method, search->method))
      search->handler = route->handler;
    else
      add_allowed(search->allowed, sizeof search->allowed, route->method);
  }
}

void routes_dispatch(struct api *api, struct http_request *request)
{
  struct search search = {.method = http_method(request), .path = http_path(request)};
  search_in(&search, routes, ROUTE_COUNT);
  if (api->config.crucible)
    search_in(&search, crucible_routes, CRUCIBLE_ROUTE_COUNT);
  if (search.handler) {
    search.handler(api, request, search.id);
    return;
  }
  if (!search.allowed[0]) {
    respond_error(api, request, ERROR_NOT_FOUND, "there is nothing here; GET / says where to go");
    return;
  }
  struct error error;
  error_set(&error, ERROR_METHOD_NOT_ALLOWED, 0, "allowed here: %s", search.allowed);
  respond_problem(api, request, &error, (const struct http_header_field[]){{"Allow", search.allowed}, {0}});
}
