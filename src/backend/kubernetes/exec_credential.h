#pragma once

/*
 * `ExecCredential`, the object in which a credential plugin is asked and answers (plugin.h runs it).
 *
 * https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
 */

#include "backend/kubernetes/kubeconfig.h"
#include "base/clock.h"

struct exec_credential {
  char *token;         /* one word, printable; NULL: there is none */
  struct wall expires; /* 0: it does not say */
};

/* What the plugin of `config` is asked with, as JSON. The caller frees; NULL with an error where the CA's file cannot be read. */
char *exec_credential_ask(const struct kubeconfig *config, struct error *error);
/* What it answers, in this version and with a token. Messages hold nothing of it that may be secret. */
bool exec_credential_decode(const char *text, size_t size, const char *api_version, struct exec_credential *ret,
                            struct error *error);
void exec_credential_release(struct exec_credential *credential); /* wipes the token; accepts what is zeroed */
