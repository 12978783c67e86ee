#include "daemon/doctor.h"

#include "api/json_writer.h"
#include "base/memory.h"

static void write_checks(struct json_writer *json, const struct doctor_report *report)
{
  json_write_array_begin(json);
  for (unsigned i = 0; i < report->count; i++) {
    const struct doctor_check *check = &report->checks[i];
    json_write_object_begin(json);
    json_write_member_text(json, "name", check->name);
    json_write_member_text(json, "purpose", check->purpose);
    json_write_member_text(json, "status", check_status_name(check->status));
    json_write_member_text(json, "explanation", check->explanation);
    json_write_object_end(json);
  }
  json_write_array_end(json);
}

static void write_gaps(struct json_writer *json, uint32_t features)
{
  json_write_array_begin(json);
  for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++)
    if (!(features & 1u << i))
      json_write_text(json, isolation_feature_missing(i));
  json_write_array_end(json);
}

/* The members that tell of one backend, in an object that is open. */
static void write_backend(struct json_writer *json, const struct backend *backend, const struct doctor_report *report,
                          const char *name_key)
{
  uint32_t features = backend_isolation(backend);
  json_write_member_text(json, name_key, backend_name(backend));
  json_write_member_text(json, "isolation", isolation_level_name(isolation_level(features)));
  json_write_key(json, "isolation_gaps");
  write_gaps(json, features);
  json_write_key(json, "checks");
  write_checks(json, report);
}

void doctor_report(struct backend *const *backends, unsigned count, struct buffer *ret)
{
  CLEANUP_FREE struct doctor_report *reports = xcalloc(count, sizeof *reports);
  for (unsigned i = 0; i < count; i++)
    backend_doctor(backends[i], &reports[i]);
  struct json_writer json = {.out = ret};
  json_write_object_begin(&json);
  json_write_member_text(&json, "version", ASSAY_VERSION);
  write_backend(&json, backends[0], &reports[0], "backend");
  json_write_key(&json, "backends");
  json_write_array_begin(&json);
  for (unsigned i = 0; i < count; i++) {
    json_write_object_begin(&json);
    write_backend(&json, backends[i], &reports[i], "name");
    json_write_object_end(&json);
  }
  json_write_array_end(&json);
  json_write_object_end(&json);
}
