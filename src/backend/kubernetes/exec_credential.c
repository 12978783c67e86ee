#include "backend/kubernetes/exec_credential.h"

#include "base/base64.h"
#include "base/fd.h"
#include "base/json_bounds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { CA_BYTES_MAX = 1024 * 1024 };

/* What a plugin is told. */

static bool describe_ca(const struct kubeconfig *config, json_t *cluster, struct error *error)
{
  CLEANUP_BLOB struct blob *pem =
    config->ca_path ? file_read(AT_FDCWD, config->ca_path, CA_BYTES_MAX, error) : blob_ref(config->ca_pem);
  CLEANUP_BUFFER struct buffer data = {0};
  if (!pem)
    return !config->ca_path;
  base64_encode(pem->data, pem->size, &data);
  json_object_set_new(cluster, "certificate-authority-data", json_string(data.data));
  return true;
}

static json_t *describe_cluster(const struct kubeconfig *config, struct error *error)
{
  json_t *cluster = json_pack("{s:s, s:O*}", "server", config->server, "config", config->plugin->about);
  if (config->insecure)
    json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
  if (describe_ca(config, cluster, error))
    return cluster;
  json_decref(cluster);
  return 0;
}

char *exec_credential_ask(const struct kubeconfig *config, struct error *error)
{
  const struct kubeconfig_plugin *plugin = config->plugin;
  json_t *cluster = plugin->asks_cluster ? describe_cluster(config, error) : 0;
  if (plugin->asks_cluster && !cluster)
    return 0;
  json_t *info = json_pack("{s:s, s:s, s:{s:b, s:o*}}", "apiVersion", plugin->api_version, "kind", "ExecCredential",
                           "spec", "interactive", 0, "cluster", cluster);
  char *text = json_dumps(info, JSON_COMPACT);
  json_decref(info);
  ASSERT(text);
  return text;
}

/* What it answers. */

void exec_credential_release(struct exec_credential *credential)
{
  if (credential->token)
    explicit_bzero(credential->token, strlen(credential->token));
  free(TAKE_PTR(credential->token));
}

static bool is_word(const char *text)
{
  for (const char *next = text; *next; next++)
    if (*next <= ' ' || *next >= 0x7f)
      return false;
  return *text;
}

static bool read_status(const json_t *status, struct exec_credential *ret, struct error *error)
{
  const char *token = json_string_value(json_object_get(status, "token"));
  const char *expires = json_string_value(json_object_get(status, "expirationTimestamp"));
  const char *certificate = json_string_value(json_object_get(status, "clientCertificateData"));
  struct wall time = {0};
  if (certificate && *certificate)
    return error_set(error, ERROR_INVALID, 0, "it gives a client certificate; supported are tokens only");
  if (!token || !is_word(token))
    return error_set(error, ERROR_INVALID, 0, "it gives no token in `status.token`");
  if (expires && !wall_parse(expires, &time))
    return error_set(error, ERROR_INVALID, 0, "its `status.expirationTimestamp` is no time of RFC 3339");
  *ret = (struct exec_credential){xstrdup(token), time};
  return true;
}

static bool read_credential(const json_t *json, const char *api_version, struct exec_credential *ret,
                            struct error *error)
{
  const char *kind = json_string_value(json_object_get(json, "kind"));
  const char *version = json_string_value(json_object_get(json, "apiVersion"));
  if (!kind || strcmp(kind, "ExecCredential") != 0)
    return error_set(error, ERROR_INVALID, 0, "what it prints is no `ExecCredential`");
  if (!version || strcmp(version, api_version) != 0)
    return error_set(error, ERROR_INVALID, 0, "what it prints is not of %s, which it was asked for", api_version);
  return read_status(json_object_get(json, "status"), ret, error);
}

/* A tree is freed with what is in it; the token is not left there. */
static void wipe_token(json_t *json)
{
  json_t *token = json_object_get(json_object_get(json, "status"), "token");
  if (json_is_string(token))
    explicit_bzero((char *)json_string_value(token), json_string_length(token));
}

bool exec_credential_decode(const char *text, size_t size, const char *api_version, struct exec_credential *ret,
                            struct error *error)
{
  json_t *json = json_bounds_check(text, size, 0) ? json_loadb(text, size, JSON_REJECT_DUPLICATES, 0) : 0;
  if (!json)
    return error_set(error, ERROR_INVALID, 0, "what it prints is not JSON");
  bool good = read_credential(json, api_version, ret, error);
  wipe_token(json);
  json_decref(json);
  return good;
}
