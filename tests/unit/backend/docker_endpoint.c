#include "backend/docker/endpoint.h"

#include "base/fd.h"
#include "base/memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The surroundings of one case: variables, and the files that are there, beside a real directory for Docker's own. */
struct scene {
  char home[64];
  const char *variables[8][2];
  const char *files[8];
};

static const char *scene_environment(void *context, const char *name)
{
  const struct scene *scene = context;
  for (size_t i = 0; i < 8 && scene->variables[i][0]; i++)
    if (!strcmp(scene->variables[i][0], name))
      return scene->variables[i][1];
  return 0;
}

static bool scene_exists(void *context, const char *path)
{
  const struct scene *scene = context;
  if (!strncmp(path, scene->home, strlen(scene->home)) && scene->home[0])
    return access(path, F_OK) == 0;
  for (size_t i = 0; i < 8 && scene->files[i]; i++)
    if (!strcmp(scene->files[i], path))
      return true;
  return false;
}

static int make_home(void **state)
{
  struct scene *scene = xcalloc(1, sizeof *scene);
  strcpy(scene->home, "/tmp/assay-endpoint-XXXXXX");
  *state = scene;
  return mkdtemp(scene->home) ? 0 : -1;
}

static int remove_home(void **state)
{
  struct scene *scene = *state;
  CLEANUP_FREE char *command = xasprintf("rm -r '%s'", scene->home);
  int result = system(command); /* NOLINT(cert-env33-c): a constant command but for the directory that was made */
  free(scene);
  return result;
}

/* A file below the home, with its directories. */
static void put(const struct scene *scene, const char *path, const char *text)
{
  CLEANUP_FREE char *full = xasprintf("%s/%s", scene->home, path);
  for (char *slash = strchr(full + strlen(scene->home) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(full, 0700);
    *slash = '/';
  }
  CLEANUP_FD int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_true(fd_write_all(fd, text, strlen(text)));
}

static struct endpoint found(struct scene *scene, const char *host, const char *tls_dir)
{
  struct endpoint_world world = {scene_environment, scene_exists, scene};
  struct endpoint endpoint;
  struct error error = {0};
  if (!endpoint_find(&world, host, tls_dir, &endpoint, &error))
    fail_msg("%s", error.message);
  assert_true(endpoint.http.url && endpoint.address && endpoint.found_by);
  return endpoint;
}

static void assert_refused(struct scene *scene, const char *host, const char *tls_dir, const char *part)
{
  struct endpoint_world world = {scene_environment, scene_exists, scene};
  char before[] = "as it was";
  struct endpoint endpoint = {.found_by = before};
  struct error error = {0};
  if (endpoint_find(&world, host, tls_dir, &endpoint, &error))
    fail_msg("\"%s\" is taken", host);
  if (!strstr(error.message, part))
    fail_msg("\"%s\" does not say \"%s\"", error.message, part);
  assert_ptr_equal(endpoint.found_by, before);
}

static void assert_text(const char *got, const char *expected)
{
  if (!expected)
    assert_null(got);
  else
    assert_string_equal(got, expected);
}

static void assert_address(struct scene *scene, const char *host, const char *unix_path, const char *url)
{
  CLEANUP_ENDPOINT struct endpoint endpoint = found(scene, host, 0);
  assert_text(endpoint.http.unix_path, unix_path);
  assert_text(endpoint.http.url, url);
  assert_null(endpoint.http.ca_path);
  assert_false(endpoint.http.insecure);
  assert_string_equal(endpoint.address, host);
}

static void an_address_says_how_to_connect(void **state)
{
  (void)state;
  struct scene scene = {0};
  assert_address(&scene, "unix:///run/x.sock", "/run/x.sock", "http://localhost");
  assert_address(&scene, "tcp://engine.example:1234", 0, "http://engine.example:1234");
  assert_address(&scene, "tcp://engine", 0, "http://engine:2375");
  assert_address(&scene, "tcp://127.0.0.1:2375/", 0, "http://127.0.0.1:2375");
  assert_address(&scene, "tcp://[::1]:2375", 0, "http://[::1]:2375");
  assert_address(&scene, "tcp://[fd00::a]", 0, "http://[fd00::a]:2375");
  assert_address(&scene, "http://engine:80", 0, "http://engine:80");
  assert_address(&scene, "https://engine", 0, "https://engine");
}

static void what_cannot_be_spoken_is_refused_by_name(void **state)
{
  (void)state;
  struct scene scene = {0};
  assert_refused(&scene, "ssh://root@engine", 0, "ssh://");
  assert_refused(&scene, "npipe:////./pipe/docker_engine", 0, "npipe://");
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  struct scene scene = {0};
  static const char *const cases[] = {
    "",
    "engine:2375",
    "/var/run/docker.sock",
    "fd://",
    "unix://relative.sock",
    "unix://",
    "tcp://",
    "tcp://:2375",
    "tcp://engine:",
    "tcp://engine:0",
    "tcp://engine:65536",
    "tcp://engine:99999999999999999999",
    "tcp://engine:2375/v1.41",
    "tcp://user@engine:2375",
    "tcp://engine?x",
    "tcp://eng ine",
    "tcp://engine\n",
    "tcp://::1",
    "tcp://[::1",
    "tcp://[::g]",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_refused(&scene, cases[i], 0, "");
  char path[256] = "unix://";
  memset(path + strlen(path), '/', 108);
  assert_refused(&scene, path, 0, "108");
  char address[2048] = "tcp://";
  memset(address + strlen(address), 'a', 1024);
  assert_refused(&scene, address, 0, "1024");
}

static void the_configuration_comes_first_then_the_variable_then_the_context(void **state)
{
  struct scene *scene = *state;
  put(scene, ".docker/config.json", "{\"currentContext\": \"far\"}");
  put(scene, ".docker/contexts/meta/0a/meta.json",
      "{\"Name\": \"far\", \"Endpoints\": {\"docker\": {\"Host\": \"unix:///context.sock\"}}}");
  put(scene, ".docker/contexts/meta/0b/meta.json",
      "{\"Name\": \"near\", \"Endpoints\": {\"docker\": {\"Host\": \"unix:///near.sock\"}}}");
  scene->variables[0][0] = "HOME", scene->variables[0][1] = scene->home;
  static const struct {
    const char *host, *variable_host, *variable_context, *address, *found_by;
  } cases[] = {
    {"unix:///configured.sock", "unix:///variable.sock", "near", "unix:///configured.sock", "the configuration"},
    {0, "unix:///variable.sock", "near", "unix:///variable.sock", "DOCKER_HOST"},
    {0, 0, "near", "unix:///near.sock", "the context \"near\""},
    {0, "", "near", "unix:///near.sock", "the context \"near\""},
    {0, 0, 0, "unix:///context.sock", "the context \"far\""},
    {0, 0, "", "unix:///context.sock", "the context \"far\""},
    {0, 0, "default", "unix:///var/run/docker.sock", "looking for sockets"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    scene->variables[1][0] = "DOCKER_HOST", scene->variables[1][1] = cases[i].variable_host;
    scene->variables[2][0] = "DOCKER_CONTEXT", scene->variables[2][1] = cases[i].variable_context;
    CLEANUP_ENDPOINT struct endpoint endpoint = found(scene, cases[i].host, 0);
    assert_string_equal(endpoint.address, cases[i].address);
    assert_string_equal(endpoint.found_by, cases[i].found_by);
  }
}

static void the_configuration_directory_can_be_elsewhere(void **state)
{
  struct scene *scene = *state;
  put(scene, "other/config.json", "{\"currentContext\": \"x\", \"auths\": {}}");
  put(scene, "other/contexts/meta/0a/meta.json",
      "{\"Name\": \"x\", \"Metadata\": {}, \"Endpoints\": {\"docker\": {\"Host\": \"unix:///x.sock\"}}}");
  CLEANUP_FREE char *directory = xasprintf("%s/other", scene->home);
  scene->variables[0][0] = "DOCKER_CONFIG", scene->variables[0][1] = directory;
  scene->variables[1][0] = "HOME", scene->variables[1][1] = "/nonexistent";
  CLEANUP_ENDPOINT struct endpoint endpoint = found(scene, 0, 0);
  assert_string_equal(endpoint.address, "unix:///x.sock");
}

static void a_contexts_certificates_are_its_own(void **state)
{
  struct scene *scene = *state;
  put(scene, ".docker/contexts/meta/0a/meta.json",
      "{\"Name\": \"far\", \"Endpoints\": {\"docker\": {\"Host\": \"tcp://far\", \"SkipTLSVerify\": true}}}");
  put(scene, ".docker/contexts/tls/0a/docker/ca.pem", "");
  put(scene, ".docker/contexts/tls/0a/docker/cert.pem", "");
  put(scene, ".docker/contexts/tls/0a/docker/key.pem", "");
  scene->variables[0][0] = "HOME", scene->variables[0][1] = scene->home;
  scene->variables[1][0] = "DOCKER_CONTEXT", scene->variables[1][1] = "far";
  scene->variables[2][0] = "DOCKER_CERT_PATH", scene->variables[2][1] = "/elsewhere";
  CLEANUP_ENDPOINT struct endpoint endpoint = found(scene, 0, 0);
  assert_string_equal(endpoint.http.url, "https://far:2376");
  assert_true(endpoint.http.insecure);
  CLEANUP_FREE char *key = xasprintf("%s/.docker/contexts/tls/0a/docker/key.pem", scene->home);
  assert_string_equal(endpoint.http.key_path, key);
  assert_non_null(strstr(endpoint.http.ca_path, "/docker/ca.pem"));
  assert_non_null(strstr(endpoint.http.cert_path, "/docker/cert.pem"));
}

static void a_context_without_certificates_is_not_encrypted(void **state)
{
  struct scene *scene = *state;
  put(scene, ".docker/contexts/meta/0a/meta.json",
      "{\"Name\": \"far\", \"Endpoints\": {\"docker\": {\"Host\": \"tcp://far\", \"SkipTLSVerify\": false}}}");
  scene->variables[0][0] = "HOME", scene->variables[0][1] = scene->home;
  scene->variables[1][0] = "DOCKER_CONTEXT", scene->variables[1][1] = "far";
  CLEANUP_ENDPOINT struct endpoint endpoint = found(scene, 0, 0);
  assert_string_equal(endpoint.http.url, "http://far:2375");
  assert_false(endpoint.http.insecure);
}

/* An operator who named a context does not want another engine instead. */
static void a_context_that_cannot_be_used_is_an_error(void **state)
{
  struct scene *scene = *state;
  put(scene, ".docker/contexts/meta/0a/meta.json", "not JSON");
  put(scene, ".docker/contexts/meta/0b/meta.json", "[]");
  put(scene, ".docker/contexts/meta/0c/meta.json", "{\"Name\": 5}");
  put(scene, ".docker/contexts/meta/0d/meta.json", "{\"Name\": \"empty\", \"Endpoints\": []}");
  put(scene, ".docker/contexts/meta/0e/meta.json",
      "{\"Name\": \"number\", \"Endpoints\": {\"docker\": {\"Host\": 5}}}");
  put(scene, ".docker/contexts/meta/0f/meta.json",
      "{\"Name\": \"ssh\", \"Endpoints\": {\"docker\": {\"Host\": \"ssh://far\"}}}");
  put(scene, ".docker/contexts/meta/file", "");
  scene->variables[0][0] = "HOME", scene->variables[0][1] = scene->home;
  scene->variables[1][0] = "DOCKER_CONTEXT";
  static const char *const cases[][2] = {{"none", "no context \"none\""},
                                         {"empty", "no Docker endpoint"},
                                         {"number", "no Docker endpoint"},
                                         {"ssh", "ssh://"},
                                         {"../0a", "no context"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    scene->variables[1][1] = cases[i][0];
    assert_refused(scene, 0, 0, cases[i][1]);
  }
  scene->variables[0][0] = "x";
  assert_refused(scene, 0, 0, "HOME");
}

static void a_broken_config_file_is_an_error_and_a_missing_one_is_not(void **state)
{
  struct scene *scene = *state;
  scene->variables[0][0] = "HOME", scene->variables[0][1] = scene->home;
  scene->files[0] = "/var/run/docker.sock";
  CLEANUP_ENDPOINT struct endpoint missing = found(scene, 0, 0);
  assert_string_equal(missing.address, "unix:///var/run/docker.sock");
  put(scene, ".docker/config.json", "{\"currentContext\": 5}");
  CLEANUP_ENDPOINT struct endpoint strange = found(scene, 0, 0);
  assert_string_equal(strange.address, "unix:///var/run/docker.sock");
  put(scene, ".docker/config.json", "{");
  assert_refused(scene, 0, 0, "config.json");
}

static void the_first_socket_that_is_there_is_taken(void **state)
{
  (void)state;
  static const char *const sockets[] = {"/var/run/docker.sock", "/run/user/7/docker.sock", "/run/podman/podman.sock",
                                        "/run/user/7/podman/podman.sock"};
  for (size_t first = 0; first < 4; first++) {
    struct scene scene = {.variables = {{"XDG_RUNTIME_DIR", "/run/user/7"}}};
    for (size_t i = first; i < 4; i++)
      scene.files[i - first] = sockets[i];
    CLEANUP_ENDPOINT struct endpoint endpoint = found(&scene, 0, 0);
    assert_string_equal(endpoint.http.unix_path, sockets[first]);
  }
  struct scene scene = {0};
  CLEANUP_ENDPOINT struct endpoint endpoint = found(&scene, 0, 0);
  assert_string_equal(endpoint.http.unix_path, "/var/run/docker.sock");
}

static void certificates_make_tcp_encrypted(void **state)
{
  (void)state;
  struct scene scene = {.files = {"/tls/ca.pem", "/tls/cert.pem", "/tls/key.pem", "/ca/ca.pem"}};
  CLEANUP_ENDPOINT struct endpoint both = found(&scene, "tcp://engine", "/tls");
  assert_string_equal(both.http.url, "https://engine:2376");
  assert_string_equal(both.http.ca_path, "/tls/ca.pem");
  assert_string_equal(both.http.cert_path, "/tls/cert.pem");
  assert_string_equal(both.http.key_path, "/tls/key.pem");
  assert_false(both.http.insecure);
  CLEANUP_ENDPOINT struct endpoint server_only = found(&scene, "https://engine:1", "/ca");
  assert_string_equal(server_only.http.url, "https://engine:1");
  assert_string_equal(server_only.http.ca_path, "/ca/ca.pem");
  assert_null(server_only.http.cert_path);
  CLEANUP_ENDPOINT struct endpoint socket = found(&scene, "unix:///a.sock", "/tls");
  assert_null(socket.http.ca_path);
}

static void certificates_that_are_not_there_are_an_error(void **state)
{
  (void)state;
  struct scene scene = {.files = {"/half/cert.pem"}};
  assert_refused(&scene, "tcp://engine", "/nothing", "/nothing");
  assert_refused(&scene, "tcp://engine", "/half", "key.pem");
}

static void variables_turn_tls_on(void **state)
{
  (void)state;
  struct scene scene = {
    .variables = {{"DOCKER_HOST", "tcp://engine"}, {"DOCKER_CERT_PATH", "/tls"}, {"DOCKER_TLS_VERIFY", ""}},
    .files = {"/tls/ca.pem", "/home/.docker/ca.pem"}};
  CLEANUP_ENDPOINT struct endpoint plain = found(&scene, 0, 0);
  assert_string_equal(plain.http.url, "http://engine:2375");
  scene.variables[2][1] = "1";
  CLEANUP_ENDPOINT struct endpoint encrypted = found(&scene, 0, 0);
  assert_string_equal(encrypted.http.url, "https://engine:2376");
  assert_string_equal(encrypted.http.ca_path, "/tls/ca.pem");
  scene.variables[1][0] = "HOME", scene.variables[1][1] = "/home";
  CLEANUP_ENDPOINT struct endpoint home = found(&scene, 0, 0);
  assert_string_equal(home.http.ca_path, "/home/.docker/ca.pem");
  scene.variables[1][0] = "x";
  assert_refused(&scene, 0, 0, "DOCKER_CERT_PATH");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_address_says_how_to_connect),
    cmocka_unit_test(what_cannot_be_spoken_is_refused_by_name),
    cmocka_unit_test(nonsense_is_refused),
    WITH_HOME(the_configuration_comes_first_then_the_variable_then_the_context),
    WITH_HOME(the_configuration_directory_can_be_elsewhere),
    WITH_HOME(a_contexts_certificates_are_its_own),
    WITH_HOME(a_context_without_certificates_is_not_encrypted),
    WITH_HOME(a_context_that_cannot_be_used_is_an_error),
    WITH_HOME(a_broken_config_file_is_an_error_and_a_missing_one_is_not),
    cmocka_unit_test(the_first_socket_that_is_there_is_taken),
    cmocka_unit_test(certificates_make_tcp_encrypted),
    cmocka_unit_test(certificates_that_are_not_there_are_an_error),
    cmocka_unit_test(variables_turn_tls_on),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
