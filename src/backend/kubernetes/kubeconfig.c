#include "backend/kubernetes/kubeconfig.h"

#include "base/base64.h"
#include "base/fd.h"
#include "yaml/yaml.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 1024 * 1024, NAMESPACE_BYTES_MAX = 253 };
enum { PLUGIN_TEXTS_MAX = 100, PLUGIN_TEXT_BYTES_MAX = 16 * 1024 }; /* arguments and variables */

static const char *real_variable(const char *name)
{
  return getenv(name);
}

const struct kubeconfig_world kubeconfig_real_world = {real_variable, ACCOUNT_DIRECTORY};

static void free_texts(char **texts)
{
  for (char **text = texts; text && *text; text++)
    free(*text);
  free(texts);
}

static void free_plugin(struct kubeconfig_plugin *plugin)
{
  if (!plugin)
    return;
  free_texts(plugin->command);
  free_texts(plugin->variables);
  free(plugin->name);
  free(plugin->api_version);
  free(plugin->hint);
  json_decref(plugin->about);
  free(plugin);
}

void kubeconfig_release(struct kubeconfig *config)
{
  if (config->token)
    explicit_bzero(config->token, strlen(config->token));
  char **const texts[] = {&config->server,    &config->found_by, &config->namespace_, &config->ca_path,
                          &config->cert_path, &config->key_path, &config->token,      &config->token_path};
  struct blob **const blobs[] = {&config->ca_pem, &config->cert_pem, &config->key_pem};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    free(TAKE_PTR(*texts[i]));
  for (size_t i = 0; i < sizeof blobs / sizeof *blobs; i++)
    blob_unref(TAKE_PTR(*blobs[i]));
  free_plugin(TAKE_PTR(config->plugin));
}

/* The file. */

struct reader {
  const char *path;
  struct error *error;
};

static bool fault(const struct reader *reader, const char *what)
{
  return error_set(reader->error, ERROR_INVALID, 0, "%s: %s", reader->path, what);
}

/* In a list such as those of clusters, users, contexts: what has this name, the first of them. NULL: nothing has. */
static const json_t *find_named(const json_t *object, const char *list, const char *name, const char *member)
{
  const json_t *entries = json_object_get(object, list);
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i);
    const char *text = json_string_value(json_object_get(entry, "name"));
    if (text && !strcmp(text, name))
      return json_object_get(entry, member);
  }
  return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));
  return text && *text ? text : 0;
}

/* Relative ones are meant from the file's directory. */
static char *resolve(const struct reader *reader, const char *path)
{
  const char *slash = strrchr(reader->path, '/');
  if (!path || *path == '/' || !slash)
    return xstrdup(path);
  return xasprintf("%.*s/%s", (int)(slash - reader->path), reader->path, path);
}

static char *path_of(const struct reader *reader, const json_t *object, const char *key)
{
  return resolve(reader, text_of(object, key));
}

/* `key` is a path, and `data_key`, which takes its place, base64 of the same. */
static bool read_pem(const struct reader *reader, const json_t *object, const char *key, const char *data_key,
                     char **ret_path, struct blob **ret_pem)
{
  const char *data = text_of(object, data_key);
  if (!data) {
    *ret_path = path_of(reader, object, key);
    return true;
  }
  CLEANUP_BUFFER struct buffer bytes = {0};
  if (strlen(data) > PEM_BYTES_MAX || !base64_decode(data, strlen(data), &bytes))
    return error_set(reader->error, ERROR_INVALID, 0, "%s: %s is not base64", reader->path, data_key);
  *ret_pem = blob_create(bytes.data, bytes.size);
  return true;
}

static bool read_cluster(const struct reader *reader, const json_t *cluster, struct kubeconfig *config)
{
  const char *server = text_of(cluster, "server");
  if (!server)
    return fault(reader, "the cluster has no `server`");
  if (text_of(cluster, "proxy-url") || text_of(cluster, "tls-server-name"))
    return fault(reader, "`proxy-url` and `tls-server-name` are not supported");
  config->server = xstrdup(server);
  size_t length = strlen(server);
  if (length && server[length - 1] == '/')
    config->server[length - 1] = 0;
  config->insecure = json_is_true(json_object_get(cluster, "insecure-skip-tls-verify"));
  return read_pem(reader, cluster, "certificate-authority", "certificate-authority-data", &config->ca_path,
                  &config->ca_pem);
}

/* A user's program that prints a token. */

static bool plugin_fault(const struct reader *reader, const char *field, const char *what)
{
  return error_set(reader->error, ERROR_INVALID, 0, "%s: the user's `exec.%s` %s", reader->path, field, what);
}

/* Puts the entries of a list, each of which is `what`, into `ret`, where there is room for PLUGIN_TEXTS_MAX. */
static bool read_texts(const struct reader *reader, const json_t *exec, const char *field, const char *what,
                       char *(*read)(const json_t *entry), char **ret)
{
  const json_t *list = json_object_get(exec, field);
  if (list && !json_is_null(list) && !json_is_array(list))
    return plugin_fault(reader, field, "is not a list");
  if (json_array_size(list) > PLUGIN_TEXTS_MAX)
    return error_set(reader->error, ERROR_INVALID, 0, "%s: the user's `exec.%s` has more than %d entries", reader->path,
                     field, PLUGIN_TEXTS_MAX);
  for (size_t i = 0; i < json_array_size(list); i++) {
    ret[i] = read(json_array_get(list, i));
    if (!ret[i])
      return error_set(reader->error, ERROR_INVALID, 0,
                       "%s: the user's `exec.%s[%zu]` is not %s, or longer than %d bytes", reader->path, field, i, what,
                       PLUGIN_TEXT_BYTES_MAX);
  }
  return true;
}

/* NULL: it is not one that a program can be given. */
static const char *read_argument(const json_t *entry)
{
  const char *text = json_string_value(entry);
  return text && json_string_length(entry) <= PLUGIN_TEXT_BYTES_MAX ? text : 0;
}

static char *copy_argument(const json_t *entry)
{
  return xstrdup(read_argument(entry));
}

static char *make_variable(const json_t *entry)
{
  const json_t *member = json_object_get(entry, "value");
  const char *name = text_of(entry, "name"), *value = !member || json_is_null(member) ? "" : read_argument(member);
  bool good = name && value && !strchr(name, '=') && strlen(name) <= PLUGIN_TEXT_BYTES_MAX;
  return good ? xasprintf("%s=%s", name, value) : 0;
}

static bool check_plugin(const struct reader *reader, const json_t *exec)
{
  static const char *const versions[] = {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"};
  const char *version = text_of(exec, "apiVersion"), *mode = text_of(exec, "interactiveMode");
  if (!text_of(exec, "command") || !read_argument(json_object_get(exec, "command")))
    return plugin_fault(reader, "command", "names no program");
  if (!version || (strcmp(version, versions[0]) != 0 && strcmp(version, versions[1]) != 0))
    return error_set(reader->error, ERROR_INVALID, 0,
                     "%s: the user's `exec.apiVersion` is \"%.60s\"; supported are %s and v1beta1", reader->path,
                     version ? version : "", versions[0]);
  if (mode && !strcmp(mode, "Always"))
    return plugin_fault(reader, "interactiveMode", "is \"Always\", and here is no terminal");
  if (mode && strcmp(mode, "Never") != 0 && strcmp(mode, "IfAvailable") != 0)
    return plugin_fault(reader, "interactiveMode", "is neither \"Never\" nor \"IfAvailable\"");
  return true;
}

static bool read_plugin(const struct reader *reader, const json_t *exec, const json_t *cluster,
                        struct kubeconfig_plugin *plugin)
{
  if (!check_plugin(reader, exec))
    return false;
  const char *name = text_of(exec, "command");
  plugin->name = xstrdup(name);
  plugin->api_version = xstrdup(text_of(exec, "apiVersion"));
  plugin->hint = xstrdup(text_of(exec, "installHint"));
  plugin->command = xcalloc(1 + PLUGIN_TEXTS_MAX + 1, sizeof *plugin->command);
  plugin->variables = xcalloc(PLUGIN_TEXTS_MAX + 1, sizeof *plugin->variables);
  plugin->command[0] = strchr(name, '/') ? resolve(reader, name) : xstrdup(name);
  plugin->asks_cluster = json_is_true(json_object_get(exec, "provideClusterInfo"));
  /* As client-go has it, in its `ExecCredential` type: the extension of this name is for the plugin. */
  plugin->about =
    json_incref((json_t *)find_named(cluster, "extensions", "client.authentication.k8s.io/exec", "extension"));
  return read_texts(reader, exec, "args", "a text", copy_argument, plugin->command + 1) &&
         read_texts(reader, exec, "env", "a name and a text as its value", make_variable, plugin->variables);
}

static bool read_user(const struct reader *reader, const json_t *user, const json_t *cluster, struct kubeconfig *config)
{
  if (json_object_get(user, "auth-provider"))
    return fault(reader, "users with `auth-provider` are not supported; use `exec`, a token or a certificate");
  if (text_of(user, "username"))
    return fault(reader, "users with a password are not supported; use a token or a certificate");
  config->token = xstrdup(text_of(user, "token"));
  config->token_path = config->token ? 0 : path_of(reader, user, "tokenFile");
  if (!read_pem(reader, user, "client-certificate", "client-certificate-data", &config->cert_path, &config->cert_pem) ||
      !read_pem(reader, user, "client-key", "client-key-data", &config->key_path, &config->key_pem))
    return false;
  bool cert = config->cert_path || config->cert_pem, key = config->key_path || config->key_pem;
  if (cert != key)
    return fault(reader, "client certificate and key: one is nothing without the other");
  const json_t *exec = json_object_get(user, "exec");
  const bool counts_more = config->token || config->token_path || cert; /* than `exec`: client-go's rule */
  if (!exec || json_is_null(exec) || counts_more)
    return true;
  config->plugin = xcalloc(1, sizeof *config->plugin);
  return read_plugin(reader, exec, cluster, config->plugin);
}

static bool read_config(const struct reader *reader, const json_t *file, const char *name, struct kubeconfig *config)
{
  name = name ? name : text_of(file, "current-context");
  if (!json_is_object(file))
    return fault(reader, "not a mapping");
  if (!name)
    return fault(reader, "no `current-context`; name a context");
  const json_t *context = find_named(file, "contexts", name, "context");
  const char *cluster_name = text_of(context, "cluster"), *user_name = text_of(context, "user");
  const json_t *cluster = cluster_name ? find_named(file, "clusters", cluster_name, "cluster") : 0;
  const json_t *user = user_name ? find_named(file, "users", user_name, "user") : 0;
  if (!context || !cluster || (user_name && !user))
    return error_set(reader->error, ERROR_INVALID, 0,
                     "%s: the context \"%.100s\" is not there, or its cluster or user is not", reader->path, name);
  const char *namespace_ = text_of(context, "namespace");
  config->namespace_ = xstrdup(namespace_ ? namespace_ : "default");
  config->found_by = xasprintf("context %s of %s", name, reader->path);
  return read_cluster(reader, cluster, config) && read_user(reader, user, cluster, config);
}

bool kubeconfig_decode(const json_t *file, const char *path, const char *context, struct kubeconfig *ret,
                       struct error *error)
{
  struct kubeconfig config = {0};
  if (!read_config(&(struct reader){path, error}, file, context, &config)) {
    kubeconfig_release(&config);
    return false;
  }
  *ret = config;
  return true;
}

static bool load_config(const char *path, const char *context, struct kubeconfig *ret, struct error *error)
{
  json_t *file = yaml_load(path, error);
  bool good = file && kubeconfig_decode(file, path, context, ret, error);
  json_decref(file);
  return good;
}

/* The service account. */

static char *read_word(const char *path, size_t size_max, struct error *error)
{
  CLEANUP_BLOB struct blob *text = file_read(AT_FDCWD, path, size_max, error);
  if (!text)
    return 0;
  size_t size = text->size;
  while (size && strchr(" \r\n", (char)text->data[size - 1]))
    size--;
  for (size_t i = 0; i < size; i++)
    if (text->data[i] <= ' ' || text->data[i] >= 0x7f)
      size = 0;
  if (!size) {
    error_set(error, ERROR_INVALID, 0, "%s: not one word of printable characters", path);
    return 0;
  }
  char *word = xstrndup((const char *)text->data, size);
  explicit_bzero(text->data, text->size);
  return word;
}

static bool use_account(const struct kubeconfig_world *world, const char *host, const char *port,
                        struct kubeconfig *ret, struct error *error)
{
  CLEANUP_FREE char *namespace_path = xasprintf("%s/namespace", world->account_directory);
  CLEANUP_FREE char *namespace_ = read_word(namespace_path, NAMESPACE_BYTES_MAX + 1, error);
  if (!namespace_)
    return false;
  bool brackets = strchr(host, ':') != 0; /* IPv6 */
  *ret = (struct kubeconfig){
    .server = xasprintf("https://%s%s%s:%s", brackets ? "[" : "", host, brackets ? "]" : "", port),
    .found_by = xasprintf("the service account in %s", world->account_directory),
    .namespace_ = TAKE_PTR(namespace_),
    .ca_path = xasprintf("%s/ca.crt", world->account_directory),
    .token_path = xasprintf("%s/token", world->account_directory),
  };
  return true;
}

bool kubeconfig_find(const struct kubeconfig_world *world, const char *config_path, const char *context,
                     struct kubeconfig *ret, struct error *error)
{
  const char *path = config_path ? config_path : world->variable("KUBECONFIG");
  const char *host = world->variable("KUBERNETES_SERVICE_HOST"), *port = world->variable("KUBERNETES_SERVICE_PORT");
  const char *home = world->variable("HOME");
  if (path && *path)
    return load_config(path, context, ret, error);
  if (host && port && !context)
    return use_account(world, host, port, ret, error);
  CLEANUP_FREE char *standard = home ? xasprintf("%s/.kube/config", home) : 0;
  if (standard && access(standard, F_OK) == 0)
    return load_config(standard, context, ret, error);
  return error_set(error, ERROR_INVALID, 0,
                   "no cluster is configured: give a kubeconfig, or run in a pod with a service account");
}

char *kubeconfig_read_token(const struct kubeconfig *config, struct error *error)
{
  return read_word(config->token_path, KUBECONFIG_TOKEN_BYTES_MAX, error);
}
