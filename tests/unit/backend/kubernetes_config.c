/* Where a cluster is and as whom it is asked: kubeconfigs, right and wrong, and service accounts. */

#include "backend/kubernetes/kubeconfig.h"

#include "base/buffer.h"
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
#define EXEC(more) "{\"exec\":{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"command\":\"c\"," more "}}"
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

static void a_plugin_is_named_with_what_it_is_given(void **state)
{
  (void)state;
  struct kubeconfig config;
  struct error error;
  assert_true(decode(CONFIG(SERVER, EXEC("\"args\":[\"get-token\",\"-x\"],\"env\":[{\"name\":\"A\",\"value\":\"b=c\"},"
                                         "{\"name\":\"D\",\"value\":null}],\"interactiveMode\":\"IfAvailable\","
                                         "\"provideClusterInfo\":true,\"installHint\":\"install it\"")),
                     &config, &error));
  const struct kubeconfig_plugin *plugin = config.plugin;
  assert_string_equal(plugin->name, "c");
  assert_string_equal(plugin->api_version, "client.authentication.k8s.io/v1beta1");
  assert_string_equal(plugin->command[0], "c");
  assert_string_equal(plugin->command[1], "get-token");
  assert_string_equal(plugin->command[2], "-x");
  assert_null(plugin->command[3]);
  assert_string_equal(plugin->variables[0], "A=b=c");
  assert_string_equal(plugin->variables[1], "D=");
  assert_null(plugin->variables[2]);
  assert_string_equal(plugin->hint, "install it");
  assert_true(plugin->asks_cluster);
  kubeconfig_release(&config);
}

static void assert_program(const char *command, const char *program)
{
  struct kubeconfig config;
  struct error error;
  CLEANUP_FREE char *text = xasprintf(
    CONFIG(SERVER, "{\"exec\":{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"command\":\"%s\",\"args\":null}}"),
    command);
  assert_true(decode(text, &config, &error));
  assert_string_equal(config.plugin->command[0], program);
  assert_null(config.plugin->command[1]);
  kubeconfig_release(&config);
}

static void a_plugin_s_relative_path_begins_at_the_kubeconfig(void **state)
{
  (void)state;
  assert_program("aws", "aws");
  assert_program("./aws", "/etc/kube/./aws");
  assert_program("bin/aws", "/etc/kube/bin/aws");
  assert_program("/bin/aws", "/bin/aws");
}

static void a_token_takes_a_plugin_s_place(void **state)
{
  (void)state;
  struct kubeconfig config;
  struct error error;
  assert_true(decode(CONFIG(SERVER, "{\"token\":\"t\",\"exec\":{\"command\":\"c\"}}"), &config, &error));
  assert_string_equal(config.token, "t");
  assert_null(config.plugin);
  kubeconfig_release(&config);
}

static void a_plugin_is_given_so_much_and_no_more(void **state)
{
  (void)state;
  struct kubeconfig config;
  struct error error;
  CLEANUP_BUFFER struct buffer many = {0};
  for (unsigned i = 0; i < 101; i++)
    buffer_puts(&many, i ? ",\"a\"" : "\"a\"");
  CLEANUP_FREE char *too_many = xasprintf(CONFIG(SERVER, EXEC("\"args\":[%s]")), many.data);
  assert_false(decode(too_many, &config, &error));
  assert_non_null(strstr(error.message, "exec.args"));
  CLEANUP_FREE char *too_long = xasprintf(CONFIG(SERVER, EXEC("\"args\":[\"%020000d\"]")), 0);
  assert_false(decode(too_long, &config, &error));
  assert_non_null(strstr(error.message, "exec.args[0]"));
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
    {CONFIG(SERVER, "{\"auth-provider\":{}}"), "auth-provider"},
    {CONFIG(SERVER, "{\"exec\":{}}"), "/etc/kube/config: the user's `exec.command`"},
    {CONFIG(SERVER, "{\"exec\":{\"command\":\"c\"}}"), "exec.apiVersion"},
    {CONFIG(SERVER, "{\"exec\":{\"command\":\"c\",\"apiVersion\":\"client.authentication.k8s.io/v1alpha1\"}}"),
     "v1alpha1\"; supported are"},
    {CONFIG(SERVER, EXEC("\"args\":\"a\"")), "exec.args"},
    {CONFIG(SERVER, EXEC("\"args\":[\"a\",1]")), "exec.args[1]` is not a text"},
    {CONFIG(SERVER, EXEC("\"env\":{}")), "exec.env"},
    {CONFIG(SERVER, EXEC("\"env\":[{\"value\":\"v\"}]")), "exec.env[0]"},
    {CONFIG(SERVER, EXEC("\"env\":[{\"name\":\"A=B\",\"value\":\"v\"}]")), "exec.env[0]"},
    {CONFIG(SERVER, EXEC("\"env\":[{\"name\":\"A\",\"value\":1}]")), "exec.env[0]` is not a name and"},
    {CONFIG(SERVER, EXEC("\"interactiveMode\":\"Always\"")), "exec.interactiveMode"},
    {CONFIG(SERVER, EXEC("\"interactiveMode\":\"never\"")), "exec.interactiveMode"},
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
  CLEANUP_FREE char *first = kubeconfig_read_token(&config, &error);
  put("token", "two\n");
  CLEANUP_FREE char *second = kubeconfig_read_token(&config, &error);
  put("token", "a b\n");
  assert_null(kubeconfig_read_token(&config, &error));
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
    cmocka_unit_test(a_plugin_is_named_with_what_it_is_given),
    cmocka_unit_test(a_plugin_s_relative_path_begins_at_the_kubeconfig),
    cmocka_unit_test(a_token_takes_a_plugin_s_place),
    cmocka_unit_test(a_plugin_is_given_so_much_and_no_more),
    cmocka_unit_test(what_is_wrong_is_said),
    cmocka_unit_test(a_pods_token_is_read_again),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, 0, 0);
}
