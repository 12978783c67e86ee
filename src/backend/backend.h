#pragma once

/*
 * A backend runs attempts of evaluations somewhere: for callers. (backend_impl.h is for implementers.)
 *
 * All operations return at once, are bounded in time and safe to repeat; answers come through `struct backend_events`,
 * on the loop's thread, never from inside the call. The rules that every backend keeps:
 *  - launch() of a name that was launched before adopts it; there is at most one start per name, whoever asks how
 * often;
 *  - what a launch needs and is not there, such as an image, is fetched outside the slots: the launch is answered
 *    PREPARING, observe() says PENDING with progress meanwhile, a hint comes at the end, well or badly, and the next
 *    launch tells which. kill() and remove() end the waiting. Of what was accepted, and is fetched where it will run,
 *    observe() says PENDING with progress as well;
 *  - observe() looks at the backend first and at the evidence second, and says UNKNOWN for every error: an error never
 *    means "absent". An error never makes it DEAD either: DEAD is confirmed;
 *  - kill() is a request; that it worked is learnt by looking. It also works on what this process did not launch;
 *  - remove() is only called once the verdict is durable.
 */

#include "backend/doctor.h"
#include "core/world.h"
#include "wire/isolation.h"

struct backend;

struct backend_events {
  void *context;
  void (*launched)(void *context, struct name name, enum launch_result result, const char *reason);
  void (*observed)(void *context, struct name name, const struct observation *observation);
  void (*hint)(void *context, struct name name);
  void (*capacity)(void *context, const char *backend, unsigned slots);
  /* It holds something of this name: the answer to backend_list(), and whatever else it comes across. */
  void (*found)(void *context, const char *backend, struct name name);
};

const char *backend_name(const struct backend *backend);
/* How long it may be without a word of an attempt before that says anything: 0 where it is on this host. */
unsigned backend_patience_ms(const struct backend *backend);
void backend_launch(struct backend *backend, struct name name, struct blob *plan);
void backend_observe(struct backend *backend, struct name name);
void backend_kill(struct backend *backend, struct name name, enum kill_reason reason);
void backend_remove(struct backend *backend, struct name name);
/* Asks for `found` of all that this backend holds of ours, evidence included, so that what is left of finished
 * evaluations can be removed. */
void backend_list(struct backend *backend);
/* The directory in which a keeper of this host writes the attempt's evidence (wire/record.h), for who wants to read along;
 * the caller closes it. Negative: not there (yet), or not to be read before the end. */
int backend_evidence(struct backend *backend, struct name name);
/* What a sandbox of this backend enforces on this host: enum isolation_feature bits. */
uint32_t backend_isolation(const struct backend *backend);
/* What the place where it runs programs can do for it, check by check, as far as is known. Changes nothing. */
void backend_doctor(const struct backend *backend, struct doctor_report *ret);
/* Lets go without stopping what runs: keepers finish on their own. */
void backend_destroy(struct backend *backend); /* accepts NULL */
