/* Credential plugins, as shell scripts: what they are given, what is made of what they print, and what ends them. */

#include "backend/kubernetes/plugin.h"

#include "plugin_scripts.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 30 * 1000 };

struct outcome {
  bool done;
  char *token;
  struct wall expires;
  char why[ERROR_MESSAGE_SIZE];
};

static void on_done(void *context, struct exec_credential *answer, const char *why)
{
  struct outcome *outcome = context;
  assert_false(outcome->done);
  outcome->done = true;
  outcome->token = TAKE_PTR(answer->token);
  outcome->expires = answer->expires;
  strcpy(outcome->why, why);
}

static bool is_done(void *context)
{
  return ((struct outcome *)context)->done;
}

static void run(struct scripted *scripted, unsigned ms_max, struct outcome *ret)
{
  *ret = (struct outcome){0};
  assert_non_null(plugin_start(&scripted->loop, &scripted->config, ms_max, on_done, ret));
  assert_false(ret->done);
  scripted_run(scripted, is_done, ret);
}

static void run_script(const char *script, const char *more, unsigned ms_max, struct outcome *ret)
{
  struct scripted scripted;
  scripted_begin(&scripted, script, more);
  run(&scripted, ms_max, ret);
  scripted_end(&scripted);
}

static void assert_token(struct outcome *outcome, const char *token)
{
  if (!outcome->token || strcmp(outcome->token, token) != 0)
    fail_msg("token %s: %s", outcome->token, outcome->why);
  free(TAKE_PTR(outcome->token));
}

static void assert_fails(const char *script, const char *more, unsigned ms_max, const char *part)
{
  struct outcome outcome;
  run_script(script, more, ms_max, &outcome);
  if (outcome.token || !strstr(outcome.why, "the plugin ./plugin: ") || !strstr(outcome.why, part) ||
      strstr(outcome.why, "secret"))
    fail_msg("%s: \"%s\" is not in: %s", script, part, outcome.why);
}

static void what_it_prints_is_the_token(void **state)
{
  (void)state;
  struct outcome outcome;
  run_script(PRINT("abc"), "", LONG_MS, &outcome);
  assert_token(&outcome, "abc");
  assert_int_equal(outcome.expires.ms, 0);
  run_script("echo 'a word of warning' >&2\n" PRINT_UNTIL("abc", "@1795377480"), "", LONG_MS, &outcome);
  assert_token(&outcome, "abc");
  assert_int_equal(outcome.expires.ms, 1795377480000);
}

static void assert_text(const struct scripted *scripted, const char *name, const char *text)
{
  CLEANUP_FREE char *found = scripted_text(scripted, name);
  assert_string_equal(found, text);
}

static void it_is_given_arguments_variables_and_nothing_on_standard_input(void **state)
{
  (void)state;
  struct outcome outcome;
  struct scripted scripted;
  setenv("OURS", "ours", 1);
  setenv("BOTH", "ours", 1);
  scripted_begin(
    &scripted,
    "cat >input; echo \"$@\" >arguments; env | grep -E '^(OURS|BOTH|ITS)=' | sort >variables\n"
    "[ $$ = $(cut -d ' ' -f 6 /proc/$$/stat) ] && echo own >session\n" PRINT("abc"),
    ",\"args\":[\"a\",\"b c\"],\"env\":[{\"name\":\"BOTH\",\"value\":\"its\"},{\"name\":\"ITS\",\"value\":\"\"}]");
  run(&scripted, LONG_MS, &outcome);
  assert_token(&outcome, "abc");
  assert_text(&scripted, "input", "");
  assert_text(&scripted, "arguments", "a b c\n");
  assert_text(&scripted, "variables", "BOTH=its\nITS=\nOURS=ours\n");
  assert_text(&scripted, "session", "own\n");
  scripted_end(&scripted);
}

static void assert_told(const char *more, const char *info)
{
  struct outcome outcome;
  struct scripted scripted;
  scripted_begin(&scripted, "printf %s \"$KUBERNETES_EXEC_INFO\" >info\n" PRINT("abc"), more);
  run(&scripted, LONG_MS, &outcome);
  assert_token(&outcome, "abc");
  CLEANUP_FREE char *text = scripted_text(&scripted, "info");
  json_t *told = json_loads(text, 0, 0), *expected = json_loads(info, 0, 0);
  if (!expected || !json_equal(told, expected))
    fail_msg("told %s, not %s", text, info);
  json_decref(told);
  json_decref(expected);
  scripted_end(&scripted);
}

static void it_is_told_of_the_cluster_where_it_asks(void **state)
{
  (void)state;
  assert_told("", "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false}}");
  assert_told(",\"provideClusterInfo\":true",
              "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false,\"cluster\":"
              "{\"server\":\"https://h:6443\",\"certificate-authority-data\":\"Y2E=\",\"config\":{\"a\":1}}}}");
}

static void a_failure_is_told_with_its_last_words(void **state)
{
  (void)state;
  assert_fails("echo first >&2; echo 'log in\tfirst' >&2; echo >&2; exit 3", "", LONG_MS, "exit code 3: log in first");
  assert_fails("printf 'without an end' >&2; exit 1", "", LONG_MS, "exit code 1: without an end");
  assert_fails(PRINT("secret") "exit 1", "", LONG_MS, "exit code 1");
  assert_fails("echo bye >&2; kill -9 $$", "", LONG_MS, "killed by signal 9: bye");
}

static void rubbish_is_no_token_and_is_not_repeated(void **state)
{
  (void)state;
  assert_fails("echo secret", "", LONG_MS, "not JSON");
  assert_fails("exit 0", "", LONG_MS, "not JSON");
  assert_fails(PRINT("secret") PRINT("secret"), "", LONG_MS, "not JSON");
}

static void who_prints_too_much_is_ended(void **state)
{
  (void)state;
  assert_fails("yes secret", "", LONG_MS, "too much");
  struct outcome outcome;
  run_script("yes secret | head -c 1000000 >&2\n" PRINT("abc"), "", LONG_MS, &outcome);
  assert_token(&outcome, "abc");
}

/* All that was written to the pipe, by who is gone by now. */
static size_t read_to_end(int fd)
{
  char bytes[16];
  size_t size = 0;
  assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
  for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
    size += (size_t)got;
  return size;
}

static void who_does_not_end_is_killed_with_all_that_it_has_started(void **state)
{
  (void)state;
  struct outcome outcome;
  struct scripted scripted;
  scripted_begin(&scripted, "echo log in first >&2; (echo begun; exec sleep 1000) >pipe & wait", "");
  CLEANUP_FREE char *path = xasprintf("%s/pipe", scripted.directory);
  assert_int_equal(mkfifo(path, 0600), 0);
  CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  assert_true(fd >= 0);
  unsigned ms_max = 200;
  do {
    run(&scripted, ms_max *= 2, &outcome);
    assert_null(outcome.token);
    assert_non_null(strstr(outcome.why, "has not ended in time"));
  } while (read_to_end(fd) == 0 || !strstr(outcome.why, "log in"));
  assert_string_equal(outcome.why, "the plugin ./plugin: it has not ended in time: log in first");
  scripted_end(&scripted);
}

static void a_process_that_it_leaves_behind_is_not_waited_for(void **state)
{
  (void)state;
  struct outcome outcome;
  struct scripted scripted;
  scripted_begin(&scripted, PRINT("abc") "sleep 1000 & echo $! >process", "");
  run(&scripted, LONG_MS, &outcome);
  assert_token(&outcome, "abc");
  CLEANUP_FREE char *process = scripted_text(&scripted, "process");
  assert_int_equal(kill(atoi(process), SIGKILL), 0);
  scripted_end(&scripted);
}

static void what_is_not_there_is_said_with_what_to_do(void **state)
{
  (void)state;
  struct outcome outcome;
  struct scripted scripted;
  scripted_begin(&scripted, "", ",\"installHint\":\"apt-get\\ninstall it\"");
  CLEANUP_FREE char *path = xasprintf("%s/plugin", scripted.directory);
  assert_int_equal(chmod(path, 0600), 0);
  run(&scripted, LONG_MS, &outcome);
  assert_non_null(strstr(outcome.why, "cannot be started: permission denied"));
  assert_int_equal(unlink(path), 0);
  run(&scripted, LONG_MS, &outcome);
  assert_string_equal(outcome.why, "the plugin ./plugin: it is not there: apt-get install it");
  scripted_end(&scripted);
}

static void what_was_abandoned_is_not_told_of(void **state)
{
  (void)state;
  struct outcome outcome = {0};
  struct scripted scripted;
  scripted_begin(&scripted, "sleep 1000", "");
  plugin_abandon(plugin_start(&scripted.loop, &scripted.config, LONG_MS, on_done, &outcome));
  plugin_abandon(0);
  scripted_end(&scripted);
  assert_false(outcome.done);
}

static void only_a_credential_of_its_version_with_a_token_is_one(void **state)
{
  (void)state;
#define CREDENTIAL(status) "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":" status "}"
  static const struct {
    const char *text, *part;
  } rows[] = {
    {"[]", "no `ExecCredential`"},
    {"{\"apiVersion\":\"" V1 "\",\"kind\":\"Status\"}", "no `ExecCredential`"},
    {"{\"apiVersion\":\"" V1 "beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"secret\"}}", "is not of " V1},
    {CREDENTIAL("{}"), "no token"},
    {CREDENTIAL("null"), "no token"},
    {CREDENTIAL("{\"token\":7}"), "no token"},
    {CREDENTIAL("{\"token\":\"\"}"), "no token"},
    {CREDENTIAL("{\"token\":\"secret\\r\\nX: y\"}"), "no token"},
    {CREDENTIAL("{\"token\":\"secr\303\251t\"}"), "no token"},
    {CREDENTIAL("{\"token\":\"secret\",\"expirationTimestamp\":\"tomorrow\"}"), "RFC 3339"},
    {CREDENTIAL("{\"clientCertificateData\":\"secret\",\"clientKeyData\":\"secret\"}"), "certificate"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct exec_credential answer = {0};
    struct error error;
    if (exec_credential_decode(rows[i].text, strlen(rows[i].text), V1, &answer, &error) || answer.token ||
        !strstr(error.message, rows[i].part) || strstr(error.message, "secret"))
      fail_msg("%s: %s", rows[i].text, error.message);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_it_prints_is_the_token),
    cmocka_unit_test(it_is_given_arguments_variables_and_nothing_on_standard_input),
    cmocka_unit_test(it_is_told_of_the_cluster_where_it_asks),
    cmocka_unit_test(a_failure_is_told_with_its_last_words),
    cmocka_unit_test(rubbish_is_no_token_and_is_not_repeated),
    cmocka_unit_test(who_prints_too_much_is_ended),
    cmocka_unit_test(who_does_not_end_is_killed_with_all_that_it_has_started),
    cmocka_unit_test(a_process_that_it_leaves_behind_is_not_waited_for),
    cmocka_unit_test(what_is_not_there_is_said_with_what_to_do),
    cmocka_unit_test(what_was_abandoned_is_not_told_of),
    cmocka_unit_test(only_a_credential_of_its_version_with_a_token_is_one),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, 0, 0);
}
