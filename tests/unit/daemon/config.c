/* Three places, one name each; and every mistake is told by its name. */

#include "daemon/config.h"

#include "base/fd.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS(...) ((char *[]){(char *)"assayd", (char *)"--keeper", (char *)"/bin/true", __VA_ARGS__, NULL})

struct loaded {
  struct config config;
  struct runtimes *runtimes;
  bool good;
  struct error error;
};

static struct loaded *load(char **arguments)
{
  struct loaded *loaded = xcalloc(1, sizeof *loaded);
  int count = 0;
  while (arguments[count])
    count++;
  loaded->runtimes = runtimes_create();
  loaded->good = config_load(&loaded->config, loaded->runtimes, count, arguments, &loaded->error);
  return loaded;
}

static void release(struct loaded *loaded)
{
  config_release(&loaded->config);
  runtimes_destroy(loaded->runtimes);
  free(loaded);
}

static struct loaded *load_good(char **arguments)
{
  struct loaded *loaded = load(arguments);
  if (!loaded->good)
    fail_msg("%s", loaded->error.message);
  return loaded;
}

static void expect_refusal(char **arguments, const char *part)
{
  struct loaded *loaded = load(arguments);
  if (loaded->good || !strstr(loaded->error.message, part))
    fail_msg("%s: %s", part, loaded->good ? "taken" : loaded->error.message);
  release(loaded);
}

/* The configuration of this YAML text. */
static struct loaded *load_yaml_text(const char *yaml)
{
  char path[] = "/tmp/assay-config-XXXXXX";
  CLEANUP_FD int fd = mkstemp(path);
  assert_true(fd >= 0 && fd_write_all(fd, yaml, strlen(yaml)));
  struct loaded *loaded = load(ARGUMENTS((char *)"--config", path));
  unlink(path);
  return loaded;
}

static void expect_yaml_refusal(const char *yaml, const char *part)
{
  struct loaded *loaded = load_yaml_text(yaml);
  if (loaded->good || !strstr(loaded->error.message, part))
    fail_msg("%s: %s", yaml, loaded->good ? "taken" : loaded->error.message);
  release(loaded);
}

static void everything_has_a_default(void **state)
{
  (void)state;
  struct loaded *loaded = load_good(ARGUMENTS((char *)"--slots=3"));
  const struct config *config = &loaded->config;
  assert_int_equal(config->backend.count, 1);
  assert_string_equal(config->backend.items[0], "native");
  assert_int_equal(config->docker_slots, 3);
  assert_int_equal(config->docker_images.count, 0);
  assert_null(config->docker_image);
  assert_null(config->docker_host);
  assert_null(config->docker_tls_dir);
  assert_string_equal(config->docker_pull, "missing");
  assert_int_equal(config->docker_pull_timeout_s, 600);
  assert_string_equal(config->docker_evidence, "auto");
  assert_int_equal(config->docker_cpus, 0);
  release(loaded);
}

static void a_file_with_nothing_but_comments_is_the_defaults(void **state)
{
  (void)state;
  static const char *const files[] = {"", "# nothing\n", "# slots: 4\n\n# more\n", "---\n"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    struct loaded *loaded = load_yaml_text(files[i]);
    if (!loaded->good)
      fail_msg("%s: %s", files[i], loaded->error.message);
    assert_int_equal(loaded->config.queue, 0);
    release(loaded);
  }
}

static void the_command_line_stands_above_the_environment_and_that_above_the_file(void **state)
{
  (void)state;
  setenv("ASSAY_SLOTS", "5", 1);
  setenv("ASSAY_DOCKER_IMAGES", "a:*,b/**", 1);
  setenv("ASSAY_DOCKER_CPUS", "1.25", 1);
  struct loaded *loaded = load_yaml_text("{slots: 4, queue: 7, docker_images: [x, y, z], docker_cpus: 3}");
  assert_true(loaded->good);
  assert_int_equal(loaded->config.slots, 5);
  assert_int_equal(loaded->config.queue, 7);
  assert_int_equal(loaded->config.docker_images.count, 2); /* a list replaces the one before */
  assert_string_equal(loaded->config.docker_images.items[1], "b/**");
  assert_null(loaded->config.docker_images.items[2]);
  assert_int_equal(loaded->config.docker_cpus, 1250);
  release(loaded);
  loaded = load_good(ARGUMENTS((char *)"--slots", (char *)"6", (char *)"--docker-images=c"));
  assert_int_equal(loaded->config.slots, 6);
  assert_int_equal(loaded->config.docker_images.count, 1);
  release(loaded);
  unsetenv("ASSAY_SLOTS");
  unsetenv("ASSAY_DOCKER_IMAGES");
  unsetenv("ASSAY_DOCKER_CPUS");
}

static void backends_are_an_ordered_set(void **state)
{
  (void)state;
  struct loaded *loaded = load_good(ARGUMENTS((char *)"--backend=docker", (char *)"--backend", (char *)"native"));
  assert_int_equal(loaded->config.backend.count, 2);
  assert_string_equal(loaded->config.backend.items[0], "docker");
  release(loaded);
  expect_refusal(ARGUMENTS((char *)"--backend=native", (char *)"--backend=native"), "backend: native is there twice");
  expect_refusal(ARGUMENTS((char *)"--backend=podman"), "backend: \"podman\" is not one of: native docker");
}

static void processors_are_counted_in_thousandths(void **state)
{
  (void)state;
  static const struct {
    const char *argument;
    uint64_t milli;
  } right[] = {
    {"--docker-cpus=2", 2000}, {"--docker-cpus=0.5", 500}, {"--docker-cpus=0.001", 1}, {"--docker-cpus=10.25", 10250}};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    struct loaded *loaded = load_good(ARGUMENTS((char *)right[i].argument));
    assert_int_equal(loaded->config.docker_cpus, right[i].milli);
    release(loaded);
  }
  struct loaded *loaded = load_yaml_text("docker_cpus: 0.1");
  assert_int_equal(loaded->config.docker_cpus, 100);
  release(loaded);
  static const char *const wrong[] = {"--docker-cpus=0",   "--docker-cpus=0.0",    "--docker-cpus=.",
                                      "--docker-cpus=1.",  "--docker-cpus=1.2345", "--docker-cpus=-1",
                                      "--docker-cpus=1e3", "--docker-cpus=",       "--docker-cpus=1.-5"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    expect_refusal(ARGUMENTS((char *)wrong[i]), "docker_cpus: ");
}

static void a_mistake_is_told_by_its_key(void **state)
{
  (void)state;
  expect_refusal(ARGUMENTS((char *)"--docker-pull=always"), "docker_pull: \"always\" is not one of never|missing");
  expect_refusal(ARGUMENTS((char *)"--docker-evidence=log"), "docker_evidence: \"log\" is not one of");
  expect_refusal(ARGUMENTS((char *)"--docker-image=a b"), "docker_image: ");
  expect_refusal(ARGUMENTS((char *)"--docker-pull-timeout-s=3600"), "docker_pull_timeout_s: more than 3540");
  expect_refusal(ARGUMENTS((char *)"--docker-slots=1025"), "docker_slots: more than 1024");
  expect_refusal(ARGUMENTS((char *)"--kubernetes-calls-per-s=10001"), "kubernetes_calls_per_s: more than 10000");
  expect_refusal(ARGUMENTS((char *)"--docker-slots=many"), "docker_slots: \"many\" is not a whole number");
  expect_refusal(ARGUMENTS((char *)"--docker-what=x"), "unknown argument --docker-what=x");
  expect_refusal(ARGUMENTS((char *)"--docker-host"), "needs a value");
  expect_yaml_refusal("docker_hosts: x", "docker_hosts: no such key");
  expect_yaml_refusal("docker_pull: [never]", "docker_pull: neither a text nor a number");
  expect_yaml_refusal("limits: {memory_bytes: 1}", "limits.memory_bytes: not a number from 4194304");
  expect_yaml_refusal("limits: {memory: 1}", "limits.memory: no such limit");
  setenv("ASSAY_DOCKER_PULL_TIMEOUT_S", "soon", 1);
  expect_refusal(ARGUMENTS(NULL), "environment: docker_pull_timeout_s: \"soon\"");
  unsetenv("ASSAY_DOCKER_PULL_TIMEOUT_S");
}

static void an_entry_of_a_runtime_replaces_it_or_adds_to_it(void **state)
{
  (void)state;
  struct loaded *loaded = load_yaml_text("runtimes:\n"
                                         "  python: {image: 'python:3.12'}\n"
                                         "  c: {file: a.c, command: [sh, a.c]}\n"
                                         "  new: {file: a.n, command: [sh, a.n], image: team/new, aliases: [n]}\n");
  if (!loaded->good)
    fail_msg("%s", loaded->error.message);
  const struct runtime *python = runtimes_find(loaded->runtimes, "py"), *c = runtimes_find(loaded->runtimes, "c");
  assert_string_equal(python->image, "python:3.12");
  assert_string_equal(python->file, "main.py");
  assert_string_equal(python->command[1], "main.py");
  assert_null(c->compile); /* nothing of the one before is left */
  assert_null(c->image);
  assert_string_equal(runtimes_find(loaded->runtimes, "n")->image, "team/new");
  release(loaded);

  expect_yaml_refusal("%YAML 1.2\n---\nslots: 1\n", "directives of YAML are not taken");
  expect_yaml_refusal("slots: \"\xe1\"\n", "is not UTF-8");
  expect_yaml_refusal("runtimes: {cobol: {image: x}}", "runtimes.cobol: needs `file` (a name) and `command`");
  expect_yaml_refusal("runtimes: {py: {image: x}}", "runtimes.py: needs"); /* an alias is no name */
  expect_yaml_refusal("runtimes: {python: {image: 'a b'}}", "runtimes.python.image: ");
  expect_yaml_refusal("runtimes: {python: {image: 3}}", "runtimes.python: image: not a text");
  expect_yaml_refusal("runtimes: {python: {command: python}}", "runtimes.python: command: not a list of texts");
  expect_yaml_refusal("runtimes: {python: {img: x}}", "runtimes.python: img: no such key");
  expect_yaml_refusal("runtimes: {x: {file: ../x, command: [sh]}}", "runtimes.x.file: ");
  expect_yaml_refusal("runtimes: [python]", "runtimes: not a mapping");
  expect_yaml_refusal("runtimes: {python: 3}", "runtimes.python: ");
  expect_yaml_refusal("runtimes: {a-name-that-is-longer-than-any-row-can-hold: {file: x, command: [sh]}}",
                      "not a name of up to 31 bytes");
}

static void the_help_names_every_key(void **state)
{
  (void)state;
  CLEANUP_FREE char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  config_print_help(file);
  fclose(file);
#define X(kind, key, value, help) assert_non_null(strstr(text, help));
  OPTIONS(X)
#undef X
  assert_non_null(strstr(text, "--docker-pull-timeout-s SECONDS"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_has_a_default),
    cmocka_unit_test(a_file_with_nothing_but_comments_is_the_defaults),
    cmocka_unit_test(the_command_line_stands_above_the_environment_and_that_above_the_file),
    cmocka_unit_test(backends_are_an_ordered_set),
    cmocka_unit_test(processors_are_counted_in_thousandths),
    cmocka_unit_test(a_mistake_is_told_by_its_key),
    cmocka_unit_test(an_entry_of_a_runtime_replaces_it_or_adds_to_it),
    cmocka_unit_test(the_help_names_every_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
