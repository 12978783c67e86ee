#pragma once

/*
 * Inside the API. One file for each subject:
 *
 *   api.c          the object, and what the executor tells
 *   routes.c       which handler has which path
 *   submit.c       POST /v1/evaluations
 *   evaluations.c  one evaluation: get, cancel
 *   list.c         many
 *   raw.c          raw output
 *   deliveries.c   what became of a webhook
 *   batches/       many submissions in one request
 *   events/        what happens, as streams of events
 *   trace_context.c  which of its client's traces a submission belongs to
 *   access/        who may do what: tokens, scopes, origins
 *   service.c      the daemon itself: health, metrics, runtimes, doctor
 *   compat/        other systems' APIs, on the same evaluations
 *   respond.c      answers that many handlers give
 */

#include "api/access/access.h"
#include "api/api.h"
#include "api/encode.h"
#include "api/faults.h"
#include "api/metrics.h"
#include "api/reply.h"
#include "api/submission.h"
#include "api/waiters.h"

struct batches;
struct streams;

struct api {
  struct api_config config;
  struct waiters *waiters; /* NULL once stopped */
  struct streams *streams; /* likewise */
  struct batches *batches; /* likewise */
  struct metrics metrics;
  struct access *access;
};

/* A handler answers its request once, now or later. `id` is the {id} of the path, well-formed, or "". */
typedef void api_handler(struct api *api, struct http_request *request, const char *id);

/* Who handed a submission to the executor, as its token while the store has it. `accepted` is called once; it owns the
 * submitter. `evaluation` and `standing_id` are as world->accepted has them. */
struct submitter {
  void (*accepted)(struct api *api, struct submitter *submitter, struct evaluation *evaluation,
                   enum store_result result, const char *standing_id);
};
/* executor_submit() for whoever asks: the evaluation is marked with his access token, and held against
 * what that may do. */
bool api_submit(struct api *api, const struct http_request *request, struct evaluation *evaluation,
                struct submitter *submitter, struct error *error);
/* `request` NULL: without the limits of an access token. */
struct submission_rules submission_rules_of(const struct api *api, const struct http_request *request);
/* Why no new work can be taken; NULL: it can. `ret_kind` may be NULL. */
const char *api_not_ready(const struct api *api, enum error_kind *ret_kind);
/* The same for this submission, which also takes memory to be decoded. */
const char *api_not_ready_for(const struct api *api, const struct http_request *request, enum error_kind *ret_kind);
/* Whether the body is said to be JSON, or nothing is said of it. */
bool request_is_json(const struct http_request *request);

/* What a client is told where its answer was larger than the memory that is left. The evaluation does not mind. */
#define NO_MEMORY_FOR_ANSWER "there is no memory for this answer just now: try again"

/* Any answer. Each of these counts it, and lets the request go. */
void respond(struct api *api, struct http_request *request, const struct http_response *response, struct buffer *body);
void respond_json(struct api *api, struct http_request *request, int status, struct buffer *body);
void respond_text(struct api *api, struct http_request *request, int status, const char *text);
/* problem+json. `fields` may be NULL; a kind that passes comes with Retry-After. */
void respond_problem(struct api *api, struct http_request *request, const struct error *error,
                     const struct http_header_field *fields);
__attribute__((format(printf, 4, 5))) void respond_error(struct api *api, struct http_request *request,
                                                         enum error_kind kind, const char *format, ...);
/* 400 with every fault. */
void respond_faults(struct api *api, struct http_request *request, const struct faults *faults);

/* The evaluation as it stands, now. */
void respond_evaluation(struct api *api, const struct reply *reply, const struct evaluation *evaluation);
/* The same when it is finished or the client has waited long enough. `evaluation` is open. */
void respond_when_finished(struct api *api, const struct reply *reply, const struct evaluation *evaluation);
/* The same of what the store holds: finished, or unknown (404). */
void respond_from_store(struct api *api, const struct reply *reply, const char *id);

/* Asks for its end. The client is answered when that is durable, and the evaluation finished or his time over. */
void cancel_evaluation(struct api *api, const struct reply *reply, const char *id);

/* An open evaluation that clients may know of: its acceptance is durable. NULL for one that is being told to be
 * finished just now: an answer can let the next request in before it has returned, and the store has it already. */
struct evaluation *find_open(const struct api *api, const char *id);

/* Reads into memory what lies in files and is small enough, at most `bytes_max` a stream. */
void outputs_load(struct outputs *outputs, uint64_t bytes_max);
