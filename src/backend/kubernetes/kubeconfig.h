#pragma once

/*
 * Where the cluster's API server is, and as whom it is asked: out of a kubeconfig, or out of what Kubernetes puts into every
 * pod that has a service account. Nothing is asked of the network here.
 *
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>

enum { KUBECONFIG_TOKEN_BYTES_MAX = 64 * 1024 };
/* Where a pod finds its service account. */
#define ACCOUNT_DIRECTORY "/var/run/secrets/kubernetes.io/serviceaccount"

/*
 * A program that prints a token (plugin.h runs it), and what it is given.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
struct kubeconfig_plugin {
  char *name;        /* as the file names it, for a person */
  char *api_version; /* that it is asked for, and has to answer in */
  char **command;    /* NULL-terminated: the program, a path or a name that is searched in PATH, and its arguments */
  char **variables;  /* NULL-terminated: "NAME=value", beside our own environment */
  char *hint;        /* what to do where it is not there; or NULL */
  bool asks_cluster; /* it wants to be told of the cluster, */
  json_t *about;     /* and this along with it; or NULL */
};

struct kubeconfig {
  char *server;     /* "https://10.0.0.1:6443", without a path */
  char *found_by;   /* for a person: the file, or the service account */
  char *namespace_; /* of the context, or of the service account; "default" */
  bool insecure;
  /* PEM: either a file or its text; both NULL: the system's CAs, no client certificate. */
  char *ca_path, *cert_path, *key_path;
  struct blob *ca_pem, *cert_pem, *key_pem;
  char *token;                      /* to be presented as it is; or NULL */
  char *token_path;                 /* a file with one, which is replaced from time to time; or NULL */
  struct kubeconfig_plugin *plugin; /* who prints one; or NULL. At most one of the three is there */
};

/* What is asked of the world outside, so that a test can be asked instead. */
struct kubeconfig_world {
  const char *(*variable)(const char *name); /* getenv(3) */
  const char *account_directory;
};
extern const struct kubeconfig_world kubeconfig_real_world;

/*
 * `config_path`: the operator's; NULL: $KUBECONFIG, else the service account of the pod that this runs in, else ~/.kube/config.
 * `context`: NULL: the file's current one. False with an error that names the file, and what is wrong in it.
 */
bool kubeconfig_find(const struct kubeconfig_world *world, const char *config_path, const char *context,
                     struct kubeconfig *ret, struct error *error);
/* The same of a file that was read. `path` is for messages, and for paths in it that are relative. */
bool kubeconfig_decode(const json_t *file, const char *path, const char *context, struct kubeconfig *ret,
                       struct error *error);
/* The token that is in the file now; NULL with an error where it cannot be read. The caller frees. */
char *kubeconfig_read_token(const struct kubeconfig *config, struct error *error);
void kubeconfig_release(struct kubeconfig *config); /* accepts what is zeroed */
