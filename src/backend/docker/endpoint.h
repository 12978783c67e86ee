#pragma once

/*
 * Where the engine is, found as Docker's own command line finds it:
 *
 *   1. the configuration (`host`)
 *   2. DOCKER_HOST
 *   3. the context that DOCKER_CONTEXT names, or else currentContext of config.json in $DOCKER_CONFIG or ~/.docker
 *   4. the first socket that is there: /var/run/docker.sock, $XDG_RUNTIME_DIR/docker.sock, then Podman's
 *      /run/podman/podman.sock and $XDG_RUNTIME_DIR/podman/podman.sock; where there is none, the first of these
 *
 * With 1 and 2, TLS comes from `tls_dir`, or else from DOCKER_CERT_PATH (or config.json's directory) where
 * DOCKER_TLS_VERIFY is not empty; with 3 from the context. Of ca.pem, cert.pem and key.pem, those that are there are used.
 * unix://, tcp://, http:// and https:// are spoken. ssh:// and npipe:// are not, and are refused by name.
 */

#include "base/error.h"
#include "http/client.h"

#include <stdbool.h>

/* The process's surroundings, handed in. */
struct endpoint_world {
  const char *(*environment)(void *context,
                             const char *name);    /* as getenv(3); what it returns lives on until the end */
  bool (*exists)(void *context, const char *path); /* a socket or a PEM file */
  void *context;
};
extern const struct endpoint_world endpoint_real_world;

struct endpoint {
  struct http_endpoint http; /* points into what follows */
  char *unix_path, *url, *ca_path, *cert_path, *key_path;
  char *address;  /* for a person: "unix:///var/run/docker.sock", "tcp://host:2376" */
  char *found_by; /* for a person: "DOCKER_HOST", "the context \"remote\"", … */
};

/* `host` and `tls_dir` may be NULL. Release with endpoint_release(). The PEM files are not read. */
bool endpoint_find(const struct endpoint_world *world, const char *host, const char *tls_dir, struct endpoint *ret,
                   struct error *error);
void endpoint_release(struct endpoint *endpoint);
#define CLEANUP_ENDPOINT __attribute__((cleanup(endpoint_release)))
