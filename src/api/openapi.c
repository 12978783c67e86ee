/*
 * GET /openapi.json: the API's description in OpenAPI 3.1.
 *
 * Which operations there are, and in which words they are summed up, is the table of routes. What a client sends and
 * gets stands in openapi.json beside this file, which is compiled in: one entry an operation, in short forms that are
 * spelt out here, and the schemas. What a table of the code knows better is put in from there: states, verdicts,
 * faults, limits with the operator's most, the fields of a submission, the titles of errors.
 */

#include "api/draft.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

extern const char openapi_text[]; /* openapi.json */

static json_t *reference(const char *kind, const char *name)
{
  return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

static json_t *content(const char *type, json_t *schema)
{
  return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* {"schema": NAME}, {"text": true}, {"events": true}, {"lines": true} or {"bytes": true}, spelt out; NULL where there is none of these. */
static json_t *spell_content(const json_t *brief)
{
  const char *schema = json_string_value(json_object_get(brief, "schema"));
  if (schema)
    return content("application/json", reference("schemas", schema));
  static const char *const types[][2] = {{"text", "text/plain"},
                                         {"events", "text/event-stream"},
                                         {"lines", "application/jsonl"},
                                         {"bytes", "application/octet-stream"}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (json_object_get(brief, types[i][0]))
      return content(types[i][1], json_pack("{s:s}", "type", "string"));
  return NULL;
}

static json_t *spell_response(const json_t *brief)
{
  json_t *response =
    json_pack("{s:O, s:o*}", "description", json_object_get(brief, "description"), "content", spell_content(brief));
  const json_t *names = json_object_get(brief, "headers"), *name;
  json_t *headers = json_object();
  size_t index;
  json_array_foreach (names, index, name) {
    json_object_set_new(headers, json_string_value(name), reference("headers", json_string_value(name)));
  }
  json_object_set_new(response, "headers", headers);
  return response;
}

static json_t *problem_of(enum error_kind kind)
{
  return json_pack("{s:s, s:o}", "description", error_title(kind), "content",
                   content("application/problem+json", reference("schemas", "Problem")));
}

static enum error_kind kind_of_status(json_int_t status)
{
  static const enum error_kind kinds[] = {
#define X(name, status, title) ERROR_##name,
    ERROR_KINDS(X)
#undef X
  };
  size_t i = 0;
  while (error_http_status(kinds[i]) != status) {
    i++;
    ASSERT(i < sizeof kinds / sizeof *kinds);
  }
  return kinds[i];
}

static void add_problem(json_t *responses, json_int_t status)
{
  char text[32];
  snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, status);
  json_object_set_new(responses, text, problem_of(kind_of_status(status)));
}

/* Beside what is documented, the server turns away what is no proper request. */
static json_t *spell_responses(const json_t *brief, enum scope scope)
{
  json_t *responses = json_object();
  const json_t *errors = json_object_get(brief, "errors"), *error;
  const char *status;
  json_t *response;
  size_t index;
  json_object_foreach (json_object_get(brief, "responses"), status, response) {
    json_object_set_new(responses, status, spell_response(response));
  }
  json_array_foreach (errors, index, error) {
    add_problem(responses, json_integer_value(error));
  }
  if (scope != SCOPE_OPEN)
    add_problem(responses, error_http_status(ERROR_UNAUTHORIZED));
  add_problem(responses, error_http_status(ERROR_FORBIDDEN)); /* also a page of another origin */
  return responses;
}

static json_t *spell_operation(const json_t *brief, const struct route *route)
{
  json_t *operation = json_pack("{s:O, s:s, s:o}", "operationId", json_object_get(brief, "operationId"), "summary",
                                route->summary, "responses", spell_responses(brief, route->scope));
  const json_t *names = json_object_get(brief, "parameters"), *name;
  json_t *parameters = json_array(), *body = json_object_get(brief, "requestBody");
  size_t index;
  json_array_foreach (names, index, name) {
    json_array_append_new(parameters, reference("parameters", json_string_value(name)));
  }
  json_object_set_new(operation, "parameters", parameters);
  if (route->scope != SCOPE_OPEN)
    json_object_set_new(operation, "security", json_pack("[{s:[s]}, {}]", "token", scope_name(route->scope)));
  if (json_object_get(body, "lines"))
    json_object_set_new(operation, "requestBody",
                        json_pack("{s:b, s:o}", "required", true, "content", spell_content(body)));
  else if (body)
    json_object_set_new(
      operation, "requestBody",
      json_pack("{s:b, s:o}", "required", true, "content", content("application/json", json_incref(body))));
  return operation;
}

/* One item a path, one operation a method. */
static json_t *spell_paths(const json_t *operations)
{
  json_t *paths = json_object();
  const struct route *route;
  for (size_t i = 0; (route = routes_at(i)); i++) {
    CLEANUP_FREE char *key = xasprintf("%s %s", route->method, route->path);
    const json_t *brief = json_object_get(operations, key);
    ASSERT(brief); /* a route that openapi.json does not describe */
    CLEANUP_FREE char *method = xstrdup(route->method);
    for (char *c = method; *c; c++)
      *c = (char)tolower((unsigned char)*c);
    if (!json_object_get(paths, route->path))
      json_object_set_new(paths, route->path, json_object());
    json_object_set_new(json_object_get(paths, route->path), method, spell_operation(brief, route));
  }
  return paths;
}

/* What the tables know. */

static json_t *texts(const char *const *list, size_t count)
{
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(array, json_string(list[i]));
  return array;
}

static json_t *verdict_names(void)
{
  static const char *const names[] = {
#define X(name, text, fault, meaning) text,
    VERDICTS(X)
#undef X
  };
  return texts(names, sizeof names / sizeof *names);
}

static json_t *fault_names(void)
{
  static const char *const names[] = {
#define X(name, text) text,
    FAULTS(X)
#undef X
  };
  return texts(names, sizeof names / sizeof *names);
}

static json_t *scope_names(void)
{
  json_t *names = json_array();
  for (int i = 0; i < SCOPE_COUNT; i++)
    json_array_append_new(names, json_string(scope_name((enum scope)(1u << i))));
  return names;
}

static json_t *status_names(void)
{
  json_t *names = json_array(), *verdicts = verdict_names();
  for (enum state state = STATE_QUEUED; state < STATE_FINISHED; state++)
    json_array_append_new(names, json_string(state_name(state)));
  json_array_extend(names, verdicts);
  json_decref(verdicts);
  return names;
}

static json_t *limit_names(void)
{
  json_t *names = json_array();
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    json_array_append_new(names, json_string(limit_name(kind)));
  return names;
}

static json_t *property(const json_t *schemas, const char *schema, const char *name)
{
  json_t *found = json_object_get(json_object_get(json_object_get(schemas, schema), "properties"), name);
  ASSERT(found);
  return found;
}

static void fill_names(const json_t *schemas)
{
  json_object_set_new(json_object_get(schemas, "Status"), "enum", status_names());
  json_object_set_new(json_object_get(json_object_get(schemas, "Scopes"), "items"), "enum", scope_names());
  json_object_set_new(property(schemas, "Verdict", "kind"), "enum", verdict_names());
  json_object_set_new(property(schemas, "Verdict", "fault"), "enum", fault_names());
  json_t *limit = json_object_get(property(schemas, "Verdict", "limit"), "properties");
  json_object_set_new(json_object_get(limit, "name"), "enum", limit_names());
}

/* What was accepted under other settings may be more than what is allowed now. */
static void fill_limits(const json_t *schemas, const struct api_config *config)
{
  json_t *asked = json_object_get(json_object_get(schemas, "LimitsAsked"), "properties");
  json_t *shown = json_object_get(json_object_get(schemas, "Limits"), "properties");
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++) {
    const struct limit_rule *rule = limit_rule(kind);
    uint64_t most = limit_value(&config->limits_max, kind);
    json_object_set_new(asked, rule->name,
                        json_pack("{s:s, s:I, s:I, s:I}", "type", "integer", "minimum", (json_int_t)rule->least,
                                  "maximum", (json_int_t)(most < rule->most ? most : rule->most), "default",
                                  (json_int_t)limit_value(&config->limits_default, kind)));
    json_object_set_new(shown, rule->name, json_pack("{s:s}", "type", "integer"));
  }
  json_object_set_new(json_object_get(schemas, "Limits"), "required", limit_names());
}

static json_t *integer_schema(uint64_t least, uint64_t most, const char *description)
{
  return json_pack("{s:s, s:I, s:I, s:s*}", "type", "integer", "minimum", (json_int_t)least, "maximum",
                   (json_int_t)most, "description", description);
}

static void fill_token(const json_t *schemas)
{
  json_t *limits = json_object_get(json_object_get(schemas, "TokenLimits"), "properties");
#define X(name, bounds) json_object_set_new(limits, #name, integer_schema(1, QUOTA_MAX, bounds));
  QUOTAS(X)
#undef X
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    json_object_set_new(limits, limit_name(kind),
                        integer_schema(limit_rule(kind)->least, limit_rule(kind)->most, NULL));
}

static void fill_field(json_t *fields, const char *name, enum value_kind kind, const char *description)
{
  static const char *const types[] = {[VALUE_STRING] = "string",
                                      [VALUE_INTEGER] = "integer",
                                      [VALUE_BOOLEAN] = "boolean",
                                      [VALUE_ARRAY] = "array",
                                      [VALUE_OBJECT] = "object"};
  json_t *field = json_pack("{s:s, s:s}", "type", types[kind], "description", description);
  json_object_update(field, json_object_get(fields, name));
  json_object_set_new(fields, name, field);
}

static void set_range(json_t *schema, json_int_t least, json_int_t most)
{
  json_object_set_new(schema, "minimum", json_integer(least));
  json_object_set_new(schema, "maximum", json_integer(most));
}

static void fill_submission(const json_t *schemas)
{
  json_t *fields = json_object_get(json_object_get(schemas, "Submission"), "properties");
#define X(field, kind, text) fill_field(fields, #field, VALUE_##kind, text);
  SUBMISSION_FIELDS(X)
#undef X
  set_range(json_object_get(fields, "priority"), -SUBMISSION_PRIORITY_MAX, SUBMISSION_PRIORITY_MAX);
  set_range(json_object_get(fields, "max_attempts"), 1, SUBMISSION_ATTEMPTS_MAX);
}

static void fill_parameters(const json_t *parameters)
{
  set_range(json_object_get(json_object_get(parameters, "wait"), "schema"), 0, WAIT_SECONDS_MAX);
  json_t *limit = json_object_get(json_object_get(parameters, "limit"), "schema");
  set_range(limit, 1, LIST_LIMIT_MAX);
  json_object_set_new(limit, "default", json_integer(LIST_LIMIT_DEFAULT));
}

void handle_openapi(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  json_t *brief = json_loads(openapi_text, JSON_REJECT_DUPLICATES, NULL);
  ASSERT(brief);
  json_t *components = json_object_get(brief, "components"), *schemas = json_object_get(components, "schemas");
  fill_names(schemas);
  fill_limits(schemas, &api->config);
  fill_submission(schemas);
  fill_token(schemas);
  fill_parameters(json_object_get(components, "parameters"));
  json_t *document = json_pack("{s:s, s:{s:s, s:s, s:{s:s}}, s:o, s:O}", "openapi", "3.1.0", "info", "title", "Assay",
                               "version", api->config.version, "license", "name", "Apache-2.0", "paths",
                               spell_paths(json_object_get(brief, "operations")), "components", components);
  CLEANUP_FREE char *text = json_dumps(document, JSON_COMPACT);
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, text);
  json_decref(document);
  json_decref(brief);
  respond_json(api, request, 200, &body);
}
