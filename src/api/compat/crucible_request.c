/* Bodies of the Crucible API: what is wrong with them, in FastAPI's words, and the submission of /v1 that they mean. */

#include "api/compat/crucible.h"
#include "api/compat/quantity.h"
#include "api/submission.h"
#include "api/utf8.h"
#include "base/json_bounds.h"
#include "base/number.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS_DEFAULT = 30, TIMEOUT_SECONDS_MAX = 300 };
enum { PREVIEW_CHARACTERS_MAX = 100 };

/* Faults */

void crucible_faults_release(struct crucible_faults *faults)
{
  buffer_release(&faults->list);
}

void crucible_respond_faults(struct api *api, struct http_request *request, const struct crucible_faults *faults)
{
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_printf(&body, "{\"detail\":[%s]}", faults->list.data);
  respond_json(api, request, 422, &body);
}

/* Where in the body, or in the query. */
struct place {
  struct crucible_faults *faults;
  int index;         /* in a batch, or CRUCIBLE_ALONE */
  const char *field; /* NULL: the whole */
  bool in_query;
};

__attribute__((format(printf, 3, 4))) static bool add_fault(const struct place *place, const char *type,
                                                            const char *format, ...)
{
  char message[FAULT_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  struct json_writer json = {.out = &place->faults->list, .comma = place->faults->count++ > 0};
  json_write_object_begin(&json);
  json_write_member_text(&json, "type", type);
  json_write_key(&json, "loc");
  json_write_array_begin(&json);
  json_write_text(&json, place->in_query ? "query" : "body");
  if (place->index != CRUCIBLE_ALONE) {
    json_write_text(&json, "evaluations");
    json_write_u64(&json, (uint64_t)place->index);
  }
  if (place->field)
    json_write_text(&json, place->field);
  json_write_array_end(&json);
  json_write_member_text(&json, "msg", message);
  json_write_object_end(&json);
  return false;
}

void crucible_faults_add(struct crucible_faults *faults, const char *name, const char *type, const char *message)
{
  add_fault(&(struct place){.faults = faults, .index = CRUCIBLE_ALONE, .field = name}, type, "%s", message);
}

/* What a validator of its own says. */
#define VALUE_ERROR(place, ...) add_fault(place, "value_error", "Value error, " __VA_ARGS__)

/* The body */

static json_t *refuse_body(struct api *api, struct http_request *request, const char *type, const char *message)
{
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  add_fault(&(struct place){.faults = &faults, .index = CRUCIBLE_ALONE}, type, "%s", message);
  crucible_respond_faults(api, request, &faults);
  return NULL;
}

json_t *crucible_body(struct api *api, struct http_request *request)
{
  size_t size;
  const char *body = http_body(request, &size);
  struct error bounds;
  json_error_t error;
  if (size > CRUCIBLE_BODY_BYTES_MAX) {
    crucible_respond_detail(api, request, 413, "Request entity too large");
    return NULL;
  }
  if (!size)
    return refuse_body(api, request, "missing", "Field required");
  if (!request_is_json(request))
    return refuse_body(api, request, "model_attributes_type",
                       "Input should be a valid dictionary or object to extract fields from");
  if (!json_bounds_check(body, size, &bounds))
    return refuse_body(api, request, "json_invalid", bounds.message);
  json_t *json = json_loadb(body, size, JSON_ALLOW_NUL, &error); /* of doubled members the last counts, as in Python */
  if (!json)
    return refuse_body(api, request, "json_invalid", "JSON decode error");
  if (!json_is_object(json)) {
    json_decref(json);
    return refuse_body(api, request, "model_attributes_type",
                       "Input should be a valid dictionary or object to extract fields from");
  }
  return json;
}

/* Fields. Pydantic is lenient with numbers and so are we: existing clients send `false` for a priority. */

/* A text that ends where C says that it ends; NULL where it is not there (a fault if `required`) or null. */
static const char *read_text(const struct place *place, const json_t *object, bool required)
{
  const json_t *value = json_object_get(object, place->field);
  if (!value && required)
    add_fault(place, "missing", "Field required");
  if (!value || (json_is_null(value) && !required))
    return NULL;
  const char *text = json_string_value(value);
  if (!text)
    add_fault(place, "string_type", "Input should be a valid string");
  else if (strlen(text) != json_string_length(value))
    VALUE_ERROR(place, "must not contain NUL");
  else
    return text;
  return NULL;
}

static bool integer_from_text(const struct place *place, const char *text, int64_t *ret)
{
  bool negative = *text == '-';
  uint64_t value;
  if (!parse_u64_text(text + (negative || *text == '+'), INT64_MAX, &value))
    return add_fault(place, "int_parsing", "Input should be a valid integer, unable to parse string as an integer");
  *ret = negative ? -(int64_t)value : (int64_t)value;
  return true;
}

static bool integer_from_real(double real, int64_t *ret)
{
  if (!(real >= -1e15 && real <= 1e15) || real != (double)(int64_t)real)
    return false;
  *ret = (int64_t)real;
  return true;
}

static bool integer_from_json(const struct place *place, const json_t *value, int64_t *ret)
{
  switch (json_typeof(value)) {
  case JSON_INTEGER:
    *ret = json_integer_value(value);
    return true;
  case JSON_TRUE:
  case JSON_FALSE:
    *ret = json_is_true(value);
    return true;
  case JSON_STRING:
    return integer_from_text(place, json_string_value(value), ret);
  case JSON_REAL:
    return integer_from_real(json_real_value(value), ret) ||
           add_fault(place, "int_from_float", "Input should be a valid integer, got a number with a fractional part");
  default:
    return add_fault(place, "int_type", "Input should be a valid integer");
  }
}

static bool check_range(const struct place *place, int64_t number, int64_t least, int64_t most)
{
  if (number < least)
    return add_fault(place, "greater_than_equal", "Input should be greater than or equal to %lld", (long long)least);
  if (number > most)
    return add_fault(place, "less_than_equal", "Input should be less than or equal to %lld", (long long)most);
  return true;
}

static int64_t read_integer(const struct place *place, const json_t *object, int64_t standard, int64_t least,
                            int64_t most)
{
  const json_t *value = json_object_get(object, place->field);
  int64_t number = standard;
  bool good = value && integer_from_json(place, value, &number) && check_range(place, number, least, most);
  return good ? number : standard;
}

int64_t crucible_query_integer(const struct http_request *request, const char *name, int64_t standard, int64_t least,
                               int64_t most, struct crucible_faults *faults)
{
  struct place place = {.faults = faults, .index = CRUCIBLE_ALONE, .field = name, .in_query = true};
  const char *text = http_query(request, name);
  int64_t number = standard;
  bool good = text && integer_from_text(&place, text, &number) && check_range(&place, number, least, most);
  return good ? number : standard;
}

static void check_boolean(const struct place *place, const json_t *object)
{
  const json_t *value = json_object_get(object, place->field);
  bool zero_or_one = json_is_integer(value) && (json_integer_value(value) & ~1ll) == 0;
  if (value && !json_is_boolean(value) && !zero_or_one)
    add_fault(place, "bool_type", "Input should be a valid boolean");
}

static bool is_blank(const char *text, size_t length)
{
  size_t i = 0;
  while (i < length && isspace((unsigned char)text[i]))
    i++;
  return i == length;
}

static void read_code(const struct place *place, const json_t *object, bool may_be_blank, struct crucible_program *ret)
{
  const json_t *value = json_object_get(object, place->field);
  if (!value)
    add_fault(place, "missing", "Field required");
  else if (!json_is_string(value))
    add_fault(place, "string_type", "Input should be a valid string");
  else if (json_string_length(value) > CRUCIBLE_CODE_BYTES_MAX)
    VALUE_ERROR(place, "Code size exceeds maximum allowed size of %llu bytes", CRUCIBLE_CODE_BYTES_MAX);
  else if (!may_be_blank && is_blank(json_string_value(value), json_string_length(value)))
    VALUE_ERROR(place, "Code cannot be empty");
  ret->code = value;
}

static void check_language(const struct place *place, const json_t *object)
{
  const char *language = read_text(place, object, false);
  if (language && strcasecmp(language, "python") != 0)
    VALUE_ERROR(place, "Language '%.40s' is not supported. Supported languages: python", language);
}

/* The operator's most may be less than the original's. */
static void read_timeout(const struct api *api, const struct place *place, const json_t *object,
                         struct crucible_program *ret)
{
  int64_t most = (int64_t)(api->config.limits_max.wall_time_ms / 1000);
  if (most > TIMEOUT_SECONDS_MAX)
    most = TIMEOUT_SECONDS_MAX;
  if (most < 1)
    most = 1;
  int64_t standard = most < TIMEOUT_SECONDS_DEFAULT ? most : TIMEOUT_SECONDS_DEFAULT;
  ret->timeout_seconds = read_integer(place, object, standard, 1, most);
}

enum { MEMORY_BYTES_LEAST = 4 << 20 }; /* of LIMITS in wire/plan.h */

static void read_resources(struct place *place, const json_t *object, struct crucible_program *ret)
{
  uint64_t millicores;
  place->field = "memory_limit";
  ret->memory_limit = read_text(place, object, false);
  if (ret->memory_limit && !quantity_parse(ret->memory_limit, 1, &ret->memory_bytes))
    VALUE_ERROR(place, "'%.40s' is not a quantity such as 512Mi", ret->memory_limit);
  else if (ret->memory_limit && ret->memory_bytes < MEMORY_BYTES_LEAST)
    VALUE_ERROR(place, "%.40s is less than the least, 4Mi", ret->memory_limit);
  place->field = "cpu_limit";
  ret->cpu_limit = read_text(place, object, false);
  if (ret->cpu_limit && (!quantity_parse(ret->cpu_limit, 1000, &millicores) || !millicores ||
                         strlen(ret->cpu_limit) > LABEL_VALUE_BYTES_MAX))
    VALUE_ERROR(place, "'%.40s' is not a quantity such as 500m", ret->cpu_limit);
}

bool crucible_read_program(const struct api *api, const json_t *object, int index, struct crucible_faults *faults,
                           struct crucible_program *ret)
{
  struct place place = {.faults = faults, .index = index};
  size_t before = faults->count;
  *ret = (struct crucible_program){0};
  if (!json_is_object(object))
    return add_fault(&place, "model_attributes_type",
                     "Input should be a valid dictionary or object to extract fields from");
#define AT(name) (place.field = (name), &place)
  read_code(AT("code"), object, false, ret);
  check_language(AT("language"), object);
  ret->engine = read_text(AT("engine"), object, false);
  read_timeout(api, AT("timeout"), object, ret);
  ret->priority = read_integer(AT("priority"), object, 0, INT64_MIN, INT64_MAX);
  read_resources(&place, object, ret);
  ret->image = read_text(AT("executor_image"), object, false);
  check_boolean(AT("debug"), object);
  check_boolean(AT("expect_failure"), object);
  return faults->count == before;
}

bool crucible_read_execution(const struct api *api, const json_t *object, struct crucible_faults *faults,
                             struct crucible_program *ret)
{
  struct place place = {.faults = faults, .index = CRUCIBLE_ALONE};
  *ret = (struct crucible_program){0};
  ret->eval_id = read_text(AT("eval_id"), object, true);
  if (ret->eval_id && !id_valid(ret->eval_id))
    add_fault(&place, "string_pattern_mismatch", "String should match pattern '^\\d{8}_\\d{6}_[a-f0-9]{8}$'");
  read_code(AT("code"), object, true, ret);
  read_timeout(api, AT("timeout"), object, ret);
#undef AT
  return !faults->count;
}

/* The host */

static uint64_t processors(void)
{
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (uint64_t)count : 1;
}

/* As much as this host has, or as the operator lets one evaluation have. */
static uint64_t memory_bytes_most(const struct api *api)
{
  long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  uint64_t most = api->config.limits_max.memory_bytes;
  uint64_t host = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : most;
  return host < most ? host : most;
}

bool crucible_check_host(const struct api *api, const struct crucible_program *program, struct error *error)
{
  uint64_t memory_most = memory_bytes_most(api), millicores_most = processors() * 1000, millicores = 0;
  if (program->memory_bytes > memory_most)
    return error_set(error, ERROR_INVALID, 0, "Requested memory (%.40s) exceeds total cluster limit (%lluMB)",
                     program->memory_limit, (unsigned long long)(memory_most >> 20));
  if (program->cpu_limit && quantity_parse(program->cpu_limit, 1000, &millicores) && millicores > millicores_most)
    return error_set(error, ERROR_INVALID, 0, "Requested CPU (%.40s) exceeds total cluster limit (%llum)",
                     program->cpu_limit, (unsigned long long)millicores_most);
  return true;
}

/* The submission of /v1 */

static const struct backend_offer *find_offer(const struct api *api, const char *name)
{
  for (const struct backend_offer *offer = api->config.backends; name && offer->name; offer++)
    if (!strcmp(offer->name, name))
      return offer;
  return NULL;
}

/* The engine by its name, else Docker, which is what all engines of the original were, else what there is. */
static const struct backend_offer *choose_offer(const struct api *api, const char *engine)
{
  const struct backend_offer *offer = find_offer(api, engine);
  if (!offer)
    offer = find_offer(api, "docker");
  return offer ? offer : &api->config.backends[0];
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
  return value < least ? least : value > most ? most : value;
}

/* The first characters; as a label, it has no NUL and ends with a whole character. */
static json_t *make_preview(const json_t *code)
{
  const unsigned char *text = (const unsigned char *)json_string_value(code);
  size_t length = strnlen((const char *)text, json_string_length(code)), used = 0, next = 0;
  char preview[LABEL_VALUE_BYTES_MAX + 1];
  for (unsigned i = 0; i < PREVIEW_CHARACTERS_MAX && used < length; i++, used += next) {
    utf8_next(text + used, length - used, &next);
    if (used + next > sizeof preview - sizeof "...")
      break;
  }
  snprintf(preview, sizeof preview, "%.*s%s", (int)used, (const char *)text,
           used < json_string_length(code) ? "..." : "");
  return json_string(preview);
}

static json_t *make_labels(const struct crucible_program *program, const struct backend_offer *offer)
{
  json_t *labels = json_object();
  json_object_set_new(labels, STORE_LABEL_KEEP, json_string(STORE_LABEL_KEEP_PROGRAM));
  json_object_set_new(labels, CRUCIBLE_LABEL_PREVIEW, make_preview(program->code));
  if (program->eval_id)
    json_object_set_new(labels, CRUCIBLE_LABEL_ID, json_string(program->eval_id));
  if (program->cpu_limit)
    json_object_set_new(labels, CRUCIBLE_LABEL_CPU, json_string(program->cpu_limit));
  if (program->image && !offer->takes_images)
    json_object_set_new(labels, CRUCIBLE_LABEL_IMAGE, json_string(program->image));
  return labels;
}

/* The original has no limit on CPU time: as much as all processors can give in the time that there is. */
static json_t *make_limits(const struct api *api, const struct crucible_program *program)
{
  uint64_t wall_time_ms = (uint64_t)program->timeout_seconds * 1000, most_ms = api->config.limits_max.cpu_time_ms;
  uint64_t cpu_time_ms = wall_time_ms * processors();
  json_t *limits = json_object();
  json_object_set_new(limits, "wall_time_ms", json_integer((json_int_t)wall_time_ms));
  json_object_set_new(limits, "cpu_time_ms", json_integer((json_int_t)(cpu_time_ms < most_ms ? cpu_time_ms : most_ms)));
  if (program->memory_limit)
    json_object_set_new(limits, "memory_bytes", json_integer((json_int_t)program->memory_bytes));
  return limits;
}

static json_t *make_submission(const struct api *api, const struct crucible_program *program)
{
  const struct backend_offer *offer = choose_offer(api, program->engine);
  int64_t priority = clamp(program->priority, -SUBMISSION_PRIORITY_MAX, SUBMISSION_PRIORITY_MAX);
  json_t *submission = json_object();
  json_object_set_new(submission, "runtime", json_string("python"));
  json_object_set(submission, "code", (json_t *)program->code);
  /* The original ran `python -u`: what was written before a time-out is not left in a buffer. */
  json_object_set_new(submission, "env", json_pack("{s:s}", "PYTHONUNBUFFERED", "1"));
  json_object_set_new(submission, "limits", make_limits(api, program));
  json_object_set_new(submission, "backend", json_string(offer->name));
  json_object_set_new(submission, "priority", json_integer(priority));
  json_object_set_new(submission, "labels", make_labels(program, offer));
  if (program->image && offer->takes_images)
    json_object_set_new(submission, "image", json_string(program->image));
  return submission;
}

/* Which of its fields a fault of the submission comes from. */
static const char *field_of(const char *path)
{
  static const char *const fields[][2] = {
    {"$.image", "executor_image"},
    {"$.labels[\"" CRUCIBLE_LABEL_IMAGE "\"]", "executor_image"},
    {"$.limits.memory_bytes", "memory_limit"},
    {"$.limits.wall_time_ms", "timeout"},
    {"$.backend", "engine"},
    {"$.runtime", "language"},
    {"$.code", "code"},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (!strcmp(fields[i][0], path))
      return fields[i][1];
  return NULL;
}

struct evaluation *crucible_evaluation(const struct api *api, const struct crucible_program *program, int index,
                                       struct crucible_faults *faults)
{
  json_t *submission = make_submission(api, program);
  struct submission_rules rules = submission_rules_of(api, NULL);
  struct faults found;
  found.count = 0;
  struct evaluation *evaluation = submission_decode_json(&rules, submission, &found);
  json_decref(submission);
  for (size_t i = 0; i < found.count && i < FAULTS_MAX; i++)
    VALUE_ERROR((&(struct place){.faults = faults, .index = index, .field = field_of(found.entry[i].path)}), "%s",
                found.entry[i].message);
  return evaluation;
}
