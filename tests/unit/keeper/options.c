#include "keeper/options.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 32 };

/* Parses a command line of NULL-terminated words. */
static bool parse(const char *const *words, struct options *ret, struct error *error)
{
  char *arguments[WORDS_MAX] = {(char *)"assay-keeper"};
  int count = 1;
  for (; words[count - 1]; count++)
    arguments[count] = (char *)words[count - 1];
  optind = 0; /* getopt_long(3): start afresh */
  return options_parse(count, arguments, ret, error);
}
#define PARSE(ret, error, ...) parse((const char *[]){__VA_ARGS__, 0}, ret, error)

static void everything_that_can_be_said_is_heard(void **state)
{
  (void)state;
  struct options options;
  assert_true(PARSE(&options, 0, "--slot", "/s", "--evidence", "/e", "--uid-base", "700000", "--cgroup-v2", "/c",
                    "--v2-memory", "--v2-pids", "--cgroup-memory", "/m", "--cgroup-pids", "/p", "--cgroup-cpuacct",
                    "/a", "--root-allow", "/r1", "--root-allow", "/r2"));
  assert_string_equal(options.slot_path, "/s");
  assert_string_equal(options.evidence_path, "/e");
  assert_int_equal(options.uid_base, 700000);
  assert_string_equal(options.cgroups.directory[HIERARCHY_V2], "/c");
  assert_string_equal(options.cgroups.directory[HIERARCHY_MEMORY], "/m");
  assert_string_equal(options.cgroups.directory[HIERARCHY_PIDS], "/p");
  assert_string_equal(options.cgroups.directory[HIERARCHY_CPUACCT], "/a");
  assert_true(options.cgroups.v2_memory && options.cgroups.v2_pids);
  assert_int_equal(options.root_count, 2);
  assert_string_equal(options.roots[1], "/r2");
}

static void what_makes_no_sense_is_refused(void **state)
{
  (void)state;
  struct options options;
  struct error error;
  assert_false(PARSE(&options, &error, "--slot", "/s"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence", "/e", "--uid-base", "0"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence", "/e", "--uid-base", "many"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence", "/e", "--uid-base", "4294967295"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence", "/e", "--v2-memory"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence", "/e", "--colour"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence", "/e", "more"));
  assert_false(PARSE(&options, &error, "--slot", "/s", "--evidence"));
  assert_int_equal(error.kind, ERROR_INVALID);
}

static void a_container_needs_a_directory_and_an_attempts_name_and_nothing_else(void **state)
{
  (void)state;
  struct options options;
  assert_true(PARSE(&options, 0, "--container", "/assay/attempt", "--name", "assay-20261122_195800_0123abcd-1"));
  assert_string_equal(options.container_path, "/assay/attempt");
  assert_string_equal(options.name, "assay-20261122_195800_0123abcd-1");
  assert_false(PARSE(&options, 0, "--container", "/a"));
  assert_false(PARSE(&options, 0, "--name", "assay-20261122_195800_0123abcd-1"));
  assert_false(PARSE(&options, 0, "--container", "/a", "--name", "../up"));
  assert_false(PARSE(&options, 0, "--container", "/a", "--name", "assay-20261122_195800_0123abcd-1", "--slot", "/s",
                     "--evidence", "/e"));
}

static void a_pod_needs_the_same_and_its_init_container_two_directories(void **state)
{
  (void)state;
  struct options options;
  assert_true(PARSE(&options, 0, "--pod", "/assay", "--name", "assay-20261122_195800_0123abcd-1"));
  assert_string_equal(options.pod_path, "/assay");
  assert_false(PARSE(&options, 0, "--pod", "/assay"));
  assert_false(PARSE(&options, 0, "--pod", "/assay", "--name", "nobody"));
  assert_false(PARSE(&options, 0, "--pod", "/a", "--container", "/a", "--name", "assay-20261122_195800_0123abcd-1"));
  assert_true(PARSE(&options, 0, "--install", "/assay", "--from", "/assay-plan"));
  assert_string_equal(options.install_path, "/assay");
  assert_string_equal(options.from_path, "/assay-plan");
  assert_false(PARSE(&options, 0, "--install", "/assay"));
  assert_false(PARSE(&options, 0, "--from", "/assay-plan"));
  assert_false(PARSE(&options, 0, "--install", "/a", "--from", "/b", "--slot", "/s", "--evidence", "/e"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_that_can_be_said_is_heard),
    cmocka_unit_test(what_makes_no_sense_is_refused),
    cmocka_unit_test(a_container_needs_a_directory_and_an_attempts_name_and_nothing_else),
    cmocka_unit_test(a_pod_needs_the_same_and_its_init_container_two_directories),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
