/* What an engine says of containers and images, right and wrong. */

#include "backend/docker/inspect.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "20261122_195800_0123abcd"
#define INSTANCE "0123456789abcdef"
#define LABELS(instance, attempt)                                                                                      \
  "{\"assay.instance\":\"" instance "\",\"assay.evaluation\":\"" ID "\",\"assay.attempt\":\"" attempt "\"}"

static struct name our_name(void)
{
  return name_make(ID, 2);
}

static json_t *parse(const char *text)
{
  json_t *json = json_loads(text, JSON_DECODE_ANY, 0);
  assert_non_null(json);
  return json;
}

static bool inspect(const char *text, struct container_seen *ret)
{
  json_t *json = parse(text);
  struct error error;
  bool done = container_inspect(json, INSTANCE, our_name(), ret, &error);
  json_decref(json);
  return done;
}

static void the_engines_words_are_told_apart(void **state)
{
  (void)state;
  static const struct {
    const char *word;
    enum container_state state;
  } rows[] = {{"created", CONTAINER_CREATED},  {"running", CONTAINER_RUNNING}, {"paused", CONTAINER_RUNNING},
              {"removing", CONTAINER_LEAVING}, {"exited", CONTAINER_ENDED},    {"dead", CONTAINER_ENDED},
              {"stopped", CONTAINER_ENDED},    {"stopping", CONTAINER_RUNNING}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    CLEANUP_FREE char *text = xasprintf("{\"State\":{\"Status\":\"%s\"}}", rows[i].word);
    struct container_seen seen;
    assert_true(inspect(text, &seen));
    assert_int_equal(seen.state, rows[i].state);
    assert_false(seen.ours);
  }
}

static void what_is_said_of_the_end_is_taken_down(void **state)
{
  (void)state;
  struct container_seen seen;
  assert_true(inspect("{\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true,\"Paused\":false,"
                      "\"Error\":\"no\\nsuch\\u001bfile\"},\"Config\":{\"Labels\":" LABELS(INSTANCE, "2") "}}",
                      &seen));
  assert_true(seen.ours && seen.out_of_memory && !seen.paused);
  assert_int_equal(seen.exit_code, 137);
  assert_string_equal(seen.error, "no such file");
}

static void only_all_labels_together_make_it_ours(void **state)
{
  (void)state;
  static const char *const labels[] = {LABELS("fedcba9876543210", "2"),
                                       LABELS(INSTANCE, "1"),
                                       LABELS(INSTANCE, "02"),
                                       "{}",
                                       "null",
                                       "[]",
                                       "17",
                                       "{\"assay.instance\":\"" INSTANCE "\"}",
                                       "{\"assay.instance\":17,\"assay.evaluation\":[],\"assay.attempt\":{}}"};
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
    CLEANUP_FREE char *text = xasprintf("{\"State\":{\"Status\":\"running\"},\"Config\":{\"Labels\":%s}}", labels[i]);
    struct container_seen seen;
    assert_true(inspect(text, &seen));
    assert_false(seen.ours);
  }
}

static void nonsense_is_no_container(void **state)
{
  (void)state;
  static const char *const texts[] = {"{}",
                                      "[]",
                                      "17",
                                      "null",
                                      "\"running\"",
                                      "{\"State\":17}",
                                      "{\"State\":{\"Status\":7}}",
                                      "{\"State\":{\"Status\":\"\"}}",
                                      "{\"State\":{\"Status\":\"dreaming\"}}",
                                      "{\"State\":[\"running\"]}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct container_seen seen = {.exit_code = 42};
    assert_false(inspect(texts[i], &seen));
    assert_int_equal(seen.exit_code, 42);
  }
}

struct listed {
  unsigned count;
  struct name name;
  enum container_state state;
};

static void note(void *context, struct name name, enum container_state state)
{
  struct listed *listed = context;
  listed->count++;
  listed->name = name;
  listed->state = state;
}

static bool list(const char *text, struct listed *ret)
{
  json_t *json = parse(text);
  struct error error;
  *ret = (struct listed){0};
  bool done = container_list(json, INSTANCE, note, ret, &error);
  json_decref(json);
  return done;
}

static void a_list_gives_what_is_ours_and_passes_over_the_rest(void **state)
{
  (void)state;
  struct listed listed;
#define ENTRY(name, state, labels) "{\"Names\":[\"" name "\"],\"State\":\"" state "\",\"Labels\":" labels "}"
  assert_true(list(
    "[" ENTRY("/assay-" ID "-2", "exited", LABELS(INSTANCE, "2")) "," ENTRY(
      "/assay-" ID "-3", "exited",
      LABELS("other",
             "3")) "," ENTRY("/assay-" ID "-4", "exited",
                             "null") "," ENTRY("/assay-" ID "-2-reader", "created",
                                               LABELS(
                                                 INSTANCE,
                                                 "2")) "," ENTRY("/somebody", "running",
                                                                 LABELS(
                                                                   INSTANCE,
                                                                   "2")) "," ENTRY("/assay-" ID "-2", "dreaming",
                                                                                   LABELS(
                                                                                     INSTANCE,
                                                                                     "2")) ","
                                                                                           "17,null,{},[],{\"Names\":{}"
                                                                                           "},{\"Names\":[null,7]}]",
    &listed));
  assert_int_equal(listed.count, 1);
  assert_string_equal(listed.name.text, our_name().text);
  assert_int_equal(listed.state, CONTAINER_ENDED);

  assert_true(list("[" ENTRY("assay-" ID "-2", "running", LABELS(INSTANCE, "2")) "]", &listed)); /* as Podman has it */
  assert_int_equal(listed.count, 1);
}

static void what_is_no_list_is_none(void **state)
{
  (void)state;
  struct listed listed;
  assert_false(list("{}", &listed));
  assert_false(list("null", &listed));
  assert_true(list("[]", &listed));
  assert_int_equal(listed.count, 0);
}

static bool volumes(const char *text, char ***ret)
{
  json_t *json = parse(text);
  struct error error;
  bool done = image_volumes(json, ret, &error);
  json_decref(json);
  return done;
}

static void an_image_declares_volumes_or_none(void **state)
{
  (void)state;
  char **paths = 0;
  assert_true(volumes("{\"Config\":{\"Volumes\":{\"/data\":{},\"/more\":{}}}}", &paths));
  assert_non_null(paths);
  assert_string_equal(paths[0], "/data");
  assert_string_equal(paths[1], "/more");
  assert_null(paths[2]);
  image_volumes_free(paths);
  static const char *const without[] = {"{}", "{\"Config\":null}", "{\"Config\":{\"Volumes\":null}}",
                                        "{\"Config\":{\"Volumes\":{}}}"};
  for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
    assert_true(volumes(without[i], &paths));
    assert_null(paths);
  }
  image_volumes_free(0);
}

static void nonsense_is_no_image(void **state)
{
  (void)state;
  char **paths = 0;
  assert_false(volumes("[]", &paths));
  assert_false(volumes("{\"Config\":{\"Volumes\":[\"/data\"]}}", &paths));
  assert_null(paths);
  json_t *many = json_object();
  for (int i = 0; i < 1000; i++) {
    CLEANUP_FREE char *path = xasprintf("/%d", i);
    json_object_set_new(many, path, json_object());
  }
  json_t *image = json_pack("{s:{s:o}}", "Config", "Volumes", many);
  struct error error = {0};
  assert_false(image_volumes(image, &paths, &error));
  assert_int_equal(error.kind, ERROR_INVALID); /* which the request is to blame for */
  json_decref(image);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_engines_words_are_told_apart),
    cmocka_unit_test(what_is_said_of_the_end_is_taken_down),
    cmocka_unit_test(only_all_labels_together_make_it_ours),
    cmocka_unit_test(nonsense_is_no_container),
    cmocka_unit_test(a_list_gives_what_is_ours_and_passes_over_the_rest),
    cmocka_unit_test(what_is_no_list_is_none),
    cmocka_unit_test(an_image_declares_volumes_or_none),
    cmocka_unit_test(nonsense_is_no_image),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
