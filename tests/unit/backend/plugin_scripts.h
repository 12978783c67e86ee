#pragma once

/* A kubeconfig whose user has a shell script as its plugin, and a loop that it runs on. */

#include "backend/kubernetes/kubeconfig.h"
#include "base/clock.h"

#include <uv.h>

#define V1 "client.authentication.k8s.io/v1"
/* A line of the script that prints a token; the words are the shell's, and may have variables in them. */
#define PRINT(token) PRINT_STATUS("\\\"token\\\":\\\"" token "\\\"")
#define PRINT_UNTIL(token, when)                                                                                       \
  PRINT_STATUS("\\\"token\\\":\\\"" token "\\\",\\\"expirationTimestamp\\\":\\\"$(date -u -d " when                    \
               " +%Y-%m-%dT%H:%M:%SZ)\\\"")
#define PRINT_STATUS(status)                                                                                           \
  "echo \"{\\\"apiVersion\\\":\\\"" V1 "\\\",\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{" status "}}\"\n"
/* Counts the runs of the script: $n. */
#define COUNT "echo >>runs; n=$(wc -l <runs)\n"

struct scripted {
  uv_loop_t loop;
  uv_timer_t watchdog;
  struct mono deadline;
  char directory[48]; /* of the script, which it begins in */
  struct kubeconfig config;
};

/* `more`: members of `exec` behind apiVersion and command, each with a comma before it. */
void scripted_begin(struct scripted *scripted, const char *script, const char *more);
/* Runs the loop until `condition` holds, which is asked every few milliseconds, and fails the test where that takes half a minute. */
void scripted_run(struct scripted *scripted, bool (*condition)(void *context), void *context);
/* What a script has put into a file of its directory; "" where there is none. The caller frees. */
char *scripted_text(const struct scripted *scripted, const char *name);
/* The loop has nothing left but what closes. */
void scripted_end(struct scripted *scripted);
