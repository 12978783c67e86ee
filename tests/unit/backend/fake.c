#include "backend/fake/fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* What was told, in order, one letter each: L launched, H hint, C capacity, and what was seen: A, R, D, U. */
struct notebook {
  char told[64];
  enum launch_result result;
  bool recorded;
  enum kill_reason killed;
  uint64_t bytes;
};

static void note(struct notebook *notebook, char what)
{
  size_t used = strlen(notebook->told);
  assert_true(used + 1 < sizeof notebook->told);
  notebook->told[used] = what;
}

static void on_launched(void *context, struct name name, enum launch_result result, const char *reason)
{
  (void)name;
  (void)reason;
  ((struct notebook *)context)->result = result;
  note(context, 'L');
}

static void on_observed(void *context, struct name name, const struct observation *seen)
{
  struct notebook *notebook = context;
  (void)name;
  notebook->recorded = seen->record != 0;
  notebook->killed = seen->record ? seen->record->killed : KILLED_NONE;
  notebook->bytes = seen->outputs ? seen->outputs->stream[STREAM_STDOUT].bytes : 0;
  note(context, "UAPRD"[seen->presence]);
}

static void on_hint(void *context, struct name name)
{
  (void)name;
  note(context, 'H');
}

static void on_found(void *context, const char *backend, struct name name)
{
  (void)context;
  (void)backend;
  (void)name;
}

static void on_capacity(void *context, const char *backend, unsigned slots)
{
  (void)backend;
  (void)slots;
  note(context, 'C');
}

static const struct record success = {.step = STEP_RUN, .kind = EXIT_CODE};
static const struct fake_script scripts[] = {
  {.part = "00000001", .record = &success, .output = "hello", .run_ms = 5},
  {.part = "00000002", .run_ms = 5},
  {.part = "00000003", .record = &success, .run_ms = 5, .hints_lost = true, .unknown_looks = 2},
  {.part = "00000004", .launch = LAUNCH_UNKNOWN, .record = &success, .run_ms = 60000},
};

struct scene {
  uv_loop_t loop;
  struct notebook notebook;
  struct backend *backend;
};

static int set_up(void **state)
{
  struct scene *scene = xcalloc(1, sizeof *scene);
  uv_loop_init(&scene->loop);
  scene->backend =
    fake_create(&scene->loop, 1, scripts, sizeof scripts / sizeof *scripts,
                &(struct backend_events){&scene->notebook, on_launched, on_observed, on_hint, on_capacity, on_found});
  *state = scene;
  return 0;
}

static int tear_down(void **state)
{
  struct scene *scene = *state;
  backend_destroy(scene->backend);
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&scene->loop), 0);
  cleanup_free(&scene);
  return 0;
}

static struct name number(unsigned number)
{
  char id[ID_SIZE];
  id_make(id, (struct wall){1795377480000}, number);
  return name_make(id, 1);
}

static void launch(struct scene *scene, unsigned which)
{
  CLEANUP_BLOB struct blob *plan = blob_create("", 0);
  backend_launch(scene->backend, number(which), plan);
}

static void what_is_scripted_to_end_ends_with_its_record_and_output(void **state)
{
  struct scene *scene = *state;
  launch(scene, 1);
  assert_string_equal(scene->notebook.told, ""); /* nothing is told from inside a call */
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_string_equal(scene->notebook.told, "CHLHC");
  backend_observe(scene->backend, number(1));
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_string_equal(scene->notebook.told, "CHLHCD");
  assert_true(scene->notebook.recorded);
  assert_int_equal(scene->notebook.bytes, 5);
}

static void what_has_no_record_dies_without_one(void **state)
{
  struct scene *scene = *state;
  launch(scene, 2);
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  backend_observe(scene->backend, number(2));
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_string_equal(scene->notebook.told, "CHLHCD");
  assert_false(scene->notebook.recorded);
}

static void lost_hints_and_blind_looks_come_as_scripted(void **state)
{
  struct scene *scene = *state;
  launch(scene, 3);
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  for (int i = 0; i < 3; i++)
    backend_observe(scene->backend, number(3));
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_string_equal(scene->notebook.told, "CLCUUD");
}

static void a_lost_answer_starts_it_and_a_second_launch_adopts(void **state)
{
  struct scene *scene = *state;
  launch(scene, 4);
  uv_run(&scene->loop, UV_RUN_NOWAIT);
  assert_int_equal(scene->notebook.result, LAUNCH_UNKNOWN);
  launch(scene, 4);
  uv_run(&scene->loop, UV_RUN_NOWAIT);
  assert_int_equal(scene->notebook.result, LAUNCH_ACCEPTED);
  assert_int_equal(fake_starts(scene->backend, number(4)), 1);
  launch(scene, 1);
  uv_run(&scene->loop, UV_RUN_NOWAIT);
  assert_int_equal(scene->notebook.result, LAUNCH_BUSY);
}

static void a_kill_ends_it_with_its_reason_and_a_removed_one_is_absent(void **state)
{
  struct scene *scene = *state;
  launch(scene, 4);
  backend_kill(scene->backend, number(4), KILLED_CANCELLED);
  backend_observe(scene->backend, number(4));
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_int_equal(scene->notebook.killed, KILLED_CANCELLED);
  backend_remove(scene->backend, number(4));
  backend_observe(scene->backend, number(4));
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_non_null(strstr(scene->notebook.told, "DA"));
}

static void a_name_without_a_script_is_refused(void **state)
{
  struct scene *scene = *state;
  launch(scene, 9);
  uv_run(&scene->loop, UV_RUN_DEFAULT);
  assert_int_equal(scene->notebook.result, LAUNCH_REFUSED);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(what_is_scripted_to_end_ends_with_its_record_and_output),
    TEST(what_has_no_record_dies_without_one),
    TEST(lost_hints_and_blind_looks_come_as_scripted),
    TEST(a_lost_answer_starts_it_and_a_second_launch_adopts),
    TEST(a_kill_ends_it_with_its_reason_and_a_removed_one_is_absent),
    TEST(a_name_without_a_script_is_refused),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
