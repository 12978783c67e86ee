#include "api/submission.h"

#include "base/memory.h"
#include "testing.h"
#include "wire/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct runtimes *runtimes;
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const allowed_images[] = {"python:3.*", "team/**", NULL};
static const struct backend_offer backends[] = {
  {.name = "native"},
  {.name = "fake"},
  {.name = "boxes", .takes_images = true, .image = "standard:1", .images = allowed_images},
  {.name = "bare", .takes_images = true},
  {0},
};

/* Runtimes that every host has, or none. */
static int set_up(void **state)
{
  (void)state;
  runtimes = runtimes_create();
  runtimes_add(runtimes, &(struct runtime){.name = "snake",
                                           .aliases = LIST("reptile"),
                                           .file = "main.py",
                                           .command = LIST("sh", "main.py"),
                                           .image = "snake"});
  runtimes_add(runtimes,
               &(struct runtime){
                 .name = "built", .file = "main.b", .compile = LIST("sh", "-c", "true"), .command = LIST("./main")});
  runtimes_add(runtimes, &(struct runtime){.name = "nowhere", .file = "main.n", .command = LIST("no-such-program")});
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  runtimes_destroy(runtimes);
  return 0;
}

static struct submission_rules rules(void)
{
  struct submission_rules the_rules = {
    .runtimes = runtimes,
    .limits_default = limits_default(),
    .limits_max = {.wall_time_ms = 60000,
                   .cpu_time_ms = 20000,
                   .memory_bytes = GIB(2),
                   .processes = 100,
                   .output_bytes = MIB(64),
                   .disk_bytes = GIB(1),
                   .file_bytes = GIB(1)},
    .backends = backends,
  };
  return the_rules;
}

/* Single quotes in a body stand for double ones, so that the tables below can be read. */
static char *quoted(const char *body)
{
  char *copy = xstrdup(body);
  for (char *c = copy; *c; c++)
    if (*c == '\'')
      *c = '"';
  return copy;
}

static struct evaluation *decode_size(const char *body, size_t size, struct faults *faults)
{
  struct submission_rules the_rules = rules();
  faults->count = 0;
  return submission_decode(&the_rules, body, size, faults);
}

static struct evaluation *decode(const char *body, struct faults *faults)
{
  CLEANUP_FREE char *copy = quoted(body);
  return decode_size(copy, strlen(copy), faults);
}

static struct evaluation *decode_good(const char *body)
{
  struct faults faults;
  struct evaluation *evaluation = decode(body, &faults);
  if (!evaluation)
    fail_msg("refused: %s: %s", faults.entry[0].path, faults.entry[0].message);
  return evaluation;
}

/* Faults: each row is one body with one fault. */

struct fault_case {
  const char *name, *body, *path, *message;
};

static const struct fault_case fault_cases[] = {
  {"an_empty_body", "", "$", "empty"},
  {"not_json", "{'runtime':\n  oops}", "$", "line 2, column"},
  {"a_text_behind_the_object", "{} x", "$", "not valid JSON"},
  {"a_key_given_twice", "{'code':'a','code':'b'}", "$", "duplicate"},
  {"not_an_object", "[]", "$", "must be an object"},
  {"nested_too_deep", "{'a':[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}", "$", "nested deeper than 16"},
  {"an_unknown_field", "{'command':['x'],'timeout':3}", "$.timeout",
   "unknown field; known are backend, runtime, command"},
  {"an_unknown_field_with_an_odd_name", "{'command':['x'],'a b':3}", "$[\"a b\"]", "unknown field"},
  {"a_field_of_another_type", "{'command':'x'}", "$.command", "must be an array"},
  {"null_is_no_string", "{'command':['x'],'stdin':null}", "$.stdin", "must be a string"},
  {"a_fraction_is_no_integer", "{'command':['x'],'priority':1.0}", "$.priority", "must be an integer"},
  {"neither_runtime_nor_command", "{}", "$", "a runtime or a command is needed"},
  {"runtime_and_command", "{'runtime':'sh','code':'','command':['x']}", "$.command", "not both"},
  {"code_and_files", "{'runtime':'sh','code':'','files':[]}", "$.code", "not both"},
  {"code_without_a_runtime", "{'command':['x'],'code':''}", "$.code", "code needs a runtime"},
  {"a_runtime_without_a_program", "{'runtime':'sh'}", "$", "needs code, or files"},
  {"a_runtime_without_its_file", "{'runtime':'sh','files':[{'path':'a','content':''}]}", "$.files",
   "main.sh is missing"},
  {"an_unknown_runtime", "{'runtime':'cobol','code':''}", "$.runtime", "available are: "},
  {"a_runtime_that_this_host_lacks", "{'runtime':'nowhere','code':''}", "$.runtime",
   "not available on this host: there is no no-such-program in "},
  {"a_runtime_with_nul", "{'runtime':'sh\\u0000','code':''}", "$.runtime", "must not contain NUL"},
  {"code_that_is_not_base64", "{'runtime':'sh','code':'!','code_encoding':'base64'}", "$.code", "is not base64"},
  {"an_unknown_encoding_of_code", "{'runtime':'sh','code':'','code_encoding':'latin1'}", "$.code_encoding",
   "must be one of: utf8, base64"},
  {"an_encoding_of_no_code", "{'command':['x'],'code_encoding':'utf8'}", "$.code_encoding", "nothing that it is"},
  {"an_encoding_of_no_input", "{'command':['x'],'stdin_encoding':'utf8'}", "$.stdin_encoding", "nothing that it is"},
  {"an_empty_command", "{'command':[]}", "$.command", "is empty"},
  {"a_command_without_a_name", "{'command':['','x']}", "$.command[0]", "is empty"},
  {"a_command_with_a_number", "{'command':['x',1]}", "$.command[1]", "must be a string"},
  {"a_command_with_nul", "{'command':['x','a\\u0000b']}", "$.command[1]", "must not contain NUL"},
  {"an_argument_with_nul", "{'command':['x'],'args':['ok','\\u0000']}", "$.args[1]", "must not contain NUL"},
  {"a_variable_with_nul", "{'command':['x'],'env':{'A':'\\u0000'}}", "$.env.A", "must not contain NUL"},
  {"a_variable_with_an_equals_sign", "{'command':['x'],'env':{'A=B':''}}", "$.env[\"A=B\"]", "'='"},
  {"a_variable_without_a_name", "{'command':['x'],'env':{'':''}}", "$.env[\"\"]", "must not be empty"},
  {"a_variable_that_is_a_number", "{'command':['x'],'env':{'A':1}}", "$.env.A", "must be a string"},
  {"a_file_that_is_no_object", "{'command':['x'],'files':['a']}", "$.files[0]", "must be an object"},
  {"a_file_without_a_path", "{'command':['x'],'files':[{'content':''}]}", "$.files[0]", "needs a path"},
  {"a_file_without_content", "{'command':['x'],'files':[{'path':'a'}]}", "$.files[0]", "needs a content"},
  {"a_file_with_an_unknown_field", "{'command':['x'],'files':[{'path':'a','content':'','mode':7}]}", "$.files[0].mode",
   "unknown field; known are path, content, encoding, executable"},
  {"a_file_that_is_executable_in_words", "{'command':['x'],'files':[{'path':'a','content':'','executable':'yes'}]}",
   "$.files[0].executable", "must be true or false"},
  {"a_file_that_is_not_base64", "{'command':['x'],'files':[{'path':'a','content':'Zg','encoding':'base64'}]}",
   "$.files[0].content", "is not base64"},
  {"a_file_in_an_unknown_encoding", "{'command':['x'],'files':[{'path':'a','content':'','encoding':'hex'}]}",
   "$.files[0].encoding", "must be one of: utf8, base64"},
  {"a_path_with_nul", "{'command':['x'],'files':[{'path':'a\\u0000','content':''}]}", "$.files[0].path", "NUL"},
  {"an_empty_path", "{'command':['x'],'files':[{'path':'','content':''}]}", "$.files[0].path", "is empty"},
  {"an_absolute_path", "{'command':['x'],'files':[{'path':'/etc/passwd','content':''}]}", "$.files[0].path",
   "relative"},
  {"a_path_upwards", "{'command':['x'],'files':[{'path':'a/../../b','content':''}]}", "$.files[0].path", "\"..\""},
  {"a_path_with_a_dot", "{'command':['x'],'files':[{'path':'./a','content':''}]}", "$.files[0].path", "\".\""},
  {"a_path_with_an_empty_part", "{'command':['x'],'files':[{'path':'a//b','content':''}]}", "$.files[0].path", "//"},
  {"a_path_to_a_directory", "{'command':['x'],'files':[{'path':'a/','content':''}]}", "$.files[0].path", "end in"},
  {"a_path_too_deep",
   "{'command':['x'],'files':[{'content':'','path':'"
   "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"
   "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a'}]}",
   "$.files[0].path", "too many directories"},
  {"a_path_given_twice",
   "{'command':['x'],'files':[{'path':'a','content':''},{'path':'b','content':''},{'path':'a','content':''}]}",
   "$.files", "a is there twice"},
  {"a_file_where_a_directory_must_be",
   "{'command':['x'],'files':[{'path':'a/b','content':''},{'path':'a-','content':''},{'path':'a','content':''}]}",
   "$.files", "a is a file, and a/b needs it"},
  {"an_unknown_limit", "{'command':['x'],'limits':{'memory':1}}", "$.limits.memory", "unknown field; known are wall_"},
  {"a_limit_in_words", "{'command':['x'],'limits':{'memory_bytes':'1G'}}", "$.limits.memory_bytes",
   "must be an integer"},
  {"a_limit_below_the_least", "{'command':['x'],'limits':{'wall_time_ms':0}}", "$.limits.wall_time_ms",
   "must be between 1 and 60000"},
  {"a_limit_over_the_operators_most", "{'command':['x'],'limits':{'wall_time_ms':60001}}", "$.limits.wall_time_ms",
   "must be between 1 and 60000"},
  {"a_negative_limit", "{'command':['x'],'limits':{'output_bytes':-1}}", "$.limits.output_bytes",
   "must be between 0 and 67108864"},
  {"an_unknown_policy", "{'command':['x'],'on_output_limit':'ignore'}", "$.on_output_limit",
   "must be one of: truncate, kill"},
  {"a_network", "{'command':['x'],'network':'host'}", "$.network", "must be one of: none"},
  {"an_unknown_backend", "{'command':['x'],'backend':'docker'}", "$.backend",
   "must be one of: native, fake, boxes, bare"},
  {"a_backend_that_is_a_number", "{'command':['x'],'backend':1,'image':'x'}", "$.backend", "must be a string"},
  {"an_image_where_there_are_none", "{'command':['x'],'image':'python:3.12'}", "$.image",
   "the backend native runs no images; give as backend one of: boxes, bare"},
  {"an_image_that_is_a_number", "{'command':['x'],'backend':'bare','image':1}", "$.image", "must be a string"},
  {"an_image_with_nul", "{'command':['x'],'backend':'boxes','image':'snake\\u0000'}", "$.image",
   "must not contain NUL"},
  {"an_empty_image", "{'command':['x'],'backend':'boxes','image':''}", "$.image", "image"},
  {"an_image_that_is_none", "{'command':['x'],'backend':'boxes','image':'a b'}", "$.image", "image"},
  {"an_image_that_is_an_option", "{'command':['x'],'backend':'boxes','image':'--privileged'}", "$.image", "image"},
  {"an_image_that_is_not_allowed", "{'command':['x'],'backend':'boxes','image':'python:2.7'}", "$.image",
   "not allowed; allowed are those of the configuration, and: python:3.*, team/**"},
  {"an_image_where_only_the_configured_are_allowed", "{'command':['x'],'backend':'bare','image':'python:3.12'}",
   "$.image", "not allowed; allowed are those of the configuration"},
  {"a_command_without_an_image", "{'command':['x'],'backend':'bare'}", "$.image", "which has no bare_image configured"},
  {"a_runtime_without_an_image", "{'runtime':'nowhere','code':'','backend':'bare'}", "$.runtime",
   "have runtimes.nowhere.image or bare_image configured"},
  {"a_priority_out_of_range", "{'command':['x'],'priority':101}", "$.priority", "must be between -100 and 100"},
  {"no_attempt_at_all", "{'command':['x'],'max_attempts':0}", "$.max_attempts", "must be between 1 and 10"},
  {"too_many_attempts", "{'command':['x'],'max_attempts':11}", "$.max_attempts", "must be between 1 and 10"},
  {"a_label_that_is_a_number", "{'command':['x'],'labels':{'run':42}}", "$.labels.run", "must be a string"},
  {"a_label_that_no_filter_could_name", "{'command':['x'],'labels':{'a:b':''}}", "$.labels[\"a:b\"]",
   "name of a label"},
  {"a_label_without_a_name", "{'command':['x'],'labels':{'':''}}", "$.labels[\"\"]", "name of a label"},
  {"a_label_with_nul", "{'command':['x'],'labels':{'a':'\\u0000'}}", "$.labels.a", "must not contain NUL"},
  {"a_callback_of_another_scheme", "{'command':['x'],'callback_url':'ftp://x.org/'}", "$.callback_url",
   "http or https"},
  {"a_callback_that_is_relative", "{'command':['x'],'callback_url':'/hook'}", "$.callback_url", "absolute URL"},
  {"a_callback_with_credentials", "{'command':['x'],'callback_url':'https://a:b@x.org/'}", "$.callback_url",
   "must not hold credentials"},
  {"a_callback_to_this_host", "{'command':['x'],'callback_url':'http://127.1:80/'}", "$.callback_url",
   "127.0.0.1 is not public"},
  {"a_callback_with_nul", "{'command':['x'],'callback_url':'http://x.org/\\u0000'}", "$.callback_url",
   "must not contain NUL"},
};
enum { FAULT_CASES = sizeof fault_cases / sizeof *fault_cases };

static void is_the_one_fault(void **state)
{
  const struct fault_case *the_case = *state;
  struct faults faults;
  assert_null(decode(the_case->body, &faults));
  if (faults.count != 1 || strcmp(faults.entry[0].path, the_case->path) != 0 ||
      !strstr(faults.entry[0].message, the_case->message))
    fail_msg("%zu faults; %s: %s", faults.count, faults.entry[0].path, faults.entry[0].message);
}

static void all_faults_are_told_at_once(void **state)
{
  (void)state;
  struct faults faults;
  assert_null(decode("{'runtime':'cobol','code':1,'args':['\\u0000',2],'limits':{'processes':0,'x':1},'network':'all'}",
                     &faults));
  assert_int_equal(faults.count, 7);
}

static void more_faults_than_can_be_kept_are_counted(void **state)
{
  (void)state;
  struct faults faults;
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, "{\"command\":[\"x\"");
  for (int i = 0; i < 3 * FAULTS_MAX; i++)
    buffer_puts(&body, ",0");
  buffer_puts(&body, "]}");
  assert_null(decode_size(body.data, body.size, &faults));
  assert_int_equal(faults.count, 3 * FAULTS_MAX);
  assert_string_equal(faults.entry[FAULTS_MAX - 1].path, "$.command[20]");
}

/* Sizes. `count` items of `item`, between the rest of a body. */
static void assert_repeated(const char *before, const char *item, size_t count, const char *after, const char *path,
                            const char *message)
{
  struct faults faults;
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, before);
  for (size_t i = 0; i < count; i++)
    buffer_printf(&body, item, i);
  body.size -= item[strlen(item) - 1] == ','; /* the last comma */
  buffer_puts(&body, after);
  CLEANUP_FREE char *text = quoted(body.data);
  struct evaluation *evaluation = decode_size(text, strlen(text), &faults);
  if (!path) {
    assert_non_null(evaluation);
    evaluation_destroy(evaluation);
    return;
  }
  assert_null(evaluation);
  assert_string_equal(faults.entry[0].path, path);
  assert_non_null(strstr(faults.entry[0].message, message));
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void counts_are_bounded(void **state)
{
  (void)state;
  assert_repeated("{'command':[", "'%zu',", ARGUMENTS_MAX, "]}", NULL, NULL);
  assert_repeated("{'command':[", "'%zu',", ARGUMENTS_MAX + 1, "]}", "$.command", "more than 4096");
  assert_repeated("{'command':['x'],'args':[", "'%zu',", ARGUMENTS_MAX, "]}", "$.args", "more than 4096");
  assert_repeated("{'command':['x'],'env':{", "'A%zu':'',", ARGUMENTS_MAX, "}}", NULL, NULL);
  assert_repeated("{'command':['x'],'env':{", "'A%zu':'',", ARGUMENTS_MAX + 1, "}}", "$.env", "more than 4096");
  assert_repeated("{'command':['x'],'files':[", "{'path':'%zu','content':''},", FILES_MAX, "]}", NULL, NULL);
  assert_repeated("{'command':['x'],'files':[", "{'path':'%zu','content':''},", FILES_MAX + 1, "]}", "$.files",
                  "more than 1024");
  assert_repeated("{'command':['x'],'labels':{", "'%zu':'',", LABELS_MAX, "}}", NULL, NULL);
  assert_repeated("{'command':['x'],'labels':{", "'%zu':'',", LABELS_MAX + 1, "}}", "$.labels", "more than 32");
}

static void lengths_are_bounded(void **state)
{
  (void)state;
  assert_repeated("{'command':['", "x", ARGUMENT_BYTES_MAX, "']}", NULL, NULL);
  assert_repeated("{'command':['", "x", ARGUMENT_BYTES_MAX + 1, "']}", "$.command[0]", "longer than");
  assert_repeated("{'command':['x'],'env':{'A':'", "x", ARGUMENT_BYTES_MAX - 2, "'}}", NULL, NULL);
  assert_repeated("{'command':['x'],'env':{'A':'", "x", ARGUMENT_BYTES_MAX - 1, "'}}", "$.env.A", "longer than");
  assert_repeated("{'command':['x'],'files':[{'content':'','path':'a/", "x", PATH_NAME_BYTES_MAX, "/b'}]}", NULL, NULL);
  assert_repeated("{'command':['x'],'files':[{'content':'','path':'a/", "x", PATH_NAME_BYTES_MAX + 1, "/b'}]}",
                  "$.files[0].path", "a name of more than 255 bytes");
  assert_repeated("{'command':['x'],'files':[{'content':'','path':'", "0123456789abcde/", PATH_BYTES_MAX / 16 - 1,
                  "a'}]}", NULL, NULL);
  assert_repeated("{'command':['x'],'files':[{'content':'','path':'", "0123456789abcde/", PATH_BYTES_MAX / 16, "a'}]}",
                  "$.files[0].path", "too long");
  assert_repeated("{'command':['x'],'labels':{'a':'", "x", LABEL_VALUE_BYTES_MAX + 1, "'}}", "$.labels.a", "longer");
  assert_repeated("{'command':['x'],'labels':{'", "x", LABEL_KEY_BYTES_MAX, "':''}}", NULL, NULL);
  assert_repeated("{'command':['x'],'args':[",
                  "'0123456789012345678901234567890123456789012345678901234567890123"
                  "0123456789012345678901234567890123456789012345678901234567890123012345678901234567890123456789"
                  "01234567890123456789012345678901230123456789012345678901234567890123456789012345678901234567890123"
                  "0123456789012345678901234567890123456789012345678901234567890123',",
                  4000, "]}", "$", "together take more than 1048576 bytes");
}

/* What is right. */

static void a_runtime_gives_command_and_file(void **state)
{
  (void)state;
  struct evaluation *evaluation = decode_good("{'runtime':'reptile','code':'print(1/0)','args':['-v'],'stdin':'in'}");
  struct plan CLEANUP_PLAN plan = {0};
  struct error error;
  assert_true(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  assert_string_equal(evaluation->runtime, "snake"); /* its own name, not the alias */
  assert_null(plan.compile);
  assert_string_equal(plan.command[0], "sh");
  assert_string_equal(plan.command[1], "main.py");
  assert_string_equal(plan.command[2], "-v");
  assert_null(plan.command[3]);
  assert_int_equal(plan.file_count, 1);
  assert_string_equal(plan.files[0].path, "main.py");
  assert_int_equal(plan.files[0].size, 10);
  assert_memory_equal(plan.files[0].data, "print(1/0)", 10);
  assert_int_equal(plan.input_size, 2);
  assert_memory_equal(plan.input, "in", 2);
  evaluation_destroy(evaluation);
}

static void what_is_left_out_has_its_default(void **state)
{
  (void)state;
  struct evaluation *evaluation = decode_good("{'command':['x']}");
  assert_string_equal(evaluation->runtime, "");
  assert_string_equal(evaluation->backend, "native");
  assert_string_equal(evaluation->labels, "{}");
  assert_int_equal(evaluation->priority, 0);
  assert_int_equal(evaluation->attempts_max, 1);
  assert_int_equal(evaluation->limits.wall_time_ms, 30000);
  assert_int_equal(evaluation->limits.cpu_time_ms, 20000); /* the operator's most is below the default */
  evaluation_destroy(evaluation);
}

static void assert_image(const char *body, const char *expected)
{
  struct evaluation *evaluation = decode_good(body);
  struct plan CLEANUP_PLAN plan = {0};
  struct error error;
  assert_true(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  if (!expected) {
    assert_null(plan.image);
    assert_null(evaluation->image);
  } else {
    assert_string_equal(plan.image, expected);
    assert_string_equal(evaluation->image, expected);
  }
  evaluation_destroy(evaluation);
}

static void the_image_is_the_requests_or_the_runtimes_or_the_backends(void **state)
{
  (void)state;
  assert_image("{'runtime':'snake','code':'','backend':'boxes','image':'python:3.12'}", "python:3.12");
  assert_image("{'runtime':'snake','code':'','backend':'boxes'}", "snake");
  assert_image("{'runtime':'built','code':'','backend':'boxes'}", "standard:1");
  assert_image("{'command':['x'],'backend':'boxes'}", "standard:1");
  assert_image("{'command':['x'],'backend':'boxes','image':'team/a/b'}", "team/a/b");
  assert_image("{'runtime':'snake','code':'','backend':'bare'}", "snake");
  assert_image("{'runtime':'snake','code':''}", NULL);
}

static void an_image_of_the_configuration_is_allowed_by_whatever_name(void **state)
{
  (void)state;
  assert_image("{'command':['x'],'backend':'bare','image':'snake'}", "snake");
  assert_image("{'command':['x'],'backend':'bare','image':'snake:latest'}", "snake:latest");
  assert_image("{'command':['x'],'backend':'boxes','image':'standard:1'}", "standard:1");
}

/* What this host lacks, an image may have. */
static void a_backend_of_images_needs_nothing_of_this_host(void **state)
{
  (void)state;
  assert_image("{'runtime':'nowhere','code':'','backend':'boxes'}", "standard:1");
}

static void terms_are_taken_over(void **state)
{
  (void)state;
  struct evaluation *evaluation = decode_good(
    "{'command':['x'],'limits':{'memory_bytes':16777216,'output_bytes':0},'on_output_limit':'kill',"
    "'priority':-100,'max_attempts':10,'backend':'fake','network':'none','labels':{'run':'42','a/b':'\\''}}");
  struct plan CLEANUP_PLAN plan = {0};
  struct error error;
  assert_true(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  assert_int_equal(plan.limits.memory_bytes, 16777216);
  assert_int_equal(plan.limits.output_bytes, 0);
  assert_int_equal(plan.flags, PLAN_KILL_ON_OUTPUT);
  assert_int_equal(evaluation->limits.memory_bytes, 16777216);
  assert_int_equal(evaluation->priority, -100);
  assert_int_equal(evaluation->attempts_max, 10);
  assert_string_equal(evaluation->backend, "fake");
  assert_string_equal(evaluation->labels, "{\"run\":\"42\",\"a/b\":\"\\\"\"}");
  evaluation_destroy(evaluation);
}

static void contents_are_bytes(void **state)
{
  (void)state;
  struct evaluation *evaluation =
    decode_good("{'runtime':'built','files':[{'path':'main.b','content':'a\\u0000b'},"
                "{'path':'d/x','content':'AP8=','encoding':'base64','executable':true},{'path':'d/"
                "y','content':'','encoding':'utf8'}],"
                "'stdin':'/wA=','stdin_encoding':'base64','env':{'A':'1','B':'x=y'}}");
  struct plan CLEANUP_PLAN plan = {0};
  struct error error;
  assert_true(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  assert_string_equal(plan.compile[0], "sh");
  assert_string_equal(plan.command[0], "./main");
  assert_int_equal(plan.file_count, 3);
  assert_int_equal(plan.files[0].size, 3);
  assert_memory_equal(plan.files[0].data, "a\0b", 3);
  assert_false(plan.files[0].executable);
  assert_int_equal(plan.files[1].size, 2);
  assert_memory_equal(plan.files[1].data, "\0\xff", 2);
  assert_true(plan.files[1].executable);
  assert_int_equal(plan.files[2].size, 0);
  assert_memory_equal(plan.input, "\xff\0", 2);
  assert_string_equal(plan.environment[0], "A=1");
  assert_string_equal(plan.environment[1], "B=x=y");
  assert_null(plan.environment[2]);
  evaluation_destroy(evaluation);
}

static void code_may_come_as_base64(void **state)
{
  (void)state;
  struct evaluation *evaluation = decode_good("{'code':'aGk=','runtime':'snake','code_encoding':'base64'}");
  struct plan CLEANUP_PLAN plan = {0};
  struct error error;
  assert_true(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  assert_int_equal(plan.files[0].size, 2);
  assert_memory_equal(plan.files[0].data, "hi", 2);
  evaluation_destroy(evaluation);
}

static void paths_that_only_look_alike_do_not_collide(void **state)
{
  (void)state;
  evaluation_destroy(
    decode_good("{'command':['x'],'files':[{'path':'a/b','content':''},{'path':'a-','content':''},"
                "{'path':'ab','content':''},{'path':'a/bc','content':''},{'path':'...','content':''}]}"));
}

static const struct CMUnitTest rules_between[] = {
  cmocka_unit_test(all_faults_are_told_at_once),
  cmocka_unit_test(more_faults_than_can_be_kept_are_counted),
  cmocka_unit_test(counts_are_bounded),
  cmocka_unit_test(lengths_are_bounded),
  cmocka_unit_test(a_runtime_gives_command_and_file),
  cmocka_unit_test(what_is_left_out_has_its_default),
  cmocka_unit_test(the_image_is_the_requests_or_the_runtimes_or_the_backends),
  cmocka_unit_test(an_image_of_the_configuration_is_allowed_by_whatever_name),
  cmocka_unit_test(a_backend_of_images_needs_nothing_of_this_host),
  cmocka_unit_test(terms_are_taken_over),
  cmocka_unit_test(contents_are_bytes),
  cmocka_unit_test(code_may_come_as_base64),
  cmocka_unit_test(paths_that_only_look_alike_do_not_collide),
};
enum { RULES = sizeof rules_between / sizeof *rules_between };

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  struct CMUnitTest tests[FAULT_CASES + RULES];
  for (size_t i = 0; i < FAULT_CASES; i++)
    tests[i] = (struct CMUnitTest){fault_cases[i].name, is_the_one_fault, NULL, NULL, (void *)&fault_cases[i]};
  memcpy(tests + FAULT_CASES, rules_between, sizeof rules_between);
  return _cmocka_run_group_tests("submission", tests, FAULT_CASES + RULES, set_up, tear_down);
}
