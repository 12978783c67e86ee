#include "keeper/evidence.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char name[] = "assay-20261122_195800_0123abcd-1";

struct fixture {
  char path[64];
  int parent, directory;
};

static int fixture_create(void **state)
{
  struct fixture *fixture = calloc(1, sizeof *fixture);
  strcpy(fixture->path, "/tmp/assay-evidence-XXXXXX");
  if (!mkdtemp(fixture->path))
    return -1;
  fixture->parent = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fixture->directory = -1;
  *state = fixture;
  return 0;
}

static int fixture_destroy(void **state)
{
  struct fixture *fixture = *state;
  bool removed = evidence_remove(fixture->parent, name);
  fd_close(fixture->directory);
  fd_close(fixture->parent);
  removed = rmdir(fixture->path) == 0 && removed;
  free(fixture);
  return removed ? 0 : -1;
}

static bool is_there(struct fixture *fixture, const char *file)
{
  return faccessat(fixture->directory, file, F_OK, 0) == 0;
}

static void open_fresh(struct fixture *fixture)
{
  fd_close(fixture->directory);
  assert_int_equal(evidence_open(fixture->parent, name, &fixture->directory, 0), EVIDENCE_FRESH);
}

static void a_marked_attempt_is_known_for_ever(void **state)
{
  struct fixture *fixture = *state;
  struct start_marker marker = {.at = {1}, .init_pid = 7};
  open_fresh(fixture);
  assert_true(evidence_mark_started(fixture->directory, &marker, 0));
  int untouched = -2;
  assert_int_equal(evidence_open(fixture->parent, name, &untouched, 0), EVIDENCE_KNOWN);
  assert_int_equal(untouched, -2);
}

static void an_attempt_is_marked_once(void **state)
{
  struct fixture *fixture = *state;
  struct start_marker marker = {.at = {1}};
  struct error error = {0};
  open_fresh(fixture);
  assert_true(evidence_mark_started(fixture->directory, &marker, 0));
  assert_false(evidence_mark_started(fixture->directory, &marker, &error));
  assert_int_equal(error.code, EEXIST);
}

static void put(struct fixture *fixture, const char *file)
{
  CLEANUP_FD int fd = openat(fixture->directory, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
}

/* The daemon made it, and put the plan into it. */
static void a_directory_is_adopted_with_what_else_is_in_it(void **state)
{
  struct fixture *fixture = *state;
  int adopted = -2;
  open_fresh(fixture);
  put(fixture, "plan");
  put(fixture, "exit.tmp");
  put(fixture, "stdout");
  assert_int_equal(evidence_adopt(fixture->directory, &adopted, 0), EVIDENCE_FRESH);
  assert_true(is_there(fixture, "plan"));
  assert_false(is_there(fixture, "exit.tmp") || is_there(fixture, "stdout"));
  assert_int_equal(unlinkat(adopted, "plan", 0), 0);
  fd_close(adopted);
}

static void a_marked_directory_is_not_adopted_nor_is_its_marker_ever_cleared(void **state)
{
  struct fixture *fixture = *state;
  struct start_marker marker = {.at = {1}};
  int untouched = -2;
  open_fresh(fixture);
  put(fixture, "stdout");
  assert_false(evidence_is_marked(fixture->directory));
  assert_true(evidence_mark_started(fixture->directory, &marker, 0));
  assert_true(evidence_is_marked(fixture->directory));
  assert_int_equal(evidence_adopt(fixture->directory, &untouched, 0), EVIDENCE_KNOWN);
  assert_int_equal(untouched, -2);
  assert_true(is_there(fixture, "stdout"));
  assert_true(evidence_clear(fixture->directory));
  assert_false(is_there(fixture, "stdout"));
  assert_true(evidence_is_marked(fixture->directory));
}

static void an_unmarked_directory_is_made_anew(void **state)
{
  struct fixture *fixture = *state;
  open_fresh(fixture);
  CLEANUP_FD int reserved = evidence_reserve(fixture->directory, 0);
  assert_true(reserved >= 0);
  open_fresh(fixture);
  assert_false(is_there(fixture, "exit.tmp"));
}

static void a_record_is_complete_or_absent(void **state)
{
  struct fixture *fixture = *state;
  struct record record = {.step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 3}, found;
  open_fresh(fixture);
  CLEANUP_FD int reserved = evidence_reserve(fixture->directory, 0);
  assert_false(is_there(fixture, "exit"));
  assert_true(evidence_write_record(fixture->directory, reserved, &record, 0));
  assert_false(is_there(fixture, "exit.tmp"));
  CLEANUP_BLOB struct blob *text = file_read(fixture->directory, "exit", RECORD_BYTES_MAX, 0);
  assert_non_null(text);
  assert_true(record_decode(text->data, text->size, &found, 0));
  assert_int_equal(found.exit_code, 3);
}

static void a_directory_with_something_foreign_in_it_is_not_removed(void **state)
{
  struct fixture *fixture = *state;
  open_fresh(fixture);
  fd_close(openat(fixture->directory, "foreign", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  assert_false(evidence_remove(fixture->parent, name));
  assert_true(is_there(fixture, "foreign"));
  unlinkat(fixture->directory, "foreign", 0);
}

static void removing_what_is_not_there_is_no_failure(void **state)
{
  struct fixture *fixture = *state;
  assert_true(evidence_remove(fixture->parent, name));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define RULE(function) cmocka_unit_test_setup_teardown(function, fixture_create, fixture_destroy)
  const struct CMUnitTest tests[] = {
    RULE(a_marked_attempt_is_known_for_ever),
    RULE(an_attempt_is_marked_once),
    RULE(a_directory_is_adopted_with_what_else_is_in_it),
    RULE(a_marked_directory_is_not_adopted_nor_is_its_marker_ever_cleared),
    RULE(an_unmarked_directory_is_made_anew),
    RULE(a_record_is_complete_or_absent),
    RULE(a_directory_with_something_foreign_in_it_is_not_removed),
    RULE(removing_what_is_not_there_is_no_failure),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
