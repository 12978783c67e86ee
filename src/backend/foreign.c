#include "backend/foreign.h"

#include "base/error.h"
#include "base/json_bounds.h"
#include "base/printable.h"

#include <stdio.h>

json_t *foreign_json(const void *bytes, size_t size, char why[static REASON_SIZE])
{
  struct error error;
  if (!json_bounds_check(bytes, size, &error)) {
    snprintf(why, REASON_SIZE, "its answer is %.200s", error.message);
    return 0;
  }
  json_t *json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, 0);
  if (!json)
    snprintf(why, REASON_SIZE, "its answer is not JSON");
  return json;
}

void foreign_refusal(const void *body, size_t size, size_t size_max, int status, char message[static REASON_SIZE])
{
  char why[REASON_SIZE];
  json_t *json = size <= size_max ? foreign_json(body, size, why) : 0;
  const char *text = json_string_value(json_object_get(json, "message"));
  if (text && *text)
    printable_copy(message, REASON_SIZE, text);
  else
    snprintf(message, REASON_SIZE, "it answered with status %d", status);
  json_decref(json);
}
