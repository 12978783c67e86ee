#include "daemon/doctor.h"

#include "api/json_writer.h"
#include "backend/native/doctor.h"

static void write_checks(struct json_writer *json, const struct doctor_check *checks)
{
  json_write_array_begin(json);
  for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
    json_write_object_begin(json);
    json_write_member_text(json, "name", checks[i].name);
    json_write_member_text(json, "purpose", checks[i].purpose);
    json_write_member_text(json, "status", check_status_name(checks[i].status));
    json_write_member_text(json, "explanation", checks[i].explanation);
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

void doctor_report(const struct backend *native, const char *state_dir, struct buffer *ret)
{
  uint32_t features = backend_isolation(native);
  struct doctor_check checks[DOCTOR_CHECK_COUNT];
  native_doctor(
    &(struct doctor_subject){.cgroups = native_cgroups(native), .features = features, .state_dir = state_dir}, checks);
  struct json_writer json = {.out = ret};
  json_write_object_begin(&json);
  json_write_member_text(&json, "version", ASSAY_VERSION);
  json_write_member_text(&json, "backend", backend_name(native));
  json_write_member_text(&json, "isolation", isolation_level_name(isolation_level(features)));
  json_write_key(&json, "isolation_gaps");
  write_gaps(&json, features);
  json_write_key(&json, "checks");
  write_checks(&json, checks);
  json_write_object_end(&json);
}
