#include "backend/docker/endpoint.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/number.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CONFIG_BYTES_MAX MIB(1)
enum { CONTEXTS_MAX = 1000, ADDRESS_BYTES_MAX = 1024 };
#define DEFAULT_SOCKET "/var/run/docker.sock"

static const char *real_environment(void *context, const char *name)
{
  (void)context;
  return getenv(name);
}

static bool real_exists(void *context, const char *path)
{
  (void)context;
  return access(path, F_OK) == 0;
}

const struct endpoint_world endpoint_real_world = {.environment = real_environment, .exists = real_exists};

/* As Docker does, what is set and empty is not set. */
static const char *variable(const struct endpoint_world *world, const char *name)
{
  const char *value = world->environment(world->context, name);
  return value && *value ? value : 0;
}

static bool exists(const struct endpoint_world *world, const char *path)
{
  return world->exists(world->context, path);
}

static void cleanup_json(json_t **json)
{
  json_decref(*json);
}
#define CLEANUP_JSON __attribute__((cleanup(cleanup_json)))

/* TLS, as it was told of beside the address. */
struct tls {
  const char *directory; /* with the PEM files; NULL: none */
  bool insecure;
};

static char *pem(const struct endpoint_world *world, const char *directory, const char *name)
{
  char *path = xasprintf("%s/%s", directory, name);
  if (exists(world, path))
    return path;
  free(path);
  return 0;
}

static bool use_tls(const struct endpoint_world *world, const struct tls *tls, struct endpoint *endpoint,
                    struct error *error)
{
  endpoint->http.insecure = tls->insecure;
  if (!tls->directory)
    return true;
  endpoint->ca_path = pem(world, tls->directory, "ca.pem");
  endpoint->cert_path = pem(world, tls->directory, "cert.pem");
  endpoint->key_path = pem(world, tls->directory, "key.pem");
  if (!endpoint->ca_path && !endpoint->cert_path && !endpoint->key_path)
    return error_set(error, ERROR_INVALID, ENOENT, "%s has neither ca.pem nor cert.pem nor key.pem", tls->directory);
  if (!endpoint->cert_path != !endpoint->key_path)
    return error_set(error, ERROR_INVALID, ENOENT, "%s has only one of cert.pem and key.pem", tls->directory);
  return true;
}

static bool host_valid(const char *host, size_t size)
{
  const bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';
  for (size_t i = bracketed; i < size - bracketed; i++)
    if (bracketed ? !isxdigit((unsigned char)host[i]) && !strchr(":.", host[i])
                  : !isalnum((unsigned char)host[i]) && !strchr(".-_", host[i]))
      return false;
  return size > 0;
}

/* "HOST" or "HOST:PORT", perhaps with a last '/', as URL with that scheme. NULL where it is something else. */
static char *make_url(const char *scheme, const char *authority, unsigned default_port)
{
  size_t size = strlen(authority);
  if (size && authority[size - 1] == '/')
    size--;
  size_t host_size = size;
  while (host_size && isdigit((unsigned char)authority[host_size - 1]))
    host_size--;
  uint64_t port = default_port;
  if (host_size && host_size < size && authority[host_size - 1] == ':') {
    if (!parse_u64(authority + host_size, size - host_size, UINT16_MAX, &port) || port == 0)
      return 0;
    host_size--;
  } else {
    host_size = size;
  }
  if (!host_valid(authority, host_size))
    return 0;
  return port ? xasprintf("%s://%.*s:%u", scheme, (int)host_size, authority, (unsigned)port)
              : xasprintf("%s://%.*s", scheme, (int)host_size, authority);
}

static bool use_tcp(const struct endpoint_world *world, const char *authority, bool secure, unsigned default_port,
                    const struct tls *tls, struct endpoint *endpoint, struct error *error)
{
  endpoint->url = make_url(secure ? "https" : "http", authority, default_port);
  if (!endpoint->url)
    return error_set(error, ERROR_INVALID, 0, "an engine's address over TCP is tcp://HOST:PORT");
  return !secure || use_tls(world, tls, endpoint, error);
}

static bool use_unix(const char *path, struct endpoint *endpoint, struct error *error)
{
  if (path[0] != '/')
    return error_set(error, ERROR_INVALID, 0, "the path of a Unix socket is absolute: unix:///PATH");
  if (strlen(path) >= sizeof((struct sockaddr_un){0}).sun_path)
    return error_set(error, ERROR_INVALID, 0, "the path of a Unix socket is shorter than %zu bytes",
                     sizeof((struct sockaddr_un){0}).sun_path);
  endpoint->unix_path = xstrdup(path);
  endpoint->url = xstrdup("http://localhost");
  return true;
}

/* What follows `prefix`, or NULL. */
static const char *after(const char *text, const char *prefix)
{
  const size_t size = strlen(prefix);
  return strncmp(text, prefix, size) == 0 ? text + size : 0;
}

static bool use_address(const struct endpoint_world *world, const char *address, const struct tls *tls,
                        struct endpoint *endpoint, struct error *error)
{
  const bool tls_wanted = tls->directory || tls->insecure;
  const char *rest;
  if (strlen(address) > ADDRESS_BYTES_MAX)
    return error_set(error, ERROR_INVALID, 0, "an engine's address has at most %d bytes", ADDRESS_BYTES_MAX);
  endpoint->address = xstrdup(address);
  if ((rest = after(address, "unix://")))
    return use_unix(rest, endpoint, error);
  if ((rest = after(address, "tcp://")))
    return use_tcp(world, rest, tls_wanted, tls_wanted ? 2376 : 2375, tls, endpoint, error);
  if ((rest = after(address, "http://")))
    return use_tcp(world, rest, tls_wanted, 0, tls, endpoint, error);
  if ((rest = after(address, "https://")))
    return use_tcp(world, rest, true, 0, tls, endpoint, error);
  if (after(address, "ssh://"))
    return error_set(error, ERROR_INVALID, 0,
                     "an engine cannot be reached through ssh:// here; forward its socket (ssh -N -L "
                     "/run/docker-there.sock:/var/run/docker.sock HOST) and name that with unix://");
  if (after(address, "npipe://"))
    return error_set(error, ERROR_INVALID, 0, "npipe:// is for Windows; unix:// and tcp:// work here");
  return error_set(error, ERROR_INVALID, 0, "not an engine's address: unix:///PATH and tcp://HOST:PORT are");
}

/* Where Docker's command line keeps its settings. NULL: nowhere. The caller frees. */
static char *config_directory(const struct endpoint_world *world)
{
  const char *directory = variable(world, "DOCKER_CONFIG"), *home = variable(world, "HOME");
  if (directory)
    return xstrdup(directory);
  return home ? xasprintf("%s/.docker", home) : 0;
}

/* An object. NULL with `*ret_absent` where there is no such file, or none for us; else with an error. */
static json_t *read_object(const char *path, bool *ret_absent, struct error *error)
{
  *ret_absent = false;
  CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    *ret_absent = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    return error_errno(error, "cannot open %s", path), NULL;
  }
  CLEANUP_BLOB struct blob *text = fd_read_file(fd, CONFIG_BYTES_MAX, error);
  if (!text)
    return error_wrap(error, "cannot read %s", path), NULL;
  json_error_t problem;
  json_t *object = json_loadb((const char *)text->data, text->size, 0, &problem);
  if (json_is_object(object))
    return object;
  json_decref(object);
  return error_set(error, ERROR_INVALID, 0, "%s is not a JSON object", path), NULL;
}

/* The context that config.json names; NULL for none, and with `*ret_failed` for an error. The caller frees. */
static char *current_context(const char *directory, bool *ret_failed, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/config.json", directory);
  bool absent;
  CLEANUP_JSON json_t *config = read_object(path, &absent, error);
  *ret_failed = !config && !absent;
  const char *name = json_string_value(json_object_get(config, "currentContext"));
  return name && *name ? xstrdup(name) : 0;
}

/* The context of that name, by its entry among all; NULL: it is another one, or broken, which is the same. */
static json_t *context_named(const char *directory, const char *entry, const char *name)
{
  CLEANUP_FREE char *path = xasprintf("%s/contexts/meta/%s/meta.json", directory, entry);
  bool absent;
  json_t *context = read_object(path, &absent, 0);
  const char *named = json_string_value(json_object_get(context, "Name"));
  if (named && strcmp(named, name) == 0)
    return context;
  json_decref(context);
  return 0;
}

/* The entry's name is the SHA-256 of the context's, but every entry tells its name. The caller frees `*ret_entry`. */
static json_t *find_context(const char *directory, const char *name, char **ret_entry)
{
  CLEANUP_FREE char *path = xasprintf("%s/contexts/meta", directory);
  DIR *entries = opendir(path);
  json_t *context = 0;
  struct dirent *entry;
  for (int i = 0; entries && !context && i < CONTEXTS_MAX && (entry = readdir(entries)); i++)
    if (entry->d_name[0] != '.' && (context = context_named(directory, entry->d_name, name)))
      *ret_entry = xstrdup(entry->d_name);
  if (entries)
    closedir(entries);
  return context;
}

static bool use_context(const struct endpoint_world *world, const char *directory, const char *name,
                        struct endpoint *endpoint, struct error *error)
{
  CLEANUP_FREE char *entry = 0;
  CLEANUP_JSON json_t *context = find_context(directory, name, &entry);
  if (!context)
    return error_set(error, ERROR_INVALID, ENOENT, "there is no context \"%.100s\" in %.200s/contexts", name,
                     directory);
  const json_t *docker = json_object_get(json_object_get(context, "Endpoints"), "docker");
  const char *address = json_string_value(json_object_get(docker, "Host"));
  endpoint->found_by = xasprintf("the context \"%s\"", name);
  if (!address)
    return error_set(error, ERROR_INVALID, 0, "the context \"%.100s\" names no Docker endpoint", name);
  CLEANUP_FREE char *tls_directory = xasprintf("%s/contexts/tls/%s/docker", directory, entry);
  const struct tls tls = {.directory = exists(world, tls_directory) ? tls_directory : 0,
                          .insecure = json_is_true(json_object_get(docker, "SkipTLSVerify"))};
  return use_address(world, address, &tls, endpoint, error) ||
         error_wrap(error, "the context \"%.100s\" cannot be used", name);
}

static bool use_default(struct endpoint *endpoint, const char *path, struct error *error)
{
  endpoint->found_by = xstrdup("looking for sockets");
  endpoint->address = xasprintf("unix://%s", path);
  return use_unix(path, endpoint, error);
}

static bool look_for_sockets(const struct endpoint_world *world, struct endpoint *endpoint, struct error *error)
{
  const char *runtime = variable(world, "XDG_RUNTIME_DIR");
  CLEANUP_FREE char *users_docker = runtime ? xasprintf("%s/docker.sock", runtime) : 0;
  CLEANUP_FREE char *users_podman = runtime ? xasprintf("%s/podman/podman.sock", runtime) : 0;
  const char *const paths[] = {DEFAULT_SOCKET, users_docker, "/run/podman/podman.sock", users_podman};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (paths[i] && exists(world, paths[i]))
      return use_default(endpoint, paths[i], error);
  return use_default(endpoint, DEFAULT_SOCKET, error);
}

/* As an operator or a variable named it. */
static bool use_named(const struct endpoint_world *world, const char *address, const char *tls_dir, const char *by,
                      const char *directory, struct endpoint *endpoint, struct error *error)
{
  struct tls tls = {.directory = tls_dir};
  if (!tls_dir && variable(world, "DOCKER_TLS_VERIFY")) {
    const char *path = variable(world, "DOCKER_CERT_PATH");
    tls.directory = path ? path : directory;
    if (!tls.directory)
      return error_set(error, ERROR_INVALID, 0, "DOCKER_TLS_VERIFY is set, but DOCKER_CERT_PATH is not");
  }
  endpoint->found_by = xstrdup(by);
  return use_address(world, address, &tls, endpoint, error) || error_wrap(error, "%s cannot be used", by);
}

static bool find(const struct endpoint_world *world, const char *host, const char *tls_dir, struct endpoint *endpoint,
                 struct error *error)
{
  CLEANUP_FREE char *directory = config_directory(world);
  const char *variable_host = variable(world, "DOCKER_HOST"), *variable_context = variable(world, "DOCKER_CONTEXT");
  if (host)
    return use_named(world, host, tls_dir, "the configuration", directory, endpoint, error);
  if (variable_host)
    return use_named(world, variable_host, tls_dir, "DOCKER_HOST", directory, endpoint, error);
  bool failed = false;
  CLEANUP_FREE char *name = variable_context ? xstrdup(variable_context)
                            : directory      ? current_context(directory, &failed, error)
                                             : 0;
  if (failed)
    return false;
  if (!name || strcmp(name, "default") == 0)
    return look_for_sockets(world, endpoint, error);
  if (!directory)
    return error_set(error, ERROR_INVALID, 0, "DOCKER_CONTEXT is set, but neither DOCKER_CONFIG nor HOME is");
  return use_context(world, directory, name, endpoint, error);
}

bool endpoint_find(const struct endpoint_world *world, const char *host, const char *tls_dir, struct endpoint *ret,
                   struct error *error)
{
  CLEANUP_ENDPOINT struct endpoint endpoint = {0};
  if (!find(world, host, tls_dir, &endpoint, error))
    return false;
  *ret = endpoint;
  ret->http.unix_path = ret->unix_path;
  ret->http.url = ret->url;
  ret->http.ca_path = ret->ca_path;
  ret->http.cert_path = ret->cert_path;
  ret->http.key_path = ret->key_path;
  endpoint = (struct endpoint){0};
  return true;
}

void endpoint_release(struct endpoint *endpoint)
{
  if (!endpoint)
    return;
  free(endpoint->unix_path);
  free(endpoint->url);
  free(endpoint->ca_path);
  free(endpoint->cert_path);
  free(endpoint->key_path);
  free(endpoint->address);
  free(endpoint->found_by);
  *endpoint = (struct endpoint){0};
}
