/* The token that is presented: where it comes from, when it is replaced, and what is so while there is none. */

#include "backend/kubernetes/credential.h"

#include "base/fd.h"
#include "plugin_scripts.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
  struct scripted scripted;
  struct credential *credential;
  enum credential_state awaited;
  unsigned awaited_number;
  bool was_ready, was_away; /* since when it was ready first */
};

static void on_changed(void *context)
{
  struct scene *scene = context;
  bool ready = credential_state(scene->credential) == CREDENTIAL_READY;
  scene->was_ready = scene->was_ready || ready;
  scene->was_away = scene->was_away || (scene->was_ready && !ready);
}

static void begin(struct scene *scene, const char *script)
{
  *scene = (struct scene){0};
  scripted_begin(&scene->scripted, script, "");
  scene->credential = credential_create(&scene->scripted.loop, &scene->scripted.config, on_changed, scene);
}

static void end(struct scene *scene)
{
  credential_destroy(scene->credential);
  scripted_end(&scene->scripted);
}

static bool is_awaited(void *context)
{
  struct scene *scene = context;
  return credential_state(scene->credential) == scene->awaited &&
         credential_number(scene->credential) >= scene->awaited_number;
}

static void wait_for(struct scene *scene, enum credential_state state, unsigned number)
{
  scene->awaited = state;
  scene->awaited_number = number;
  scripted_run(&scene->scripted, is_awaited, scene);
}

static void assert_header(const struct scene *scene, const char *header)
{
  assert_string_equal(credential_header(scene->credential), header);
}

static size_t runs_of(const struct scene *scene)
{
  CLEANUP_FREE char *runs = scripted_text(&scene->scripted, "runs");
  return strlen(runs);
}

static void assert_trouble(const struct scene *scene, const char *part)
{
  if (!strstr(credential_trouble(scene->credential), part))
    fail_msg("\"%s\" is not in: %s", part, credential_trouble(scene->credential));
}

static void what_stands_in_the_kubeconfig_stays_as_it_is(void **state)
{
  (void)state;
  char token[] = "abc";
  struct scene scene = {0};
  scripted_begin(&scene.scripted, "", "");
  struct kubeconfig fixed = {.token = token}, nobody = {0};
  scene.credential = credential_create(&scene.scripted.loop, &fixed, on_changed, &scene);
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_READY);
  assert_header(&scene, "Authorization: Bearer abc");
  assert_false(credential_reject(scene.credential, credential_number(scene.credential)));
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_READY);
  credential_destroy(scene.credential);
  scene.credential = credential_create(&scene.scripted.loop, &nobody, on_changed, &scene);
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_READY);
  assert_null(credential_header(scene.credential));
  end(&scene);
}

static void put(const char *path, const char *text)
{
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

static void a_file_is_read_again_where_it_could_not_be_and_where_its_token_is_rejected(void **state)
{
  (void)state;
  struct scene scene = {0};
  scripted_begin(&scene.scripted, "", "");
  CLEANUP_FREE char *path = xasprintf("%s/token", scene.scripted.directory);
  struct kubeconfig config = {.token_path = path};
  scene.credential = credential_create(&scene.scripted.loop, &config, on_changed, &scene);
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_MISSING);
  assert_trouble(&scene, path);
  put(path, "one\n");
  wait_for(&scene, CREDENTIAL_READY, 1);
  assert_header(&scene, "Authorization: Bearer one");
  put(path, "two\n");
  assert_true(credential_reject(scene.credential, 1));
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_COMING);
  wait_for(&scene, CREDENTIAL_READY, 2);
  assert_header(&scene, "Authorization: Bearer two");
  end(&scene);
}

static void a_plugin_s_token_is_waited_for(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, PRINT("abc"));
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_COMING);
  assert_trouble(&scene, "waiting for a token of the plugin ./plugin");
  wait_for(&scene, CREDENTIAL_READY, 1);
  assert_header(&scene, "Authorization: Bearer abc");
  end(&scene);
}

static void it_is_renewed_before_it_expires(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, COUNT PRINT_UNTIL("t$n", "'10 seconds'"));
  wait_for(&scene, CREDENTIAL_READY, 1);
  assert_header(&scene, "Authorization: Bearer t1");
  wait_for(&scene, CREDENTIAL_READY, 2);
  assert_header(&scene, "Authorization: Bearer t2");
  assert_false(scene.was_away);
  end(&scene);
}

static bool has_failed(void *context)
{
  struct scene *scene = context;
  return strstr(credential_trouble(scene->credential), "log in") != 0;
}

static void an_old_one_is_used_until_it_expires_and_then_it_is_said_why_there_is_none(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, COUNT "[ $n = 1 ] || [ -e well ] || { echo log in >&2; exit 1; }\n" PRINT_UNTIL("t$n", "'10 seconds'"));
  wait_for(&scene, CREDENTIAL_READY, 1);
  scripted_run(&scene.scripted, has_failed, &scene);
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_READY);
  assert_header(&scene, "Authorization: Bearer t1");
  wait_for(&scene, CREDENTIAL_MISSING, 1);
  assert_trouble(&scene, "the plugin ./plugin: exit code 1: log in");
  CLEANUP_FREE char *path = xasprintf("%s/well", scene.scripted.directory);
  put(path, "");
  wait_for(&scene, CREDENTIAL_READY, 2);
  end(&scene);
}

static void what_has_expired_already_is_none(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, PRINT_UNTIL("abc", "'10 seconds ago'"));
  wait_for(&scene, CREDENTIAL_MISSING, 0);
  assert_trouble(&scene, "has expired already");
  end(&scene);
}

static bool has_time_passed(void *context)
{
  return mono_now().us > ((struct mono *)context)->us;
}

static void the_plugin_is_asked_once_for_each_token_that_is_rejected(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, COUNT PRINT("t$n"));
  wait_for(&scene, CREDENTIAL_READY, 1);
  assert_true(credential_reject(scene.credential, 1));
  assert_true(credential_reject(scene.credential, 1));
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_COMING);
  assert_trouble(&scene, "does not take the token of the plugin ./plugin");
  wait_for(&scene, CREDENTIAL_READY, 2);
  assert_header(&scene, "Authorization: Bearer t2");
  assert_true(credential_reject(scene.credential, 1));
  assert_int_equal(credential_state(scene.credential), CREDENTIAL_READY);
  /* The next is not had at once: a server that takes none does not make a plugin run all the time. */
  assert_true(credential_reject(scene.credential, 2));
  struct mono later = mono_add_ms(mono_now(), 1000);
  scripted_run(&scene.scripted, has_time_passed, &later);
  assert_int_equal(runs_of(&scene), 2);
  wait_for(&scene, CREDENTIAL_READY, 3);
  assert_int_equal(runs_of(&scene), 3);
  end(&scene);
}

static void a_rejected_one_is_not_used_where_there_is_no_other(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, COUNT "[ $n = 1 ] || exit 1\n" PRINT("t$n"));
  wait_for(&scene, CREDENTIAL_READY, 1);
  assert_true(credential_reject(scene.credential, 1));
  wait_for(&scene, CREDENTIAL_MISSING, 1);
  assert_trouble(&scene, "exit code 1");
  end(&scene);
}

static void it_may_be_forgotten_while_the_plugin_runs(void **state)
{
  (void)state;
  struct scene scene;
  begin(&scene, "sleep 1000");
  end(&scene);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_stands_in_the_kubeconfig_stays_as_it_is),
    cmocka_unit_test(a_file_is_read_again_where_it_could_not_be_and_where_its_token_is_rejected),
    cmocka_unit_test(a_plugin_s_token_is_waited_for),
    cmocka_unit_test(it_is_renewed_before_it_expires),
    cmocka_unit_test(an_old_one_is_used_until_it_expires_and_then_it_is_said_why_there_is_none),
    cmocka_unit_test(what_has_expired_already_is_none),
    cmocka_unit_test(the_plugin_is_asked_once_for_each_token_that_is_rejected),
    cmocka_unit_test(a_rejected_one_is_not_used_where_there_is_no_other),
    cmocka_unit_test(it_may_be_forgotten_while_the_plugin_runs),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, 0, 0);
}
