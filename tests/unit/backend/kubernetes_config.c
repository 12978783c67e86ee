/* Where a cluster is and as whom it is asked: kubeconfigs, right and wrong, and service accounts. */

#include "backend/kubernetes/kubeconfig.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CONFIG(cluster, user)                                                                                          \
  "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],"         \
  "\"clusters\":[{\"name\":\"c\",\"cluster\":" cluster "}],\"users\":[{\"name\":\"u\",\"user\":" user "}]}"
#define SERVER "{\"server\":\"https://h:6443/\"}"

static bool decode(const char *text, struct kubeconfig *ret, struct error *error)
{
  json_t *json = json_loads(text, 0, 0);
  assert_non_null(json);
  bool done = kubeconfig_decode(json, "/etc/kube/config", 0, ret, error);
  json_decref(json);
  return done;
}

static void a_context_names_cluster_and_user(void **state)
{
  (void)state;
  struct kubeconfig config;
  struct error error;
  assert_true(
    decode(CONFIG("{\"server\":\"https://h:6443/\",\"certificate-authority\":\"ca.pem\"}", "{\"token\":\"t\"}"),
           &config, &error));
  assert_string_equal(config.server, "https://h:6443");
  assert_string_equal(config.ca_path, "/etc/kube/ca.pem");
  assert_string_equal(config.namespace_, "default");
  assert_string_equal(config.token, "t");
  kubeconfig_release(&config);
}

static void certificates_may_stand_in_it(void **state)
{
  (void)state;
  struct kubeconfig config;
  struct error error;
  assert_true(
    decode(CONFIG(SERVER, "{\"client-certificate-data\":\"Yw==\",\"client-key-data\":\"aw==\"}"), &config, &error));
  assert_int_equal(config.cert_pem->size, 1);
  assert_int_equal(config.key_pem->data[0], 'k');
  kubeconfig_release(&config);
}

static void what_is_wrong_is_said(void **state)
{
  (void)state;
  static const struct {
    const char *text, *part;
  } rows[] = {
    {"{}", "current-context"},
    {"[]", "mapping"},
    {"{\"current-context\":\"y\"}", "\"y\""},
    {CONFIG("{}", "{}"), "server"},
    {CONFIG(SERVER, "{\"exec\":{}}"), "exec"},
    {CONFIG(SERVER, "{\"username\":\"u\"}"), "password"},
    {CONFIG(SERVER, "{\"client-certificate-data\":\"Yw==\"}"), "one is nothing"},
    {CONFIG(SERVER, "{\"client-key-data\":\"?\"}"), "base64"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct kubeconfig config;
    struct error error;
    if (decode(rows[i].text, &config, &error) || !strstr(error.message, rows[i].part))
      fail_msg("%s: %s", rows[i].text, error.message);
  }
}

static char directory[] = "/tmp/assay-test-kubeconfig-XXXXXX";

static const char *variable_of_pod(const char *name)
{
  if (!strcmp(name, "KUBERNETES_SERVICE_HOST"))
    return "fd00::1";
  return !strcmp(name, "KUBERNETES_SERVICE_PORT") ? "443" : 0;
}

static void put(const char *name, const char *text)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

static void a_pods_token_is_read_again(void **state)
{
  (void)state;
  const struct kubeconfig_world world = {variable_of_pod, directory};
  struct kubeconfig config;
  struct error error;
  assert_non_null(mkdtemp(directory));
  put("namespace", "evaluations");
  put("token", "one\n");
  assert_true(kubeconfig_find(&world, 0, 0, &config, &error));
  assert_string_equal(config.server, "https://[fd00::1]:443");
  assert_string_equal(config.namespace_, "evaluations");
  CLEANUP_FREE char *first = kubeconfig_token(&config, &error);
  put("token", "two\n");
  CLEANUP_FREE char *second = kubeconfig_token(&config, &error);
  put("token", "a b\n");
  assert_null(kubeconfig_token(&config, &error));
  assert_string_equal(first, "one");
  assert_string_equal(second, "two");
  kubeconfig_release(&config);
  put("namespace", "");
  assert_false(kubeconfig_find(&world, 0, 0, &config, &error));
  CLEANUP_FREE char *command = xasprintf("rm -r %s", directory);
  assert_int_equal(system(command), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_context_names_cluster_and_user),
    cmocka_unit_test(certificates_may_stand_in_it),
    cmocka_unit_test(what_is_wrong_is_said),
    cmocka_unit_test(a_pods_token_is_read_again),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, 0, 0);
}
