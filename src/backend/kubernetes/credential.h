#pragma once

/*
 * As whom the API server is asked just now: the one place that has the token. It is one that stands in the kubeconfig, one in a
 * file, which is read again every minute, or one that a plugin prints (plugin.h), which is asked again before it expires; or
 * there is none, and the client's certificate or nothing says who we are. One thread, the loop's.
 *
 * Where a new token cannot be had, that is tried again at growing intervals, and the old one is used until it expires.
 * A token that was replaced is wiped.
 */

#include "backend/kubernetes/kubeconfig.h"

#include <stdint.h>
#include <uv.h>

enum credential_state {
  CREDENTIAL_READY,
  CREDENTIAL_COMING,  /* calls have to wait for the token */
  CREDENTIAL_MISSING, /* there is none, and why tells credential_trouble() */
};

struct credential;

/* `config` is borrowed, and outlives it. `changed` is called whenever the state may have changed, on a later turn of
 * the loop. */
struct credential *credential_create(uv_loop_t *loop, const struct kubeconfig *config, void (*changed)(void *context),
                                     void *context);
void credential_destroy(struct credential *credential); /* accepts NULL */

enum credential_state credential_state(const struct credential *credential);
const char *credential_trouble(const struct credential *credential); /* unless it is ready; for a person, printable */

/* "Authorization: Bearer …", of a credential that is ready; NULL: no header says who we are. Valid until the loop's next turn. */
const char *credential_header(const struct credential *credential);
/* Which token that is: the next one has another number. */
unsigned credential_number(const struct credential *credential);
/* The server does not take the token of this number. True: another one is to be had, or is being had; it is worth asking again
 * when the state is ready. A plugin, or a file, is asked for another once for each token, and not more often than every
 * few seconds. */
bool credential_reject(struct credential *credential, unsigned number);
