#pragma once

/*
 * Between `struct evaluation` and a row of the table evaluations. The columns stand in one list (rows.c lists how each
 * is bound and read); the SQL below is made from the same list, so that the two cannot part.
 */

#include "core/delivery.h"
#include "core/evaluation.h"

#include <sqlite3.h>

/* kind, column, place in (evaluation, outputs). What is known when an evaluation is accepted … */
#define INTENT_COLUMNS(X)                                                                                              \
  X(ARRAY, id, evaluation->id)                                                                                         \
  X(INTEGER, attempt, evaluation->attempt)                                                                             \
  X(INTEGER, attempts_max, evaluation->attempts_max)                                                                   \
  X(INTEGER, priority, evaluation->priority)                                                                           \
  X(ARRAY, backend, evaluation->backend)                                                                               \
  X(ARRAY, runtime, evaluation->runtime)                                                                               \
  X(TEXT, image, evaluation->image)                                                                                    \
  X(TEXT, callback_url, evaluation->callback_url)                                                                      \
  X(TEXT, traceparent, evaluation->traceparent)                                                                        \
  X(TEXT, tracestate, evaluation->tracestate)                                                                          \
  X(TEXT, labels, evaluation->labels)                                                                                  \
  X(TEXT, idempotency_key, evaluation->idempotency_key)                                                                \
  X(INTEGER, body_digest, evaluation->body_digest)                                                                     \
  X(TEXT, token, evaluation->token)                                                                                    \
  X(INTEGER, queued_at, evaluation->entered_at[STATE_QUEUED].ms)                                                       \
  X(TEXT, batch, evaluation->batch)                                                                                    \
  X(INTEGER, batch_line, evaluation->batch_line)                                                                       \
  LIMITS(X##_LIMIT)

/* … and what is known at its end; but for cancelled_at, which may be known before. */
#define RESULT_COLUMNS(X)                                                                                              \
  X(INTEGER, cancelled_at, evaluation->cancelled_at.ms)                                                                \
  X(INTEGER, preparing_at, evaluation->entered_at[STATE_PREPARING].ms)                                                 \
  X(ARRAY, progress, evaluation->progress)                                                                             \
  X(INTEGER, starting_at, evaluation->entered_at[STATE_STARTING].ms)                                                   \
  X(INTEGER, running_at, evaluation->entered_at[STATE_RUNNING].ms)                                                     \
  X(INTEGER, sealing_at, evaluation->entered_at[STATE_SEALING].ms)                                                     \
  X(INTEGER, finished_at, evaluation->entered_at[STATE_FINISHED].ms)                                                   \
  X(INTEGER, started_at, evaluation->started_at.ms)                                                                    \
  X(VERDICT, verdict, evaluation->verdict.kind)                                                                        \
  X(EXIT_CODE, exit_code, evaluation->verdict.exit_code)                                                               \
  X(INTEGER, signal, evaluation->verdict.signal)                                                                       \
  X(INTEGER, retryable, evaluation->verdict.retryable)                                                                 \
  X(LIMIT, limit_hit, evaluation->verdict.limit)                                                                       \
  X(INTEGER, limit_value, evaluation->verdict.limit_value)                                                             \
  X(INTEGER, limit_measured, evaluation->verdict.limit_measured)                                                       \
  X(ARRAY, reason, evaluation->verdict.reason)                                                                         \
  X(INTEGER, wall_time_us, evaluation->usage.wall_time_us)                                                             \
  X(INTEGER, cpu_time_us, evaluation->usage.cpu_time_us)                                                               \
  X(INTEGER, memory_peak_bytes, evaluation->usage.memory_peak_bytes)                                                   \
  X(INTEGER, processes_peak, evaluation->usage.processes_peak)                                                         \
  X(INTEGER, isolation, evaluation->isolation)                                                                         \
  X(INTEGER, order_cut, evaluation->order_cut)                                                                         \
  X(INTEGER, stdout_bytes, outputs->stream[STREAM_STDOUT].bytes)                                                       \
  X(INTEGER, stdout_omitted_bytes, outputs->stream[STREAM_STDOUT].omitted_bytes)                                       \
  X(INTEGER, stdout_head_bytes, outputs->stream[STREAM_STDOUT].head_bytes)                                             \
  X(INTEGER, stderr_bytes, outputs->stream[STREAM_STDERR].bytes)                                                       \
  X(INTEGER, stderr_omitted_bytes, outputs->stream[STREAM_STDERR].omitted_bytes)                                       \
  X(INTEGER, stderr_head_bytes, outputs->stream[STREAM_STDERR].head_bytes)                                             \
  X(INTEGER, compile_bytes, outputs->stream[STREAM_COMPILE].bytes)                                                     \
  X(INTEGER, compile_omitted_bytes, outputs->stream[STREAM_COMPILE].omitted_bytes)                                     \
  X(INTEGER, compile_head_bytes, outputs->stream[STREAM_COMPILE].head_bytes)

/* … and what the store itself adds in that moment. */
#define ADDED_COLUMNS(X) X(INTEGER, batch_place, evaluation->batch_place)

#define ROW_NAME(kind, column, place) ", " #column
#define ROW_NAME_LIMIT(field, name, standard, least, most) ", limit_" #field
#define ROW_MARK(kind, column, place) ", ?"
#define ROW_MARK_LIMIT(field, name, standard, least, most) ", ?"
#define ROW_SET(kind, column, place) ", " #column " = ?"
#define ROW_SELECTED(kind, column, place) ", e." #column
#define ROW_SELECTED_LIMIT(field, name, standard, least, most) ", e.limit_" #field

/* row_bind_intent() */
#define ROW_INSERT                                                                                                     \
  "INSERT INTO evaluations (sequence" INTENT_COLUMNS(ROW_NAME) ") VALUES (NULL" INTENT_COLUMNS(ROW_MARK) ")"
/* ?1 is the sequence; row_bind_result(). The compare-and-set of law 6 is its WHERE. */
#define ROW_FINISH                                                                                                     \
  "UPDATE evaluations SET attempt = ?2" RESULT_COLUMNS(ROW_SET) " WHERE sequence = ?1 AND verdict IS NULL"
/* row_read(), of a table named e */
#define ROW_COLUMNS "e.sequence" INTENT_COLUMNS(ROW_SELECTED) RESULT_COLUMNS(ROW_SELECTED) ADDED_COLUMNS(ROW_SELECTED)

/* delivery_read(), of a table named d, beside e */
#define DELIVERY_COLUMNS "e.callback_url, d.state, d.attempts, d.asked_at, d.due_at, d.tried_at, d.status, d.message"
enum { DELIVERY_COLUMN_COUNT = 8 };

/* The bytes of text are borrowed until the statement is reset. */
void row_bind_intent(sqlite3_stmt *statement, const struct evaluation *evaluation);
void row_bind_result(sqlite3_stmt *statement, uint64_t sequence, const struct evaluation *evaluation);

/*
 * A new evaluation from the present row, QUEUED or FINISHED. A finished one has `outputs` with the sizes, without
 * bytes.
 */
struct evaluation *row_read(sqlite3_stmt *statement);

/* A new one from the last columns of the present row. */
struct delivery *delivery_read(sqlite3_stmt *statement);
/* To DELIVERY_TRIED. */
void delivery_bind(sqlite3_stmt *statement, uint64_t sequence, const struct delivery *delivery);
