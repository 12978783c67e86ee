#pragma once

/*
 * Evaluations of the server, as calls. Each answers with the evaluation's JSON, which the caller decrefs
 * (CLEANUP_JSON).
 */

#include "cli/session.h"

void cleanup_json(json_t **json);
#define CLEANUP_JSON __attribute__((cleanup(cleanup_json)))

/* An Idempotency-Key that nobody else has: `prefix`, "-" and 128 random bits. The caller frees. */
bool remote_make_key(const char *prefix, char **ret, struct error *error);

/* Under a key of its own, so that it is one evaluation also where the request has to be repeated. */
bool remote_submit(struct session *session, const json_t *submission, json_t **ret, struct error *error);
bool remote_get(struct session *session, const char *id, json_t **ret, struct error *error);
bool remote_cancel(struct session *session, const char *id, json_t **ret, struct error *error);

/* "/v1/evaluations/<id>/<part>" with the id encoded, however odd it is; `part` NULL: the evaluation. The caller frees.
 */
char *remote_path(const char *id, const char *part);

const char *evaluation_id(const json_t *evaluation);

/* The value at a path such as "verdict.exit_code" ("" is the value itself); NULL where there is none, or it is null. */
const json_t *json_at(const json_t *json, const char *path);
/* The same as text: a string, else "". */
const char *json_text_at(const json_t *json, const char *path);
