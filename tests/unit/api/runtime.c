#include "api/runtime.h"

#include "api/runtime_probe.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_runtime_is_found_by_name_and_alias(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  const struct runtime *node = runtimes_find(runtimes, "node");
  assert_non_null(node);
  assert_ptr_equal(runtimes_find(runtimes, "js"), node);
  assert_ptr_equal(runtimes_find(runtimes, "javascript"), node);
  assert_string_equal(runtimes_find(runtimes, "py")->name, "python");
  assert_string_equal(runtimes_find(runtimes, "cpp")->name, "c++");
  assert_string_equal(runtimes_find(runtimes, "gcc")->name, "c");
  assert_null(runtimes_find(runtimes, "cobol"));
  assert_null(runtimes_find(runtimes, ""));
  runtimes_destroy(runtimes);
}

static void no_two_runtimes_share_a_name(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  const struct runtime *runtime;
  for (size_t i = 0; (runtime = runtimes_at(runtimes, i)); i++) {
    assert_ptr_equal(runtimes_find(runtimes, runtime->name), runtime);
    for (const char *const *alias = runtime->aliases; alias && *alias; alias++)
      assert_ptr_equal(runtimes_find(runtimes, *alias), runtime);
  }
  runtimes_destroy(runtimes);
}

static bool offered(struct runtimes *runtimes, const char *const *compile, const char *const *command)
{
  runtimes_add(runtimes, &(struct runtime){.name = "x", .file = "f", .compile = compile, .command = command});
  return runtimes_find(runtimes, "x")->available;
}

static void it_is_available_when_all_its_programs_are(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  assert_true(runtimes_find(runtimes, "sh")->available);
  assert_true(offered(runtimes, NULL, LIST("sh", "f")));
  assert_false(offered(runtimes, NULL, LIST("no-such-program")));
  runtimes_destroy(runtimes);
}

static void a_path_is_looked_at_as_such(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  assert_true(offered(runtimes, NULL, LIST("/bin/sh")));
  assert_false(offered(runtimes, NULL, LIST("/bin/no-such-program")));
  assert_false(offered(runtimes, NULL, LIST("/etc/passwd"))); /* there, but not to be run */
  assert_false(offered(runtimes, NULL, LIST("/usr/bin")));    /* to be run, but a directory */
  assert_true(offered(runtimes, LIST("sh"), LIST("./made")));
  assert_false(offered(runtimes, LIST("no-such-program"), LIST("./made")));
  runtimes_destroy(runtimes);
}

static void adding_one_of_the_same_name_replaces_it(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  size_t count = 0, after = 0;
  while (runtimes_at(runtimes, count))
    count++;
  runtimes_add(runtimes, &(struct runtime){.name = "python", .file = "m.py", .command = LIST("sh", "m.py")});
  while (runtimes_at(runtimes, after))
    after++;
  assert_int_equal(after, count);
  assert_string_equal(runtimes_find(runtimes, "python")->file, "m.py");
  assert_null(runtimes_find(runtimes, "py"));
  runtimes_destroy(runtimes);
}

/* Versions, asked for on a loop of our own. */

struct seen {
  size_t count;
  const char *const *const *commands;
  char lines[4][PROBE_LINE_SIZE];
};

static bool next_command(void *context, size_t index, const char *const **ret_command)
{
  struct seen *seen = context;
  *ret_command = index < seen->count ? seen->commands[index] : NULL;
  return index < seen->count;
}

static void take_line(void *context, size_t index, const char *line)
{
  struct seen *seen = context;
  assert_true(index < 4);
  snprintf(seen->lines[index], sizeof seen->lines[index], "%s", line);
}

static void probe(struct seen *seen)
{
  uv_loop_t loop;
  struct probe *under_way = NULL;
  struct probe_events events = {seen, next_command, take_line};
  assert_int_equal(uv_loop_init(&loop), 0);
  probe_start(&under_way, &loop, &events);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_null(under_way);
  assert_int_equal(uv_loop_close(&loop), 0);
}

static void the_first_line_of_either_stream_is_taken(void **state)
{
  (void)state;
  const char *const *const commands[] = {
    LIST("sh", "-c", "printf '\\nfirst\\nsecond\\n'"),
    NULL,
    LIST("no-such-program"),
    LIST("sh", "-c", "printf 'to stderr' >&2"),
  };
  struct seen seen = {4, commands, {{0}}};
  probe(&seen);
  assert_string_equal(seen.lines[0], "first");
  assert_string_equal(seen.lines[1], "");
  assert_string_equal(seen.lines[2], "");
  assert_string_equal(seen.lines[3], "to stderr");
}

static void a_flood_is_cut_and_read_to_its_end(void **state)
{
  (void)state;
  const char *const *const commands[] = {
    LIST("sh", "-c", "i=0; while [ $i -lt 2000 ]; do printf 0123456789; i=$((i+1)); done")};
  struct seen seen = {1, commands, {{0}}};
  probe(&seen);
  assert_int_equal(strlen(seen.lines[0]), PROBE_LINE_SIZE - 1);
}

static void the_environment_is_that_of_the_sandbox(void **state)
{
  (void)state;
  const char *const *const commands[] = {LIST("sh", "-c", "echo $PATH $HOME $USER $(pwd)")};
  struct seen seen = {1, commands, {{0}}};
  probe(&seen);
  assert_string_equal(seen.lines[0], SANDBOX_PATH " / /");
}

static void a_probe_that_is_given_up_lets_the_loop_close(void **state)
{
  (void)state;
  const char *const *const commands[] = {LIST("sh", "-c", "echo line; sleep 100")};
  struct seen seen = {1, commands, {{0}}};
  uv_loop_t loop;
  struct probe *under_way = NULL;
  struct probe_events events = {&seen, next_command, take_line};
  assert_int_equal(uv_loop_init(&loop), 0);
  probe_start(&under_way, &loop, &events);
  uv_run(&loop, UV_RUN_NOWAIT);
  assert_non_null(under_way);
  probe_abandon(&under_way);
  assert_null(under_way);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&loop), 0);
  assert_string_equal(seen.lines[0], "");
}

static void versions_are_known_when_the_loop_has_run(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  runtimes_add(
    runtimes,
    &(struct runtime){.name = "x", .file = "f", .command = LIST("sh"), .version_command = LIST("echo", "x 1.2.3")});
  uv_loop_t loop;
  assert_int_equal(uv_loop_init(&loop), 0);
  runtimes_probe_versions(runtimes, &loop);
  runtimes_probe_versions(runtimes, &loop); /* once is enough */
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_string_equal(runtimes_find(runtimes, "x")->version, "x 1.2.3");
  assert_null(runtimes_find(runtimes, "sh")->version);
  assert_int_equal(uv_loop_close(&loop), 0);
  runtimes_destroy(runtimes);
}

static void destroying_the_table_ends_the_probe(void **state)
{
  (void)state;
  struct runtimes *runtimes = runtimes_create();
  uv_loop_t loop;
  assert_int_equal(uv_loop_init(&loop), 0);
  runtimes_probe_versions(runtimes, &loop);
  runtimes_destroy(runtimes);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_runtime_is_found_by_name_and_alias),
    cmocka_unit_test(no_two_runtimes_share_a_name),
    cmocka_unit_test(it_is_available_when_all_its_programs_are),
    cmocka_unit_test(a_path_is_looked_at_as_such),
    cmocka_unit_test(adding_one_of_the_same_name_replaces_it),
    cmocka_unit_test(the_first_line_of_either_stream_is_taken),
    cmocka_unit_test(a_flood_is_cut_and_read_to_its_end),
    cmocka_unit_test(the_environment_is_that_of_the_sandbox),
    cmocka_unit_test(a_probe_that_is_given_up_lets_the_loop_close),
    cmocka_unit_test(versions_are_known_when_the_loop_has_run),
    cmocka_unit_test(destroying_the_table_ends_the_probe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
