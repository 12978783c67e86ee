#pragma once

/*
 * Inside the Crucible API: the calls of the platform (/api/…) and of its executor (/execute, …) that Assay replaces, so that
 * their clients work by changing one URL. They are translated to the submissions of /v1 and from the evaluations that all
 * clients see; the core knows nothing of them. docs/crucible.md says what differs, and why.
 *
 *   crucible_routes.h    the paths
 *   crucible.c           the platform: one evaluation, health
 *   crucible_submit.c    the platform: submissions and batches
 *   crucible_list.c      the platform: lists and statistics
 *   crucible_executor.c  the executor
 *   crucible_request.c   bodies: what is wrong with them, in FastAPI's words, and the submission that they mean
 *   crucible_answer.c    evaluations in its words
 *   quantity.c           "512Mi", "500m"
 *
 * What it has to remember of an evaluation is in labels, which clients of /v1 see too.
 */

#include "api/api_impl.h"

#include <jansson.h>

#define CRUCIBLE_LABEL_ID "crucible.eval_id"      /* the id that the executor's client gave, to find it by */
#define CRUCIBLE_LABEL_PREVIEW "crucible.preview" /* the beginning of the program, for lists */
#define CRUCIBLE_LABEL_CPU "crucible.cpu_limit"   /* as asked for; it is not enforced */
#define CRUCIBLE_LABEL_IMAGE "crucible.image"     /* as asked for, where the backend runs none */

/* With the executor's client's id behind it, the idempotency key of what it submitted. Keys of /v1 have no space, so that
 * none of them can be taken for one: this is what makes an id one evaluation's, and the label only finds it. */
#define CRUCIBLE_KEY "crucible "

/* Of a body under /api, and of a program. */
#define CRUCIBLE_BODY_BYTES_MAX MIB(2)
#define CRUCIBLE_CODE_BYTES_MAX MIB(1)

/* crucible_request.c */

/* What is wrong with a request, as the members of FastAPI's "detail". */
struct crucible_faults {
  struct buffer list; /* JSON objects with commas in between */
  size_t count;
};
void crucible_faults_release(struct crucible_faults *faults);
#define CLEANUP_CRUCIBLE_FAULTS __attribute__((cleanup(crucible_faults_release)))
/* A fault of the body's member `name`. */
void crucible_faults_add(struct crucible_faults *faults, const char *name, const char *type, const char *message);
void crucible_respond_faults(struct api *api, struct http_request *request, const struct crucible_faults *faults);

/* One program to run, checked. Everything is borrowed from the request's JSON; NULL: not given. */
struct crucible_program {
  const json_t *code;
  const char *eval_id, *engine, *memory_limit, *cpu_limit, *image;
  int64_t timeout_seconds, priority;
  uint64_t memory_bytes; /* 0: not given */
};

/* A number of the query; `standard` where it is not there, or a fault. */
int64_t crucible_query_integer(const struct http_request *request, const char *name, int64_t standard, int64_t least,
                               int64_t most, struct crucible_faults *faults);
/* The body as JSON, owned by the caller. NULL: it was refused, and the request is answered. */
json_t *crucible_body(struct api *api, struct http_request *request);
/* Both say false, with faults, where the object is not right. `index` is its place in a batch, or CRUCIBLE_ALONE. */
enum { CRUCIBLE_ALONE = -1 };
bool crucible_read_program(const struct api *api, const json_t *object, int index, struct crucible_faults *faults,
                           struct crucible_program *ret);
bool crucible_read_execution(const struct api *api, const json_t *object, struct crucible_faults *faults,
                             struct crucible_program *ret);
/* False, with what the original says, where this host can never give what is asked for. */
bool crucible_check_host(const struct api *api, const struct crucible_program *program, struct error *error);
/* The evaluation for executor_submit(), by way of a submission of /v1; NULL, with faults, where that is refused. */
struct evaluation *crucible_evaluation(const struct api *api, const struct crucible_program *program, int index,
                                       struct crucible_faults *faults);

/* crucible_answer.c */

__attribute__((format(printf, 4, 5))) void crucible_respond_detail(struct api *api, struct http_request *request,
                                                                   int status, const char *format, ...);
void crucible_respond_error(struct api *api, struct http_request *request, int status, const char *text);
/* {eval_id, status, message} */
void crucible_respond_message(struct api *api, struct http_request *request, const char *id, const char *status,
                              const char *message);

const char *crucible_status_of(const struct evaluation *evaluation);
/* The id by which its client knows it. */
struct crucible_id {
  char text[ID_SIZE];
};
struct crucible_id crucible_id_of(const struct evaluation *evaluation);

void crucible_encode_evaluation(struct json_writer *json, const struct api *api, const struct evaluation *evaluation);
void crucible_encode_logs(struct json_writer *json, const struct evaluation *evaluation);
void crucible_encode_summary(struct json_writer *json, const struct evaluation *evaluation);
/* The members that several answers have. */
void crucible_encode_streams(struct json_writer *json, const struct evaluation *evaluation);
void crucible_encode_exit_code(struct json_writer *json, const struct evaluation *evaluation);

/* crucible.c */

/* Looks for the evaluation that a client means by `id` ("": none), by our id or by the one that the executor's client gave,
 * and has `form` answer; its evaluation is NULL where there is none. */
void crucible_find(struct api *api, struct http_request *request, const char *id, reply_form *form);
/* Cancels an open evaluation, and has `form` answer when it is finished; still open, when that takes too long. */
void crucible_end(struct api *api, const struct reply *reply, const struct evaluation *evaluation, reply_form *form);

/* crucible_submit.c */

#define CRUCIBLE_NOT_STORED "the submission could not be stored, and was not accepted"
/* Whether no new work is taken, which then is the answer. */
bool crucible_refuse_unready(struct api *api, struct http_request *request);

/* crucible_executor.c */

struct crucible_host {
  char text[65];
};
struct crucible_host crucible_executor_id(void); /* this host's name */
