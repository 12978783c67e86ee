#pragma once

/* What the tests of the Crucible API share: an API that serves it, with a backend named docker, and its answers as JSON. */

#include "../fixture.h"

#include <jansson.h>

int crucible_set_up(void **state);
#define crucible_test(name) cmocka_unit_test_setup_teardown(name, crucible_set_up, fixture_tear_down)

/* Sends a body as JSON (NULL: none); the store has not answered yet. */
struct http_request *crucible_post(struct fixture *fixture, const char *path, const char *body);
/* The executor's part once the store has answered: what was handed in last is open as `id`, or was refused. */
struct evaluation *crucible_accept(struct fixture *fixture, const char *id);
void crucible_refuse(struct fixture *fixture, enum store_result result, const char *standing_id);
/* Its end, as `verdict` says, told to who waits. */
void crucible_finish(struct fixture *fixture, struct evaluation *evaluation, enum verdict_kind verdict);

/* Destroy the request, too. */
void expect_answer(struct http_request *request, int status,
                   const char *body); /* the whole body, without its newline */
void expect_member(struct http_request *request, int status, const char *text); /* a part of it */
json_t *take_json(struct http_request *request, int status);                    /* the caller's */

/* An evaluation with outputs, as the store gives them. */
struct evaluation *with_output(struct evaluation *evaluation, const char *out, const char *err);
