#pragma once

/* Every path of the Crucible platform's and executor's API; read by routes.c, behind those of /v1. */

#include "api/api_impl.h"

/* method, path, the scope that it needs, handler, summary. {any_id} is the id of an evaluation, or what a client takes for one. */
#define CRUCIBLE_ROUTES(X)                                                                                             \
  X(POST, "/api/eval", SUBMIT, crucible_submit, "Submit a Python program")                                             \
  X(POST, "/api/eval-batch", SUBMIT, crucible_submit_batch, "Submit up to 100 of them")                                \
  X(GET, "/api/eval/{any_id}", READ, crucible_get, "An evaluation")                                                    \
  X(GET, "/api/eval/{any_id}/status", READ, crucible_logs, "How it stands, and what it wrote")                         \
  X(GET, "/api/eval/{any_id}/logs", READ, crucible_logs, "The same")                                                   \
  X(POST, "/api/eval/{any_id}/kill", SUBMIT, crucible_kill, "End it, if it is running")                                \
  X(POST, "/api/eval/{any_id}/cancel", SUBMIT, crucible_cancel, "End it, in whatever state it is")                     \
  X(GET, "/api/evaluations", READ, crucible_list, "List evaluations, newest first")                                    \
  X(GET, "/api/queue/status", READ, crucible_queue_status, "How many wait and run")                                    \
  X(GET, "/api/queue-status", READ, crucible_queue_status, "The same, by its older name")                              \
  X(GET, "/api/statistics", READ, crucible_statistics, "Counts of the newest evaluations")                             \
  X(GET, "/api/health", OPEN, crucible_api_health, "The daemon takes new work, or not")                                \
  X(GET, "/health", OPEN, crucible_health, "The same, by status code")                                                 \
  X(POST, "/execute", SUBMIT, crucible_execute, "Executor: run a program under the client's id")                       \
  X(GET, "/logs/{any_id}", READ, crucible_execution_logs, "Executor: what it wrote")                                   \
  X(POST, "/kill/{any_id}", SUBMIT, crucible_execution_kill, "Executor: end it")                                       \
  X(GET, "/running", READ, crucible_running, "Executor: what is not finished")                                         \
  X(GET, "/status", READ, crucible_status, "Executor: the same, and the newest ones")                                  \
  X(GET, "/capacity", READ, crucible_capacity, "Executor: its slots")

#define X(method, path, scope, handler, summary) api_handler handler;
CRUCIBLE_ROUTES(X)
#undef X
