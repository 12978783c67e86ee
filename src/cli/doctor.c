#include "cli/command.h"

#include "base/memory.h"
#include "cli/inert.h"
#include "cli/print.h"
#include "cli/remote.h"

#include <stdio.h>
#include <string.h>

static void print_checks(const json_t *checks)
{
  static const struct column columns[] = {{"CHECK", COLUMN_LEFT},
                                          {"STATE", COLUMN_LEFT},
                                          {"WHAT IT IS FOR", COLUMN_WRAPPED},
                                          {"WHAT WAS FOUND", COLUMN_WRAPPED}};
  struct table *table = table_create(columns, sizeof columns / sizeof *columns, true);
  for (size_t i = 0; i < json_array_size(checks); i++) {
    const json_t *check = json_array_get(checks, i);
    table_row(table, (const char *const[]){json_text_at(check, "name"), json_text_at(check, "status"),
                                           json_text_at(check, "purpose"), json_text_at(check, "explanation")});
  }
  table_print(table);
  table_destroy(table);
  putchar('\n');
}

static void print_backend(const json_t *report)
{
  const json_t *checks = json_at(report, "checks"), *gaps = json_at(report, "isolation_gaps");
  if (json_array_size(checks))
    print_checks(checks);
  CLEANUP_FREE char *isolation = inert_line(json_text_at(report, "isolation"));
  printf("isolation: %s\n", isolation);
  for (size_t i = 0; i < json_array_size(gaps); i++) {
    CLEANUP_FREE char *gap = inert_line(json_text_at(json_array_get(gaps, i), ""));
    printf("  %s\n", gap);
  }
}

static void print_report(const json_t *report)
{
  const json_t *backends = json_at(report, "backends");
  for (size_t i = 0; i < json_array_size(backends); i++) {
    const json_t *backend = json_array_get(backends, i);
    CLEANUP_FREE char *name = inert_line(json_text_at(backend, "name"));
    printf("%sbackend: %s\n\n", i ? "\n" : "", name);
    print_backend(backend);
  }
  if (!json_array_size(backends)) /* a server from before there were several */
    print_backend(report);
}

/* Everywhere. */
static bool isolates_fully(const json_t *report)
{
  const json_t *backends = json_at(report, "backends");
  bool full = strcmp(json_text_at(report, "isolation"), "full") == 0;
  for (size_t i = 0; i < json_array_size(backends); i++)
    full = full && strcmp(json_text_at(json_array_get(backends, i), "isolation"), "full") == 0;
  return full;
}

bool command_doctor(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *report = 0;
  if (!session_open_or_start(session, error) ||
      !session_call(session, &(struct client_request){"GET", "/v1/doctor", .interrupts = session->interrupts}, &report,
                    error))
    return false;
  if (session->options->json)
    print_json(report);
  else
    print_report(report);
  *ret_status = isolates_fully(report) ? 0 : 1;
  return true;
}
