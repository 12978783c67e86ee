/* Which trace a submission belongs to, by the rules of W3C Trace Context. */

#include "api/trace_context.h"

#include "base/memory.h"
#include "fake_http.h"
#include "testing.h"

#include <string.h>

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT_ID "00f067aa0ba902b7"
#define IDS TRACE_ID "-" PARENT_ID
#define EXAMPLE "00-" IDS "-01"

struct parent_case {
  const char *name, *text, *read; /* read NULL: it is not valid */
};

static const struct parent_case parent_cases[] = {
  {"the_example_of_the_standard", EXAMPLE, EXAMPLE},
  {"one_that_is_not_sampled", "00-" IDS "-00", "00-" IDS "-00"},
  {"the_random_flag_of_level_2_stays", "00-" IDS "-03", "00-" IDS "-03"},
  {"flags_that_are_not_defined_are_zero", "00-" IDS "-fd", "00-" IDS "-01"},
  {"a_later_version_is_read_as_ours", "01-" IDS "-01", EXAMPLE},
  {"a_later_version_may_be_longer", "cc-" IDS "-01-what-the-future-will-be", EXAMPLE},
  {"a_later_version_has_a_dash_behind_the_flags", "cc-" IDS "-01.what", NULL},
  {"our_version_is_not_longer", EXAMPLE "-what", NULL},
  {"version_ff_is_not_valid", "ff-" IDS "-01", NULL},
  {"capital_digits_are_not_valid", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT_ID "-01", NULL},
  {"a_trace_id_is_not_zero", "00-00000000000000000000000000000000-" PARENT_ID "-01", NULL},
  {"a_parent_id_is_not_zero", "00-" TRACE_ID "-0000000000000000-01", NULL},
  {"ids_of_almost_only_zeros_are_valid", "00-00000000000000000000000000000001-1000000000000000-00",
   "00-00000000000000000000000000000001-1000000000000000-00"},
  {"a_short_trace_id", "00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT_ID "-011", NULL},
  {"other_separators", "00_" TRACE_ID "_" PARENT_ID "_01", NULL},
  {"flags_are_digits", "00-" IDS "-0x", NULL},
  {"flags_are_two_digits", "00-" IDS "-1", NULL},
  {"a_version_is_two_digits", "0-" IDS "-01", NULL},
  {"nothing", "", NULL},
  {"another_format", "b3:" TRACE_ID ":" PARENT_ID ":1111", NULL},
};
enum { PARENT_CASES = sizeof parent_cases / sizeof *parent_cases };

static void run_parent(void **state)
{
  const struct parent_case *the_case = *state;
  char read[TRACEPARENT_SIZE] = "untouched";
  assert_int_equal(traceparent_read(the_case->text, read), the_case->read != NULL);
  assert_string_equal(read, the_case->read ? the_case->read : "untouched");
}

static void nothing_behind_the_end_of_a_text_is_read(void **state)
{
  (void)state;
  char read[TRACEPARENT_SIZE];
  for (size_t length = 0; length < strlen(EXAMPLE); length++) {
    CLEANUP_FREE char *cut = xstrndup(EXAMPLE, length); /* a sanitizer sees where it ends */
    assert_false(traceparent_read(cut, read));
  }
}

struct state_case {
  const char *name, *text, *read; /* read NULL: it is not valid */
};

static const struct state_case state_cases[] = {
  {"the_example_of_the_standard", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"},
  {"blanks_around_members_mean_nothing", " a=1 ,\t b=2\t", "a=1,b=2"},
  {"a_blank_in_a_value_stays", "a= one two", "a= one two"},
  {"empty_members_mean_nothing", ",a=1,, ,b=2,", "a=1,b=2"},
  {"a_tenant_and_its_system", "fw529a3039@dt=FfAAAAB", "fw529a3039@dt=FfAAAAB"},
  {"a_key_has_no_capitals", "A=1", NULL},
  {"a_key_begins_with_a_letter_or_digit", "_a=1", NULL},
  {"a_key_is_not_empty", "=1", NULL},
  {"a_value_is_not_empty", "a=", NULL},
  {"a_value_has_no_equals_sign", "a=1=2", NULL},
  {"a_value_is_printable_ascii", "a=1\x7f", NULL},
  {"a_member_has_a_value", "a", NULL},
  {"one_bad_member_makes_all_of_it_bad", "a=1,b", NULL},
};
enum { STATE_CASES = sizeof state_cases / sizeof *state_cases };

static void run_state(void **state)
{
  const struct state_case *the_case = *state;
  CLEANUP_BUFFER struct buffer read = {0};
  unsigned count = 0;
  assert_int_equal(tracestate_read(the_case->text, &read, &count), the_case->read != NULL);
  if (the_case->read)
    assert_string_equal(read.data, the_case->read);
}

static void more_members_than_the_standard_has_are_not_valid(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0}, read = {0}, over = {0};
  for (unsigned i = 0; i < TRACESTATE_MEMBERS_MAX; i++)
    buffer_printf(&text, "k%u=1,", i);
  unsigned count = 0;
  assert_true(tracestate_read(text.data, &read, &count));
  assert_int_equal(count, TRACESTATE_MEMBERS_MAX);
  assert_false(tracestate_read("more=1", &over, &count));
}

static void what_is_too_long_is_left_out_by_whole_members(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0}, read = {0};
  for (char key = 'a'; key <= 'c'; key++)
    buffer_printf(&text, "%c=%0200d,", key, 7);
  buffer_puts(&text, "d=1");
  unsigned count = 0;
  assert_true(tracestate_read(text.data, &read, &count));
  assert_true(read.size <= TRACESTATE_BYTES_MAX);
  assert_non_null(strstr(read.data, "b="));
  assert_null(strstr(read.data, "c="));
  assert_non_null(strstr(read.data, ",d=1"));
}

/* Of a request with these fields. */
static struct evaluation *taken(const char *const (*fields)[2])
{
  struct http_request *request = fake_request("POST", "/v1/evaluations");
  for (; **fields; fields++)
    fake_request_header(request, (*fields)[0], (*fields)[1]);
  struct evaluation *evaluation = evaluation_create();
  evaluation->traceparent = xstrdup("of a try before this one");
  evaluation->tracestate = xstrdup("likewise");
  trace_take(request, evaluation);
  request->answers = 1;
  fake_request_destroy(request);
  return evaluation;
}

static void an_evaluation_has_what_its_request_had(void **state)
{
  (void)state;
  struct evaluation *evaluation = taken(
    (const char *const[][2]){{"Traceparent", EXAMPLE}, {"tracestate", "a=1"}, {"TraceState", "b=2"}, {NULL, NULL}});
  assert_string_equal(evaluation->traceparent, EXAMPLE);
  assert_string_equal(evaluation->tracestate, "a=1,b=2");
  evaluation_destroy(evaluation);
}

static void where_nothing_came_nothing_is_begun(void **state)
{
  (void)state;
  struct evaluation *evaluation = taken((const char *const[][2]){{NULL, NULL}});
  assert_null(evaluation->traceparent);
  assert_null(evaluation->tracestate);
  evaluation_destroy(evaluation);
}

static void what_is_not_valid_is_ignored_and_its_state_too(void **state)
{
  (void)state;
  struct evaluation *evaluation =
    taken((const char *const[][2]){{"traceparent", "nonsense"}, {"tracestate", "a=1"}, {NULL, NULL}});
  assert_null(evaluation->traceparent);
  assert_null(evaluation->tracestate);
  evaluation_destroy(evaluation);
}

static void two_parents_are_none(void **state)
{
  (void)state;
  struct evaluation *evaluation =
    taken((const char *const[][2]){{"traceparent", EXAMPLE}, {"traceparent", EXAMPLE}, {NULL, NULL}});
  assert_null(evaluation->traceparent);
  evaluation_destroy(evaluation);
}

static void a_bad_state_does_not_hurt_the_parent(void **state)
{
  (void)state;
  struct evaluation *evaluation = taken((const char *const[][2]){
    {"traceparent", EXAMPLE}, {"tracestate", "a=1"}, {"tracestate", "nonsense"}, {NULL, NULL}});
  assert_string_equal(evaluation->traceparent, EXAMPLE);
  assert_null(evaluation->tracestate);
  evaluation_destroy(evaluation);
}

static const struct CMUnitTest others[] = {
  cmocka_unit_test(nothing_behind_the_end_of_a_text_is_read),
  cmocka_unit_test(more_members_than_the_standard_has_are_not_valid),
  cmocka_unit_test(what_is_too_long_is_left_out_by_whole_members),
  cmocka_unit_test(an_evaluation_has_what_its_request_had),
  cmocka_unit_test(where_nothing_came_nothing_is_begun),
  cmocka_unit_test(what_is_not_valid_is_ignored_and_its_state_too),
  cmocka_unit_test(two_parents_are_none),
  cmocka_unit_test(a_bad_state_does_not_hurt_the_parent),
};
enum { OTHERS = sizeof others / sizeof *others };

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  struct CMUnitTest tests[PARENT_CASES + STATE_CASES + OTHERS];
  for (size_t i = 0; i < PARENT_CASES; i++)
    tests[i] = (struct CMUnitTest){parent_cases[i].name, run_parent, NULL, NULL, (void *)&parent_cases[i]};
  for (size_t i = 0; i < STATE_CASES; i++)
    tests[PARENT_CASES + i] = (struct CMUnitTest){state_cases[i].name, run_state, NULL, NULL, (void *)&state_cases[i]};
  memcpy(tests + PARENT_CASES + STATE_CASES, others, sizeof others);
  return _cmocka_run_group_tests("trace_context", tests, PARENT_CASES + STATE_CASES + OTHERS, NULL, NULL);
}
