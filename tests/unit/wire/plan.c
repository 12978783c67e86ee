#include "wire/plan.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The keys of the encoding, written down a second time: a change of the format must not go unseen. */
enum {
  COMPILE = 1,
  COMMAND = 2,
  ENVIRONMENT = 3,
  FILE_PATH = 4,
  FILE_MODE = 5,
  FILE_CONTENT = 6,
  INPUT = 7,
  FLAGS = 8,
  ROOT = 9,
  IMAGE = 10,
  FIRST_LIMIT = 17,
};

static void put(struct buffer *plan, uint16_t key, const void *data, size_t size)
{
  uint16_t key_bytes = htole16(key);
  uint32_t size_bytes = htole32((uint32_t)size);
  buffer_append(plan, &key_bytes, sizeof key_bytes);
  buffer_append(plan, &size_bytes, sizeof size_bytes);
  buffer_append(plan, data, size);
}

static void put_text(struct buffer *plan, uint16_t key, const char *text)
{
  put(plan, key, text, strlen(text) + 1);
}

static void put_integer(struct buffer *plan, uint16_t key, uint64_t value)
{
  uint64_t bytes = htole64(value);
  put(plan, key, &bytes, sizeof bytes);
}

static void put_file(struct buffer *plan, const char *path)
{
  put_text(plan, FILE_PATH, path);
  put_integer(plan, FILE_MODE, 0);
  put(plan, FILE_CONTENT, "", 0);
}

/* The smallest plan that is accepted, with the field `without` left out (0: none). */
static void put_minimal(struct buffer *plan, unsigned without)
{
  struct limits limits = limits_default();
  const uint64_t *values = &limits.wall_time_ms;
  buffer_append(plan, "assayp1\n", 8);
  for (unsigned i = 0; i + 1 < LIMIT_COUNT; i++)
    if (FIRST_LIMIT + i != without)
      put_integer(plan, (uint16_t)(FIRST_LIMIT + i), values[i]);
  if (without != FLAGS)
    put_integer(plan, FLAGS, 0);
  if (without != COMMAND)
    put_text(plan, COMMAND, "true");
  if (without != INPUT)
    put(plan, INPUT, "", 0);
}

/* Decodes a copy of exactly these bytes, so that the address sanitizer sees a read beyond them. */
static bool decode(const struct buffer *bytes, struct plan *ret, struct error *error)
{
  char *copy = malloc(bytes->size ? bytes->size : 1);
  memcpy(copy, bytes->data, bytes->size);
  bool decoded = plan_decode(copy, bytes->size, ret, error);
  free(copy);
  return decoded;
}

static void assert_accepted(const struct buffer *bytes)
{
  struct error error = {0};
  CLEANUP_PLAN struct plan plan = {0};
  if (!decode(bytes, &plan, &error))
    fail_msg("refused: %s", error.message);
}

static void assert_refused(const struct buffer *bytes, const char *named)
{
  struct error error = {0};
  struct plan plan = {.flags = 12345};
  assert_false(decode(bytes, &plan, &error));
  assert_int_equal(plan.flags, 12345);
  assert_int_equal(error.kind, ERROR_INVALID);
  if (!strstr(error.message, named))
    fail_msg("\"%s\" does not name \"%s\"", error.message, named);
}

static char *word(const char *text)
{
  return (char *)text;
}

static void a_plan_survives_the_round_trip(void **state)
{
  (void)state;
  char *compile[] = {word("cc"), word("-o"), word("main"), 0};
  char *command[] = {word("./main"), word(""), word("two words"), 0};
  char *environment[] = {word("A=1"), word("EMPTY="), 0};
  struct plan_file files[] = {
    {"main.c", false, "int main;\0\xff", 11},
    {"bin/run.sh", true, "", 0},
  };
  struct limits limits = {1, 2, MIB(4), 3, 0, KIB(64), 7};
  struct plan plan = {
    .compile = compile,
    .command = command,
    .environment = environment,
    .files = files,
    .file_count = 2,
    .input = "in\0put",
    .input_size = 6,
    .limits = limits,
    .flags = PLAN_KILL_ON_OUTPUT,
    .root = "/srv/root",
    .image = "registry.example:5000/python:3.11",
  };
  CLEANUP_BLOB struct blob *bytes = plan_encode(&plan);
  struct error error = {0};
  CLEANUP_PLAN struct plan got = {0};
  assert_true(plan_decode(bytes->data, bytes->size, &got, &error));
  for (size_t i = 0; i < 4; i++)
    assert_true(compile[i] ? !strcmp(got.compile[i], compile[i]) : !got.compile[i]);
  for (size_t i = 0; i < 4; i++)
    assert_true(command[i] ? !strcmp(got.command[i], command[i]) : !got.command[i]);
  for (size_t i = 0; i < 3; i++)
    assert_true(environment[i] ? !strcmp(got.environment[i], environment[i]) : !got.environment[i]);
  assert_int_equal(got.file_count, 2);
  for (size_t i = 0; i < 2; i++) {
    assert_string_equal(got.files[i].path, files[i].path);
    assert_int_equal(got.files[i].executable, files[i].executable);
    assert_int_equal(got.files[i].size, files[i].size);
    assert_memory_equal(got.files[i].data, files[i].data, files[i].size);
  }
  assert_int_equal(got.input_size, 6);
  assert_memory_equal(got.input, "in\0put", 6);
  assert_memory_equal(&got.limits, &limits, sizeof limits);
  assert_int_equal(got.flags, PLAN_KILL_ON_OUTPUT);
  assert_string_equal(got.root, "/srv/root");
  assert_string_equal(got.image, "registry.example:5000/python:3.11");
}

static void what_a_plan_leaves_out_is_left_out(void **state)
{
  (void)state;
  char *command[] = {word("true"), 0};
  struct plan plan = {.command = command, .limits = limits_default()};
  CLEANUP_BLOB struct blob *bytes = plan_encode(&plan);
  CLEANUP_PLAN struct plan got = {0};
  assert_true(plan_decode(bytes->data, bytes->size, &got, 0));
  assert_null(got.compile);
  assert_null(got.root);
  assert_null(got.image);
  assert_null(got.environment[0]);
  assert_int_equal(got.file_count, 0);
  assert_int_equal(got.input_size, 0);
}

static void the_format_is_the_one_that_is_written_down(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  char *command[] = {word("true"), 0};
  struct plan plan = {.command = command, .limits = limits_default()};
  CLEANUP_BLOB struct blob *encoded = plan_encode(&plan);
  assert_int_equal(encoded->size, bytes.size);
  assert_memory_equal(encoded->data, bytes.data, bytes.size);
}

static void decoded_strings_lie_in_the_bytes_they_came_from(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_text(&bytes, ENVIRONMENT, "A=1");
  CLEANUP_PLAN struct plan plan = {0};
  assert_true(plan_decode(bytes.data, bytes.size, &plan, 0));
  assert_true(plan.command[0] > bytes.data && plan.command[0] < bytes.data + bytes.size);
  assert_true(plan.environment[0] > bytes.data && plan.environment[0] < bytes.data + bytes.size);
}

static void every_truncation_is_refused(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_file(&bytes, "a/b");
  /* A plan whose last field is the file is cut between fields when only the file is gone: that is a plan, too. */
  CLEANUP_BUFFER struct buffer minimal = {0};
  put_minimal(&minimal, 0);
  for (size_t size = 0; size < bytes.size; size++) {
    struct buffer cut = {.data = bytes.data, .size = size};
    if (size == minimal.size)
      assert_accepted(&cut);
    else
      assert_refused(&cut, "");
  }
  assert_accepted(&bytes);
}

static void another_magic_or_version_is_refused(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  bytes.data[6] = '2';
  assert_refused(&bytes, "version 1");
}

static void each_required_field_is_missed_by_its_name(void **state)
{
  (void)state;
  static const struct {
    unsigned key;
    const char *name;
  } required[] = {
    {COMMAND, "command is missing"}, {INPUT, "input is missing"},     {FLAGS, "flags is missing"},
    {17, "wall_time_ms is missing"}, {18, "cpu_time_ms is missing"},  {19, "memory_bytes is missing"},
    {20, "processes is missing"},    {21, "output_bytes is missing"}, {22, "disk_bytes is missing"},
    {23, "file_bytes is missing"},
  };
  for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
    CLEANUP_BUFFER struct buffer bytes = {0};
    put_minimal(&bytes, required[i].key);
    assert_refused(&bytes, required[i].name);
  }
}

static void a_field_that_is_no_list_may_not_come_twice(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer root = {0};
  put_minimal(&root, 0);
  put_text(&root, ROOT, "/a");
  assert_accepted(&root);
  put_text(&root, ROOT, "/a");
  assert_refused(&root, "root");

  CLEANUP_BUFFER struct buffer image = {0};
  put_minimal(&image, 0);
  put_text(&image, IMAGE, "a");
  assert_accepted(&image);
  put_text(&image, IMAGE, "a");
  assert_refused(&image, "image");
  CLEANUP_BUFFER struct buffer flags = {0};
  put_minimal(&flags, 0);
  put_integer(&flags, FLAGS, 0);
  assert_refused(&flags, "flags");
  CLEANUP_BUFFER struct buffer input = {0};
  put_minimal(&input, 0);
  put(&input, INPUT, "", 0);
  assert_refused(&input, "input");
  CLEANUP_BUFFER struct buffer limit = {0};
  put_minimal(&limit, 0);
  put_integer(&limit, FIRST_LIMIT, 5);
  assert_refused(&limit, "wall_time_ms");
}

static void an_unknown_key_is_refused(void **state)
{
  (void)state;
  static const uint16_t keys[] = {0, IMAGE + 1, 15, 16, FIRST_LIMIT + LIMIT_COUNT - 1, 1000, UINT16_MAX};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    CLEANUP_BUFFER struct buffer bytes = {0};
    put_minimal(&bytes, 0);
    put_integer(&bytes, keys[i], 0);
    assert_refused(&bytes, "unknown field");
  }
}

static void a_length_beyond_the_end_is_refused(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_text(&bytes, ROOT, "/a");
  memset(bytes.data + bytes.size - 7, 0xff, 4);
  assert_refused(&bytes, "root is cut off");
}

static void an_integer_has_eight_bytes(void **state)
{
  (void)state;
  for (size_t size = 0; size <= 9; size++) {
    if (size == 8)
      continue;
    CLEANUP_BUFFER struct buffer bytes = {0};
    put_minimal(&bytes, FLAGS);
    put(&bytes, FLAGS, "\0\0\0\0\0\0\0\0\0", size);
    assert_refused(&bytes, "flags");
  }
}

static void a_string_ends_with_the_only_nul_in_it(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t size;
  } wrong[] = {{"", 0}, {"abc", 3}, {"a\0c", 4}, {"abc\0", 5}, {"\0", 2}};
  static const struct {
    uint16_t key;
    const char *name;
  } strings[] = {
    {COMPILE, "compile"}, {COMMAND, "command"}, {ENVIRONMENT, "environment"}, {FILE_PATH, "file path"}, {ROOT, "root"}};
  for (size_t s = 0; s < sizeof strings / sizeof *strings; s++)
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
      CLEANUP_BUFFER struct buffer bytes = {0};
      put_minimal(&bytes, 0);
      put(&bytes, strings[s].key, wrong[i].bytes, wrong[i].size);
      assert_refused(&bytes, strings[s].name);
    }
}

static void a_variable_is_a_name_and_a_value(void **state)
{
  (void)state;
  static const char *const wrong[] = {"", "A", "=1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CLEANUP_BUFFER struct buffer bytes = {0};
    put_minimal(&bytes, 0);
    put_text(&bytes, ENVIRONMENT, wrong[i]);
    assert_refused(&bytes, "environment");
  }
}

static void an_image_has_a_name(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_text(&bytes, IMAGE, "../etc");
  assert_refused(&bytes, "image");
}

static void a_container_needs_an_image(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  CLEANUP_PLAN struct plan plan = {0};
  struct error error;
  put_minimal(&bytes, 0);
  assert_false(plan_decode_for_container(bytes.data, bytes.size, &plan, &error));
  assert_string_equal(error.message, "no container image is named");
  assert_null(plan.command); /* untouched */
  assert_false(plan_decode_for_container("nonsense", 8, &plan, &error));
  assert_non_null(strstr(error.message, "the plan makes no sense"));
  put_text(&bytes, IMAGE, "python:3.11");
  assert_true(plan_decode_for_container(bytes.data, bytes.size, &plan, &error));
  assert_string_equal(plan.image, "python:3.11");
}

static void a_root_is_absolute(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_text(&bytes, ROOT, "srv");
  assert_refused(&bytes, "root");
}

static void unknown_flags_are_refused(void **state)
{
  (void)state;
  for (unsigned bit = 0; bit < 64; bit++) {
    CLEANUP_BUFFER struct buffer bytes = {0};
    put_minimal(&bytes, FLAGS);
    put_integer(&bytes, FLAGS, 1ull << bit);
    if (bit == 0)
      assert_accepted(&bytes);
    else
      assert_refused(&bytes, "flags");
  }
}

static void each_limit_keeps_to_its_range(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    uint64_t least, most;
  } ranges[] = {
#define X(field, name, standard, least, most) {#field, least, most},
    LIMITS(X)
#undef X
  };
  for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    const uint64_t values[] = {ranges[i].least, ranges[i].most, ranges[i].least - 1, ranges[i].most + 1, UINT64_MAX};
    for (unsigned v = 0; v < 5; v++) {
      bool inside = values[v] >= ranges[i].least && values[v] <= ranges[i].most;
      CLEANUP_BUFFER struct buffer bytes = {0};
      put_minimal(&bytes, FIRST_LIMIT + i);
      put_integer(&bytes, (uint16_t)(FIRST_LIMIT + i), values[v]);
      if (inside)
        assert_accepted(&bytes);
      else
        assert_refused(&bytes, ranges[i].name);
    }
  }
}

static void a_file_is_path_mode_and_content_in_a_row(void **state)
{
  (void)state;
  static const uint16_t wrong[][4] = {
    {FILE_PATH},
    {FILE_MODE},
    {FILE_CONTENT},
    {FILE_PATH, FILE_MODE},
    {FILE_PATH, FILE_CONTENT},
    {FILE_MODE, FILE_PATH, FILE_CONTENT},
    {FILE_PATH, FILE_MODE, FILE_CONTENT, FILE_CONTENT},
    {FILE_PATH, FILE_PATH, FILE_MODE, FILE_CONTENT},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CLEANUP_BUFFER struct buffer bytes = {0};
    put_minimal(&bytes, 0);
    for (size_t field = 0; field < 4 && wrong[i][field]; field++)
      if (wrong[i][field] == FILE_MODE)
        put_integer(&bytes, FILE_MODE, 0);
      else
        put_text(&bytes, wrong[i][field], "a");
    assert_refused(&bytes, "file");
  }
  CLEANUP_BUFFER struct buffer interrupted = {0};
  put_minimal(&interrupted, 0);
  put_text(&interrupted, FILE_PATH, "a");
  put_text(&interrupted, COMMAND, "b");
  assert_refused(&interrupted, "command stands where it does not belong");
}

static void a_file_mode_is_executable_or_not(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_text(&bytes, FILE_PATH, "a");
  put_integer(&bytes, FILE_MODE, 2);
  put(&bytes, FILE_CONTENT, "", 0);
  assert_refused(&bytes, "file mode");
}

static void a_path_that_could_leave_the_directory_refuses_the_plan(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer bytes = {0};
  put_minimal(&bytes, 0);
  put_file(&bytes, "a/../../b");
  assert_refused(&bytes, "file path");
}

static void lists_are_bounded_in_number(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer arguments = {0};
  put_minimal(&arguments, COMMAND);
  for (unsigned i = 0; i < ARGUMENTS_MAX; i++)
    put_text(&arguments, COMMAND, "a");
  assert_accepted(&arguments);
  put_text(&arguments, COMMAND, "a");
  assert_refused(&arguments, "command");
  CLEANUP_BUFFER struct buffer files = {0};
  put_minimal(&files, 0);
  for (unsigned i = 0; i < FILES_MAX; i++)
    put_file(&files, "a");
  assert_accepted(&files);
  put_file(&files, "a");
  assert_refused(&files, "file path");
}

static void arguments_are_bounded_in_size(void **state)
{
  (void)state;
  char *text = xmalloc(ARGUMENT_BYTES_MAX + 2);
  memset(text, 'a', ARGUMENT_BYTES_MAX + 1);
  text[ARGUMENT_BYTES_MAX + 1] = 0;
  CLEANUP_BUFFER struct buffer one = {0};
  put_minimal(&one, 0);
  put_text(&one, COMMAND, text);
  assert_refused(&one, "command");
  text[ARGUMENT_BYTES_MAX] = 0;
  CLEANUP_BUFFER struct buffer many = {0};
  put_minimal(&many, 0);
  put_text(&many, COMMAND, text);
  assert_accepted(&many);
  memcpy(text, "A=", 2);
  for (unsigned i = 0; i < 7; i++)
    put_text(&many, ENVIRONMENT, text);
  assert_accepted(&many);
  put_text(&many, ENVIRONMENT, text);
  assert_refused(&many, "command and environment");
  free(text);
}

static void a_whole_plan_is_bounded_in_size(void **state)
{
  (void)state;
  struct error error = {0};
  struct plan plan;
  /* The size is refused before a byte is read. */
  assert_false(plan_decode("assayp1\n", PLAN_BYTES_MAX + 1, &plan, &error));
  assert_non_null(strstr(error.message, "at most"));
}

static void a_relative_path_without_dots_is_valid(void **state)
{
  (void)state;
  static const char *const right[] = {"a", "main.py", "a/b/c", "...", ".hidden", "a/..b", "a b", "\xff\xfe", "a\nb"};
  static const char *const wrong[] = {"",    "/",    "/a",   "a/",    "a//b", ".",     "..",
                                      "./a", "../a", "a/..", "a/./b", "a/.",  "a/../b"};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++)
    assert_true(plan_path_valid(right[i]));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_false(plan_path_valid(wrong[i]));
}

static void a_path_is_bounded_in_length_and_depth(void **state)
{
  (void)state;
  char path[PATH_BYTES_MAX + 2];
  memset(path, 'a', sizeof path);
  for (size_t i = 200; i < sizeof path; i += 200)
    path[i] = '/';
  path[PATH_BYTES_MAX] = 0;
  assert_true(plan_path_valid(path));
  path[PATH_BYTES_MAX] = 'a';
  path[PATH_BYTES_MAX + 1] = 0;
  assert_false(plan_path_valid(path));
  for (size_t i = 0; i < PATH_DEPTH_MAX; i++)
    memcpy(path + 2 * i, "a/", 2);
  path[2 * PATH_DEPTH_MAX - 1] = 0;
  assert_true(plan_path_valid(path));
  memcpy(path + 2 * PATH_DEPTH_MAX - 1, "/a", 3);
  assert_false(plan_path_valid(path));
}

static void releasing_nothing_is_allowed(void **state)
{
  (void)state;
  plan_release(0);
  struct plan plan = {0};
  plan_release(&plan);
}

static void a_small_disk_has_room_for_a_thousand_files(void **state)
{
  (void)state;
  assert_int_equal(disk_inodes(0), 1024);
  assert_int_equal(disk_inodes(MIB(4)), 1024);
  assert_int_equal(disk_inodes(MIB(100)), 25600);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_plan_survives_the_round_trip),
    cmocka_unit_test(what_a_plan_leaves_out_is_left_out),
    cmocka_unit_test(the_format_is_the_one_that_is_written_down),
    cmocka_unit_test(decoded_strings_lie_in_the_bytes_they_came_from),
    cmocka_unit_test(every_truncation_is_refused),
    cmocka_unit_test(another_magic_or_version_is_refused),
    cmocka_unit_test(each_required_field_is_missed_by_its_name),
    cmocka_unit_test(a_field_that_is_no_list_may_not_come_twice),
    cmocka_unit_test(an_unknown_key_is_refused),
    cmocka_unit_test(a_length_beyond_the_end_is_refused),
    cmocka_unit_test(an_integer_has_eight_bytes),
    cmocka_unit_test(a_string_ends_with_the_only_nul_in_it),
    cmocka_unit_test(a_variable_is_a_name_and_a_value),
    cmocka_unit_test(a_container_needs_an_image),
    cmocka_unit_test(a_root_is_absolute),
    cmocka_unit_test(an_image_has_a_name),
    cmocka_unit_test(unknown_flags_are_refused),
    cmocka_unit_test(each_limit_keeps_to_its_range),
    cmocka_unit_test(a_file_is_path_mode_and_content_in_a_row),
    cmocka_unit_test(a_file_mode_is_executable_or_not),
    cmocka_unit_test(a_path_that_could_leave_the_directory_refuses_the_plan),
    cmocka_unit_test(lists_are_bounded_in_number),
    cmocka_unit_test(arguments_are_bounded_in_size),
    cmocka_unit_test(a_whole_plan_is_bounded_in_size),
    cmocka_unit_test(a_relative_path_without_dots_is_valid),
    cmocka_unit_test(a_path_is_bounded_in_length_and_depth),
    cmocka_unit_test(releasing_nothing_is_allowed),
    cmocka_unit_test(a_small_disk_has_room_for_a_thousand_files),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
