/*
 * Where the Docker engine is said to be: seven texts, one behind the other with a line "--" in between. The address of
 * the configuration, DOCKER_HOST, DOCKER_CONTEXT, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH; and as files config.json and a
 * context's meta.json. An endpoint that is found is one that the client takes: a Unix socket, or a URL of plain
 * characters. Of anything else it is said why.
 */

#include "backend/directory.h"
#include "backend/docker/endpoint.h"
#include "base/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOST, VARIABLES, CONFIG = 5, META, TEXT_COUNT };
static const char *const variables[] = {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"};
enum { VARIABLE_COUNT = sizeof variables / sizeof *variables };

static char scratch[] = "/tmp/assay-fuzz-endpoint-XXXXXX";
static int directory = -1, context = -1;
static uv_loop_t loop;

static void remove_scratch(void)
{
  unlinkat(context, "meta.json", 0);
  unlinkat(directory, "contexts/meta/x", AT_REMOVEDIR);
  unlinkat(directory, "contexts/meta", AT_REMOVEDIR);
  unlinkat(directory, "contexts", AT_REMOVEDIR);
  unlinkat(directory, "config.json", 0);
  rmdir(scratch);
}

static void open_scratch(void)
{
  ASSERT(mkdtemp(scratch) && uv_loop_init(&loop) == 0);
  directory = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT(mkdirat(directory, "contexts", 0700) == 0 && mkdirat(directory, "contexts/meta", 0700) == 0);
  ASSERT(mkdirat(directory, "contexts/meta/x", 0700) == 0);
  context = openat(directory, "contexts/meta/x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT(context >= 0);
  atexit(remove_scratch);
}

static const char *environment(void *texts, const char *name)
{
  if (strcmp(name, "DOCKER_CONFIG") == 0)
    return scratch;
  for (size_t i = 0; i < VARIABLE_COUNT; i++)
    if (strcmp(name, variables[i]) == 0)
      return ((char **)texts)[VARIABLES + i];
  return 0;
}

static bool exists(void *texts, const char *path)
{
  (void)texts;
  return strlen(path) % 3 != 0;
}

static void write_file(int in, const char *name, const char *text)
{
  CLEANUP_FD int fd = openat(in, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

static void check_url(const char *url)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]/";
  ASSERT(strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
  ASSERT(url[strspn(url, plain)] == 0 && !strchr(strchr(url, ':') + 3, '/'));
}

static void check_endpoint(const struct endpoint *endpoint)
{
  ASSERT(endpoint->address && endpoint->found_by && endpoint->http.url == endpoint->url);
  check_url(endpoint->url);
  ASSERT(!endpoint->unix_path || endpoint->unix_path[0] == '/');
  ASSERT(!endpoint->unix_path || strlen(endpoint->unix_path) < sizeof((struct sockaddr_un){0}).sun_path);
  ASSERT(!endpoint->cert_path == !endpoint->key_path);
  struct error error = {0};
  struct http_endpoint http = endpoint->http;
  http.ca_path = http.cert_path = http.key_path = 0; /* they are not there */
  struct http_client *client = http_client_create(&loop, &http, &error);
  ASSERT(client || error.message[0]);
  ASSERT(client || !endpoint->unix_path);
  http_client_destroy(client);
  uv_run(&loop, UV_RUN_DEFAULT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (directory < 0)
    open_scratch();
  CLEANUP_FREE char *copy = xstrndup((const char *)data, size);
  char *texts[TEXT_COUNT] = {0}, *rest = copy;
  for (size_t i = 0; i < TEXT_COUNT && rest; i++) {
    texts[i] = rest;
    rest = strstr(rest, "\n--\n");
    if (rest) {
      *rest = 0;
      rest += sizeof "\n--\n" - 1;
    }
  }
  write_file(directory, "config.json", texts[CONFIG] ? texts[CONFIG] : "");
  write_file(context, "meta.json", texts[META] ? texts[META] : "");
  struct endpoint_world world = {.environment = environment, .exists = exists, .context = texts};
  CLEANUP_ENDPOINT struct endpoint endpoint = {0};
  struct error error = {0};
  const char *host = texts[HOST] && *texts[HOST] ? texts[HOST] : 0;
  if (endpoint_find(&world, host, 0, &endpoint, &error))
    check_endpoint(&endpoint);
  else
    ASSERT(error.message[0] && !endpoint.url);
  return 0;
}
