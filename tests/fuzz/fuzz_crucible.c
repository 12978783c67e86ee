/*
 * Bodies of the Crucible API. Whatever such a body is, it is either refused with at least one fault, or becomes a plan that
 * the keeper's decoder takes. What is said of the faults is JSON.
 */

#include "api/compat/crucible.h"
#include "base/json_bounds.h"
#include "wire/plan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is linked for requests and answers, which are none here. */

void crucible_respond_detail(struct api *api, struct http_request *request, int status, const char *format, ...)
{
  (void)api, (void)request, (void)status, (void)format;
}

void respond_json(struct api *api, struct http_request *request, int status, struct buffer *body)
{
  (void)api, (void)request, (void)status, (void)body;
}

bool request_is_json(const struct http_request *request)
{
  (void)request;
  return true;
}

const void *http_body(const struct http_request *request, size_t *ret_size)
{
  (void)request;
  *ret_size = 0;
  return "";
}

const char *http_query(const struct http_request *request, const char *name)
{
  (void)request, (void)name;
  return NULL;
}

struct submission_rules submission_rules_of(const struct api *api, const struct http_request *request)
{
  (void)request;
  return (struct submission_rules){
    .runtimes = api->config.runtimes,
    .limits_default = api->config.limits_default,
    .limits_max = api->config.limits_max,
    .backends = api->config.backends,
  };
}

static void check_faults(const struct crucible_faults *faults)
{
  CLEANUP_BUFFER struct buffer text = {0};
  ASSERT(faults->count > 0);
  buffer_printf(&text, "[%s]", faults->list.data);
  json_t *array = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  ASSERT(json_array_size(array) == faults->count);
  json_decref(array);
}

static void check_evaluation(const struct api *api, const struct crucible_program *program,
                             struct crucible_faults *faults)
{
  struct evaluation *evaluation = crucible_evaluation(api, program, CRUCIBLE_ALONE, faults);
  if (!evaluation) {
    check_faults(faults);
    return;
  }
  CLEANUP_PLAN struct plan plan = {0};
  struct error error;
  ASSERT(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  ASSERT(plan.file_count == 1 && plan.files[0].size == json_string_length(program->code));
  evaluation_destroy(evaluation);
}

static void check(const struct api *api, const json_t *json, bool execution)
{
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  struct crucible_program program;
  struct error error;
  bool good = execution ? crucible_read_execution(api, json, &faults, &program)
                        : crucible_read_program(api, json, CRUCIBLE_ALONE, &faults, &program);
  if (!good)
    check_faults(&faults);
  else if (crucible_check_host(api, &program, &error))
    check_evaluation(api, &program, &faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const patterns[] = {"python:*", NULL};
  static const struct backend_offer backends[] = {
    {.name = "native"}, {.name = "docker", .takes_images = true, .image = "python:3", .images = patterns}, {0}};
  static struct api api;
  struct error error;
  if (!api.config.runtimes) {
    api.config.runtimes = runtimes_create();
    api.config.limits_default = api.config.limits_max = limits_default();
    api.config.backends = backends;
  }
  json_t *json = json_bounds_check((const char *)data, size, &error)
                   ? json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL)
                   : NULL;
  if (json_is_object(json)) {
    check(&api, json, false);
    check(&api, json, true);
  }
  json_decref(json);
  return 0;
}
