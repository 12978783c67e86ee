#include "api/routes.h"

#include "api/access/audit.h"
#include "api/batches/batches.h"
#include "api/compat/crucible_routes.h"

#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
#define X(method, path, scope, handler, summary) {#method, path, SCOPE_##scope, handler, summary},
  ROUTES(X)
#undef X
};
enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

static const struct route crucible_routes[] = {
#define X(method, path, scope, handler, summary) {#method, path, SCOPE_##scope, handler, summary},
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
 * Compares a path with a pattern in which {id} stands for one id, and {token} for a token's name. What is none is not a path
 * that we have. {any_id} stands for anything that is not empty: another system's client is told in that system's words
 * that there is no such evaluation.
 */
static const struct place {
  const char *text;
  bool (*is_valid)(const char *part);
  bool takes_any;
} places[] = {
  {"{id}", id_valid, false},
  {"{any_id}", id_valid, true},
  {"{token}", token_name_valid, false},
};
enum { PLACE_COUNT = sizeof places / sizeof *places };
static_assert(+TOKEN_NAME_BYTES_MAX < +ID_SIZE, "a token's name has room where an id has");

static bool path_matches(const char *pattern, const char *path, char ret_id[static ID_SIZE])
{
  const struct place *place = places;
  const char *part;
  size_t length;
  ret_id[0] = 0;
  while (place < places + PLACE_COUNT && !strstr(pattern, place->text))
    place++;
  if (place == places + PLACE_COUNT)
    return !strcmp(pattern, path);
  if (!cut_part(pattern, place->text, path, &part, &length))
    return false;
  if (length < ID_SIZE) {
    memcpy(ret_id, part, length);
    ret_id[length] = 0;
  }
  if (!place->is_valid(ret_id))
    ret_id[0] = 0;
  return ret_id[0] || place->takes_any;
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

/* What is asked of a table: the route and its id, or the methods that the path has. */
struct search {
  const char *method, *path;
  const struct route *found;
  char id[ID_SIZE];
  char allowed[64];
};

static void search_in(struct search *search, const struct route *table, size_t count)
{
  for (const struct route *route = table; route < table + count && !search->found; route++) {
    if (!path_matches(route->path, search->path, search->id))
      continue;
    if (method_matches(route->method, search->method))
      search->found = route;
    else
      add_allowed(search->allowed, sizeof search->allowed, route->method);
  }
}

/* RFC 6750, section 3. */
static void respond_refusal(struct api *api, struct http_request *request, const struct error *error)
{
  audit_refused(api->access, request, error);
  if (error->kind == ERROR_UNAUTHORIZED)
    http_close_after(request); /* each guess costs a connection */
  static const struct http_header_field authenticate[] = {{"WWW-Authenticate", "Bearer realm=\"assay\""}, {0}};
  respond_problem(api, request, error, error->kind == ERROR_UNAUTHORIZED ? authenticate : NULL);
}

static struct search find_route(const struct api *api, const struct http_request *request)
{
  struct search search = {.method = http_method(request), .path = http_path(request)};
  search_in(&search, routes, ROUTE_COUNT);
  if (api->config.crucible)
    search_in(&search, crucible_routes, CRUCIBLE_ROUTE_COUNT);
  return search;
}

static bool may(const struct api *api, const struct http_request *request, const struct search *search,
                struct error *error)
{
  return access_allows(api->access, request, search->found ? search->found->scope : SCOPE_OPEN, error);
}

bool api_streams_body(void *context, const struct http_request *request)
{
  const struct api *api = context;
  struct search search = find_route(api, request);
  return batches_stream_body(request) || !may(api, request, &search, NULL);
}

void routes_dispatch(struct api *api, struct http_request *request)
{
  struct search search = find_route(api, request);
  struct error error;
  if (!may(api, request, &search, &error)) {
    respond_refusal(api, request, &error);
    return;
  }
  if (search.found) {
    search.found->handler(api, request, search.id);
    return;
  }
  if (!search.allowed[0]) {
    respond_error(api, request, ERROR_NOT_FOUND, "there is nothing here; GET / says where to go");
    return;
  }
  error_set(&error, ERROR_METHOD_NOT_ALLOWED, 0, "allowed here: %s", search.allowed);
  respond_problem(api, request, &error, (const struct http_header_field[]){{"Allow", search.allowed}, {0}});
}
