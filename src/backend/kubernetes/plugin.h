#pragma once

/*
 * One run of the program that a kubeconfig names as whoever has the token: a credential plugin of client-go. It is given our
 * environment, its own variables and KUBERNETES_EXEC_INFO, no standard input, a session of its own, and PLUGIN_MS_MAX; what it
 * prints on standard output is a token, of what it prints on standard error the last line goes into the message where it fails.
 * One thread, the loop's.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */

#include "backend/kubernetes/exec_credential.h"

#include <uv.h>

enum { PLUGIN_MS_MAX = 60 * 1000, PLUGIN_ANSWER_BYTES_MAX = 64 * 1024 };

struct plugin_run;
/* Who is told may take the token; what he leaves is wiped. `why`, where there is none: for a person, printable. */
typedef void plugin_done(void *context, struct exec_credential *credential, const char *why);

/* `config` has a plugin, and is borrowed until it is done or abandoned. `done` is called once, on a later turn of the loop; then
 * the run is gone. All that it started within its session is killed where it takes longer than `ms_max` or prints too much. */
struct plugin_run *plugin_start(uv_loop_t *loop, const struct kubeconfig *config, unsigned ms_max, plugin_done *done,
                                void *context);
/* It is killed, and `done` not called any more; its handles close when the loop runs on. Accepts NULL. */
void plugin_abandon(struct plugin_run *run);
