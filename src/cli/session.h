#pragma once

/*
 * One run of the command line: what was asked for, and the server that it is asked of. A command gets it with the
 * options read; it opens the server the way it needs, and main.c closes it.
 */

#include "base/clock.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/private_daemon.h"

struct session {
  const struct options *options;
  struct client *client;         /* once open */
  struct private_daemon *daemon; /* where one was started */
  int interrupts;                /* once taken: readable after SIGINT, SIGTERM or SIGHUP; -1 before */
};

/* --server, ASSAY_SERVER, or the default one. Says nothing of whether it answers. */
bool session_open(struct session *session, struct error *error);
/* The same; but when none was named, the socket that a daemon of the same user has in its state directory comes before the
 * default address: who owns that needs no token. */
bool session_open_as_owner(struct session *session, struct error *error);
/* The same; but when none was named and none answers at the default address, starts a private one. */
bool session_open_or_start(struct session *session, struct error *error);
void session_close(struct session *session);

/*
 * From now on SIGINT, SIGTERM and SIGHUP do not end the process but the request under way, if it is one that waits
 * (EINTR): there is something to be put in order first.
 */
bool session_take_interrupts(struct session *session, struct error *error);

/*
 * As client_call(), for requests that may be repeated. A connection that is lost is made again, for up to 30 s, so that
 * a daemon which is restarted meanwhile costs nothing but time. An interrupt is consumed when it is reported.
 */
bool session_call(struct session *session, const struct client_request *request, json_t **ret, struct error *error);

/* For requests that are not made by session_call(): whether one that failed with `error` is to be made again; waits a
 * moment before it says so. `interrupts` as of the request; `give_up` is what session_patience() said when the server was
 * last heard of. */
bool session_may_repeat(struct session *session, int interrupts, struct mono give_up, struct error *error);
struct mono session_patience(void);
