/*
 * The body of POST /v1/evaluations. Whatever it is, it is either refused with at least one fault, or becomes a plan
 * that the keeper's decoder takes. What is said of the faults is JSON.
 */

#include "api/submission.h"
#include "wire/plan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_faults(const struct faults *faults)
{
  CLEANUP_BUFFER struct buffer text = {0};
  struct json_writer json = {.out = &text};
  ASSERT(faults->count > 0);
  faults_encode(faults, &json);
  json_t *array = json_loadb(text.data, text.size, 0, NULL);
  ASSERT(json_array_size(array) > 0);
  json_decref(array);
}

static void check_evaluation(const struct evaluation *evaluation)
{
  struct plan CLEANUP_PLAN plan = {0};
  struct error error;
  ASSERT(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  json_t *labels = json_loads(evaluation->labels, JSON_REJECT_DUPLICATES, NULL);
  ASSERT(json_is_object(labels));
  json_decref(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct backend_offer backends[] = {{.name = "native"}, {0}};
  static struct runtimes *runtimes;
  if (!runtimes)
    runtimes = runtimes_create();
  struct submission_rules rules = {
    .runtimes = runtimes,
    .limits_default = limits_default(),
    .limits_max = limits_default(),
    .backends = backends,
  };
  struct faults faults;
  faults.count = 0;
  struct evaluation *evaluation = submission_decode(&rules, data, size, &faults);
  if (evaluation)
    check_evaluation(evaluation);
  else
    check_faults(&faults);
  evaluation_destroy(evaluation);
  return 0;
}
