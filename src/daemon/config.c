#include "daemon/config.h"

#include "base/memory.h"
#include "base/number.h"
#include "core/evaluation.h"
#include "wire/image_name.h"
#include "yaml/yaml.h"

#include <ctype.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_kind { OPTION_TEXT, OPTION_LIST, OPTION_NUMBER, OPTION_LARGE, OPTION_MILLI };

enum { NUMBER_MAX = 1000000 };
#define LARGE_MAX (UINT64_MAX / 1000) /* seconds that are counted in milliseconds */
enum { HELP_NAME_WIDTH = 28 };        /* a longer one stands on a line of its own */

static const struct option {
  const char *key;
  enum option_kind kind;
  size_t offset;
  const char *value, *help;
} options[] = {
#define X(kind, key, value, help) {#key, OPTION_##kind, offsetof(struct config, key), value, help},
  OPTIONS(X)
#undef X
};
enum { OPTION_COUNT = sizeof options / sizeof *options };

static const struct option *find_option(const char *key, size_t length)
{
  for (int i = 0; i < OPTION_COUNT; i++)
    if (strlen(options[i].key) == length && !strncmp(options[i].key, key, length))
      return &options[i];
  return 0;
}

static void clear_list(struct text_list *list)
{
  for (unsigned i = 0; i < list->count; i++)
    free(list->items[i]);
  *list = (struct text_list){0};
}

/* "1.25" is 1250: at most three digits behind the point, and more than nothing. */
static bool parse_milli(const char *text, uint64_t *ret)
{
  CLEANUP_FREE char *whole = xstrdup(text);
  uint64_t integer, fraction = 0;
  char *point = strchr(whole, '.');
  if (point) {
    char digits[4] = "000";
    size_t length = strlen(point + 1);
    if (length < 1 || length > 3)
      return false;
    memcpy(digits, point + 1, length);
    *point = 0;
    if (!parse_u64_text(digits, 999, &fraction))
      return false;
  }
  if (!parse_u64_text(whole, NUMBER_MAX, &integer) || !(integer || fraction))
    return false;
  *ret = integer * 1000 + fraction;
  return true;
}

/* Sets one option from text; a list is appended to. */
static bool set_option(struct config *config, const struct option *option, const char *text, struct error *error)
{
  void *field = (char *)config + option->offset;
  switch (option->kind) {
  case OPTION_TEXT:
    free(*(char **)field);
    *(char **)field = xstrdup(text);
    return true;
  case OPTION_NUMBER:
    if (!parse_u64_text(text, NUMBER_MAX, field))
      return error_set(error, ERROR_INVALID, 0, "%s: \"%s\" is not a whole number up to %d", option->key, text,
                       NUMBER_MAX);
    return true;
  case OPTION_LARGE:
    if (!parse_u64_text(text, LARGE_MAX, field))
      return error_set(error, ERROR_INVALID, 0, "%s: \"%s\" is not a whole number", option->key, text);
    return true;
  case OPTION_MILLI:
    if (!parse_milli(text, field))
      return error_set(error, ERROR_INVALID, 0, "%s: \"%s\" is not a number such as 2 or 0.5, from 0.001 to %d",
                       option->key, text, NUMBER_MAX);
    return true;
  case OPTION_LIST: {
    struct text_list *list = field;
    if (list->count == CONFIG_LIST_MAX)
      return error_set(error, ERROR_INVALID, 0, "%s: more than %d values", option->key, CONFIG_LIST_MAX);
    list->items[list->count++] = xstrdup(text);
    return true;
  }
  }
  return false;
}

static void clear_if_list(struct config *config, const struct option *option)
{
  if (option->kind == OPTION_LIST)
    clear_list((struct text_list *)(void *)((char *)config + option->offset));
}

static bool set_limits(struct limits *limits, const char *where, json_t *object, struct error *error)
{
  if (!json_is_object(object))
    return error_set(error, ERROR_INVALID, 0, "%s: not a mapping", where);
  const char *key;
  json_t *value;
  json_object_foreach (object, key, value) {
    enum limit_kind kind = limit_from_name(key);
    const struct limit_rule *rule = limit_rule(kind);
    if (kind == LIMIT_NONE)
      return error_set(error, ERROR_INVALID, 0, "%s.%s: no such limit", where, key);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < 0 || (uint64_t)number < rule->least || (uint64_t)number > rule->most)
      return error_set(error, ERROR_INVALID, 0, "%s.%s: not a number from %llu to %llu", where, key,
                       (unsigned long long)rule->least, (unsigned long long)rule->most);
    limit_set(limits, kind, (uint64_t)number);
  }
  return true;
}

/* A list of texts, NULL-terminated, whose items belong to `json`. NULL where it is not one. */
static const char **borrow_texts(json_t *json)
{
  if (!json_is_array(json) || json_array_size(json) == 0)
    return 0;
  const char **texts = xcalloc(json_array_size(json) + 1, sizeof *texts);
  size_t index;
  json_t *item;
  json_array_foreach (json, index, item) {
    texts[index] = json_string_value(item);
    if (!texts[index]) {
      free(texts);
      return 0;
    }
  }
  return texts;
}

/* The keys of one runtime, by the member that they fill. */
enum { RUNTIME_LISTS = 4, RUNTIME_TEXTS = 2 };
static const struct {
  const char *key;
  size_t offset;
} runtime_lists[RUNTIME_LISTS] =
  {
    {"aliases", offsetof(struct runtime, aliases)},
    {"compile", offsetof(struct runtime, compile)},
    {"command", offsetof(struct runtime, command)},
    {"version_command", offsetof(struct runtime, version_command)},
},
  runtime_texts[RUNTIME_TEXTS] = {
    {"file", offsetof(struct runtime, file)},
    {"image", offsetof(struct runtime, image)},
};

/* Sets one member of `runtime`; a list is also put into `owned`, to be freed by the caller. */
static bool set_runtime_key(struct runtime *runtime, const char **owned[static RUNTIME_LISTS], const char *key,
                            json_t *value, struct error *error)
{
  for (int i = 0; i < RUNTIME_LISTS; i++) {
    if (strcmp(key, runtime_lists[i].key) != 0)
      continue;
    owned[i] = borrow_texts(value);
    memcpy((char *)runtime + runtime_lists[i].offset, &owned[i], sizeof owned[i]);
    return owned[i] || error_set(error, ERROR_INVALID, 0, "%s: not a list of texts", key);
  }
  for (int i = 0; i < RUNTIME_TEXTS; i++) {
    const char *text = json_string_value(value);
    if (strcmp(key, runtime_texts[i].key) != 0)
      continue;
    memcpy((char *)runtime + runtime_texts[i].offset, &text, sizeof text);
    return text || error_set(error, ERROR_INVALID, 0, "%s: not a text", key);
  }
  return error_set(error, ERROR_INVALID, 0, "%s: no such key", key);
}

/* With neither a file nor a command of its own, an entry adds to the runtime of its name that is there already. */
static struct runtime begin_runtime(const struct runtimes *runtimes, const char *name, const json_t *object)
{
  const struct runtime *standing = runtimes_find(runtimes, name);
  bool adds = standing && !strcmp(standing->name, name) && !json_object_get(object, "file") &&
              !json_object_get(object, "command");
  struct runtime runtime = adds ? *standing : (struct runtime){0};
  runtime.name = name;
  return runtime;
}

static bool add_runtime(struct runtimes *runtimes, const char *name, json_t *object, struct error *error)
{
  if (!json_is_object(object) || !*name || strlen(name) >= RUNTIME_NAME_SIZE)
    return error_set(error, ERROR_INVALID, 0, "runtimes.%.40s: not a name of up to %d bytes with a mapping", name,
                     RUNTIME_NAME_SIZE - 1);
  struct runtime runtime = begin_runtime(runtimes, name, object);
  const char **owned[RUNTIME_LISTS] = {0};
  bool good = true;
  const char *key;
  json_t *value;
  json_object_foreach (object, key, value) {
    good = good && (set_runtime_key(&runtime, owned, key, value, error) || error_wrap(error, "runtimes.%s", name));
  }
  if (good && (!runtime.file || !runtime.command))
    good = error_set(error, ERROR_INVALID, 0, "runtimes.%s: needs `file` (a name) and `command` (a list)", name);
  if (good && !plan_path_valid(runtime.file))
    good =
      error_set(error, ERROR_INVALID, 0, "runtimes.%s.file: \"%.200s\" is not a relative path", name, runtime.file);
  if (good && runtime.image && !image_name_parse(runtime.image, 0, error))
    good = error_wrap(error, "runtimes.%s.image", name);
  if (good)
    runtimes_add(runtimes, &runtime);
  for (int i = 0; i < RUNTIME_LISTS; i++)
    free(owned[i]);
  return good;
}

static bool add_runtimes(struct runtimes *runtimes, json_t *object, struct error *error)
{
  if (!json_is_object(object))
    return error_set(error, ERROR_INVALID, 0, "runtimes: not a mapping");
  const char *name;
  json_t *value;
  json_object_foreach (object, name, value) {
    if (!add_runtime(runtimes, name, value, error))
      return false;
  }
  return true;
}

/* A scalar of the file as the text that the environment would hold. */
static bool set_from_json(struct config *config, const struct option *option, json_t *value, struct error *error)
{
  if (json_is_integer(value)) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    return set_option(config, option, text, error);
  }
  if (json_is_real(value)) {
    char text[32];
    snprintf(text, sizeof text, "%.15g", json_real_value(value));
    return set_option(config, option, text, error);
  }
  if (json_is_string(value))
    return set_option(config, option, json_string_value(value), error);
  return error_set(error, ERROR_INVALID, 0, "%s: neither a text nor a number", option->key);
}

static bool apply_file_key(struct config *config, struct runtimes *runtimes, const char *key, json_t *value,
                           struct error *error)
{
  if (!strcmp(key, "limits"))
    return set_limits(&config->limits_default, key, value, error);
  if (!strcmp(key, "limits_max"))
    return set_limits(&config->limits_max, key, value, error);
  if (!strcmp(key, "runtimes"))
    return add_runtimes(runtimes, value, error);
  const struct option *option = find_option(key, strlen(key));
  if (!option)
    return error_set(error, ERROR_INVALID, 0, "%s: no such key", key);
  if (option->kind != OPTION_LIST || !json_is_array(value))
    return set_from_json(config, option, value, error);
  size_t index;
  json_t *item;
  json_array_foreach (value, index, item) {
    if (!set_from_json(config, option, item, error))
      return false;
  }
  return true;
}

static bool apply_file(struct config *config, struct runtimes *runtimes, const char *path, struct error *error)
{
  json_t *json = yaml_load(path, error);
  if (!json)
    return false;
  bool good = json_is_object(json) || json_is_null(json);
  if (!good)
    error_set(error, ERROR_INVALID, 0, "not a mapping of keys to values");
  const char *key;
  json_t *value;
  json_object_foreach (json, key, value) {
    good = good && apply_file_key(config, runtimes, key, value, error);
  }
  json_decref(json);
  return good || error_wrap(error, "%s", path);
}

static bool apply_environment(struct config *config, struct error *error)
{
  for (int i = 0; i < OPTION_COUNT; i++) {
    char name[64] = "ASSAY_";
    for (size_t c = 0; options[i].key[c]; c++)
      name[6 + c] = (char)toupper((unsigned char)options[i].key[c]);
    const char *text = getenv(name);
    if (!text || !*text)
      continue;
    clear_if_list(config, &options[i]);
    CLEANUP_FREE char *copy = xstrdup(text);
    char *rest = copy, *item;
    if (options[i].kind != OPTION_LIST && !set_option(config, &options[i], text, error))
      return error_wrap(error, "environment");
    while (options[i].kind == OPTION_LIST && (item = strsep(&rest, ",")))
      if (!set_option(config, &options[i], item, error))
        return error_wrap(error, "environment");
  }
  return true;
}

/* One "--key=value" or "--key value"; moves `index` past what it took. `ret_value` is in argv. */
static const struct option *parse_argument(int argc, char **argv, int *index, const char **ret_value,
                                           struct error *error)
{
  const char *argument = argv[*index];
  char key[32] = {0};
  size_t length = strcspn(argument, "=");
  for (size_t i = 2; i < length && i - 2 < sizeof key - 1; i++)
    key[i - 2] = argument[i] == '-' ? '_' : argument[i];
  const struct option *option = strncmp(argument, "--", 2) ? 0 : find_option(key, strlen(key));
  if (!option) {
    error_set(error, ERROR_INVALID, 0, "unknown argument %s; see assayd --help", argument);
    return 0;
  }
  if (argument[length] == '=') {
    *ret_value = argument + length + 1;
  } else if (*index + 1 < argc) {
    *ret_value = argv[++*index];
  } else {
    error_set(error, ERROR_INVALID, 0, "%s needs a value (%s)", argument, option->value);
    return 0;
  }
  ++*index;
  return option;
}

static bool apply_arguments(struct config *config, int argc, char **argv, struct error *error)
{
  bool cleared[OPTION_COUNT] = {false};
  for (int i = 1; i < argc;) {
    if (!strcmp(argv[i], "--config") || !strncmp(argv[i], "--config=", 9)) {
      i += argv[i][8] ? 1 : 2;
      continue;
    }
    const char *value = 0;
    const struct option *option = parse_argument(argc, argv, &i, &value, error);
    if (!option)
      return false;
    if (!cleared[option - options])
      clear_if_list(config, option);
    cleared[option - options] = true;
    if (!set_option(config, option, value, error))
      return false;
  }
  return true;
}

static const char *config_path(int argc, char **argv)
{
  const char *path = getenv("ASSAY_CONFIG");
  for (int i = 1; i < argc; i++) {
    if (!strncmp(argv[i], "--config=", 9))
      path = argv[i] + 9;
    else if (!strcmp(argv[i], "--config") && i + 1 < argc)
      path = argv[i + 1];
  }
  return path;
}

static char *default_state_dir(void)
{
  if (geteuid() == 0)
    return xstrdup("/var/lib/assay");
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  if (state && *state == '/')
    return xasprintf("%s/assay", state);
  return home && *home == '/' ? xasprintf("%s/.local/state/assay", home) : 0;
}

/* "dir/assayd" → beside it in an installation (../libexec/assay), in the build tree (../keeper), or right there. */
static char *default_keeper(void)
{
  char self[4096];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length <= 0)
    return 0;
  self[length] = 0;
  *strrchr(self, '/') = 0;
  static const char *const places[] = {"../libexec/assay/assay-keeper", "../keeper/assay-keeper", "assay-keeper"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    CLEANUP_FREE char *path = xasprintf("%s/%s", self, places[i]);
    if (access(path, X_OK) == 0)
      return TAKE_PTR(path);
  }
  return 0;
}

static bool one_of(const char *key, const char *text, const char *choices, struct error *error)
{
  size_t length = strlen(text);
  for (const char *choice = choices; *choice; choice += strcspn(choice, "|"), choice += *choice == '|')
    if (strcspn(choice, "|") == length && !strncmp(choice, text, length))
      return true;
  return error_set(error, ERROR_INVALID, 0, "%s: \"%s\" is not one of %s", key, text, choices);
}

/* The daemon's parts each have their own idea of a working directory: a path means what it meant to who wrote it. */
static void make_absolute(char **path)
{
  if (**path == '/')
    return;
  CLEANUP_FREE char *directory = getcwd(NULL, 0);
  char *absolute = xasprintf("%s/%s", directory ? directory : "", *path);
  free(*path);
  *path = absolute;
}

enum backend_kind config_backend_kind(const char *name)
{
  static const char *const names[] = {
#define X(kind, takes_images) [BACKEND_##kind] = #kind,
    BACKENDS(X)
#undef X
  };
  enum backend_kind kind = 0;
  while (kind < BACKEND_COUNT && strcmp(names[kind], name) != 0)
    kind++;
  return kind;
}

static bool check_backends(const struct config *config, struct error *error)
{
  static const char names[] = ""
#define X(kind, takes_images) " " #kind
    BACKENDS(X)
#undef X
    ;
  unsigned seen = 0;
  for (unsigned i = 0; i < config->backend.count; i++) {
    const char *name = config->backend.items[i];
    enum backend_kind kind = config_backend_kind(name);
    if (kind == BACKEND_COUNT)
      return error_set(error, ERROR_INVALID, 0, "backend: \"%s\" is not one of:%s", name, names);
    if (seen & 1u << kind)
      return error_set(error, ERROR_INVALID, 0, "backend: %s is there twice", name);
    seen |= 1u << kind;
  }
  return true;
}

static void set_default(char **text, const char *standard)
{
  if (!*text)
    *text = xstrdup(standard);
}

/* The keys of the Docker backend, which are checked whether or not it is configured: a mistake is one in any case. */
static bool fill_docker(struct config *config, struct error *error)
{
  set_default(&config->docker_pull, "missing");
  set_default(&config->docker_evidence, "auto");
  if (!config->docker_slots)
    config->docker_slots = config->slots;
  if (!config->docker_pull_timeout_s)
    config->docker_pull_timeout_s = 600;
  if (config->docker_slots > CONFIG_SLOTS_MAX)
    return error_set(error, ERROR_INVALID, 0, "docker_slots: more than %d", CONFIG_SLOTS_MAX);
  if (config->docker_pull_timeout_s > CONFIG_PULL_SECONDS_MAX)
    return error_set(error, ERROR_INVALID, 0, "docker_pull_timeout_s: more than %d", CONFIG_PULL_SECONDS_MAX);
  if (config->docker_image && !image_name_parse(config->docker_image, 0, error))
    return error_wrap(error, "docker_image");
  if (config->docker_tls_dir)
    make_absolute(&config->docker_tls_dir);
  return one_of("docker_pull", config->docker_pull, "never|missing", error) &&
         one_of("docker_evidence", config->docker_evidence, "auto|bind|volume", error);
}

/* And those of Kubernetes. */
static bool fill_kubernetes(struct config *config, struct error *error)
{
  set_default(&config->kubernetes_pull, "missing");
  if (!config->kubernetes_slots)
    config->kubernetes_slots = config->slots;
  if (!config->kubernetes_pull_timeout_s)
    config->kubernetes_pull_timeout_s = 300;
  if (!config->kubernetes_schedule_timeout_s)
    config->kubernetes_schedule_timeout_s = 3000;
  if (!config->kubernetes_calls_per_s)
    config->kubernetes_calls_per_s = 100;
  if (config->kubernetes_slots > CONFIG_SLOTS_MAX)
    return error_set(error, ERROR_INVALID, 0, "kubernetes_slots: more than %d", CONFIG_SLOTS_MAX);
  if (config->kubernetes_pull_timeout_s > CONFIG_PULL_SECONDS_MAX)
    return error_set(error, ERROR_INVALID, 0, "kubernetes_pull_timeout_s: more than %d", CONFIG_PULL_SECONDS_MAX);
  if (config->kubernetes_schedule_timeout_s > CONFIG_PULL_SECONDS_MAX)
    return error_set(error, ERROR_INVALID, 0, "kubernetes_schedule_timeout_s: more than %d", CONFIG_PULL_SECONDS_MAX);
  if (config->kubernetes_calls_per_s > CONFIG_CALLS_PER_S_MAX)
    return error_set(error, ERROR_INVALID, 0, "kubernetes_calls_per_s: more than %d", CONFIG_CALLS_PER_S_MAX);
  if (config->kubernetes_image && !image_name_parse(config->kubernetes_image, 0, error))
    return error_wrap(error, "kubernetes_image");
  if (config->kubernetes_keeper_image && !image_name_parse(config->kubernetes_keeper_image, 0, error))
    return error_wrap(error, "kubernetes_keeper_image");
  if (config_lists(&config->backend, "kubernetes") && !config->kubernetes_keeper_image)
    return error_set(error, ERROR_INVALID, 0, "kubernetes_keeper_image: needed for the backend kubernetes");
  if (config->kubernetes_config)
    make_absolute(&config->kubernetes_config);
  return one_of("kubernetes_pull", config->kubernetes_pull, "never|missing|always", error);
}

bool config_lists(const struct text_list *list, const char *text)
{
  for (unsigned i = 0; i < list->count; i++)
    if (!strcmp(list->items[i], text))
      return true;
  return false;
}

static bool check_compat(const struct config *config, struct error *error)
{
  const struct text_list *list = &config->compat;
  for (unsigned i = 0; i < list->count; i++)
    if (!one_of("compat", list->items[i], "crucible|none", error))
      return false;
  if (list->count > 1 && config_lists(list, "none"))
    return error_set(error, ERROR_INVALID, 0, "compat: \"none\" stands beside others");
  return true;
}

/* "0660": who may connect is who may write. */
static bool parse_mode(const char *text, unsigned *ret)
{
  char *end;
  unsigned long mode = strtoul(text, &end, 8);
  *ret = (unsigned)mode;
  return isdigit((unsigned char)*text) && !*end && mode <= 0777;
}

unsigned config_socket_mode(const struct config *config)
{
  unsigned mode = 0;
  ASSERT(parse_mode(config->socket_mode, &mode));
  return mode;
}

/* Who may ask. */
static bool fill_access(struct config *config, struct error *error)
{
  unsigned mode;
  set_default(&config->auth, "auto");
  set_default(&config->socket_mode, "0600");
  if (!parse_mode(config->socket_mode, &mode))
    return error_set(error, ERROR_INVALID, 0, "socket_mode: \"%s\" is not a mode such as 0660", config->socket_mode);
  for (unsigned i = 0; i < config->origin.count; i++) {
    const char *origin = config->origin.items[i], *authority = strstr(origin, "://");
    if (!authority || !authority[3] || strchr(authority + 3, '/'))
      return error_set(error, ERROR_INVALID, 0,
                       "origin: \"%s\" is not a scheme and host such as https://assay.example.org", origin);
  }
  if (!config->tls_cert != !config->tls_key)
    return error_set(error, ERROR_INVALID, 0, "tls_cert and tls_key: one is nothing without the other");
  if (config->tls_cert) {
    make_absolute(&config->tls_cert);
    make_absolute(&config->tls_key);
  }
  return one_of("auth", config->auth, "auto|required", error);
}

enum { WEBHOOK_TIMEOUT_SECONDS_MAX = 300 };

static bool fill_webhooks(struct config *config, struct error *error)
{
  set_default(&config->webhook_allow_private, "no");
  if (!config->webhook_timeout_s)
    config->webhook_timeout_s = 10;
  if (!config->webhook_retry_ms)
    config->webhook_retry_ms = 5000;
  if (config->webhook_timeout_s > WEBHOOK_TIMEOUT_SECONDS_MAX)
    return error_set(error, ERROR_INVALID, 0, "webhook_timeout_s: more than %d", WEBHOOK_TIMEOUT_SECONDS_MAX);
  if (config->webhook_secret_file)
    make_absolute(&config->webhook_secret_file);
  return one_of("webhook_allow_private", config->webhook_allow_private, "yes|no", error);
}

static bool fill_defaults(struct config *config, struct error *error)
{
  if (!config->state_dir && !(config->state_dir = default_state_dir()))
    return error_set(error, ERROR_INVALID, 0, "state_dir: no HOME to derive it from; give --state-dir");
  if (!config->backend.count)
    config->backend.items[config->backend.count++] = xstrdup("native");
  if (!config->compat.count)
    config->compat.items[config->compat.count++] = xstrdup("crucible");
  if (!config->slots)
    config->slots = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
  if (config->slots > CONFIG_SLOTS_MAX)
    return error_set(error, ERROR_INVALID, 0, "slots: more than %d", CONFIG_SLOTS_MAX);
  set_default(&config->isolation, "auto");
  set_default(&config->log_format, "text");
  set_default(&config->log_level, "info");
  if (!config->keeper && !(config->keeper = default_keeper()))
    return error_set(error, ERROR_INVALID, 0, "keeper: assay-keeper is not beside assayd; give --keeper PATH");
  make_absolute(&config->state_dir);
  make_absolute(&config->keeper);
  return check_backends(config, error) && check_compat(config, error) && fill_docker(config, error) &&
         fill_kubernetes(config, error) && fill_access(config, error) && fill_webhooks(config, error) &&
         one_of("isolation", config->isolation, "auto|strict", error) &&
         one_of("log_format", config->log_format, "text|json", error) &&
         one_of("log_level", config->log_level, "debug|info|warning|error", error);
}

bool config_load(struct config *config, struct runtimes *runtimes, int argc, char **argv, struct error *error)
{
  config->limits_default = limits_default();
  config->limits_max = limits_most();
  const char *path = config_path(argc, argv);
  if (path && !apply_file(config, runtimes, path, error))
    return false;
  if (!apply_environment(config, error) || !apply_arguments(config, argc, argv, error) || !fill_defaults(config, error))
    return false;
  /* A default above the operator's most would refuse every submission that leaves the limit out. */
  limits_lower(&config->limits_default, &config->limits_max);
  return true;
}

void config_release(struct config *config)
{
  for (int i = 0; i < OPTION_COUNT; i++) {
    clear_if_list(config, &options[i]);
    if (options[i].kind == OPTION_TEXT)
      free(*(char **)(void *)((char *)config + options[i].offset));
  }
}

void config_print_help(FILE *out)
{
  fputs("usage: assayd [--config FILE.yaml] [OPTION VALUE]…\n\n"
        "Runs untrusted programs in sandboxes and gives each one true, durable verdict.\n\n"
        "Each option is also a key of the YAML file (state_dir) and a variable (ASSAY_STATE_DIR).\n\n",
        out);
  for (int i = 0; i < OPTION_COUNT; i++) {
    char name[64];
    snprintf(name, sizeof name, "--%s %s", options[i].key, options[i].value);
    for (char *c = name; *c && *c != ' '; c++)
      *c = *c == '_' ? '-' : *c;
    if (strlen(name) > HELP_NAME_WIDTH)
      fprintf(out, "  %s\n  %*s  %s\n", name, HELP_NAME_WIDTH, "", options[i].help);
    else
      fprintf(out, "  %-*s  %s\n", HELP_NAME_WIDTH, name, options[i].help);
  }
  fputs("  --help, --version\n\nSignals: SIGTERM and SIGINT stop it; what runs is finished by its keeper and collected "
        "at the next "
        "start.\n",
        out);
}
