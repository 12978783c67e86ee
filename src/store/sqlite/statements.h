#pragma once

/*
 * Every statement that the store runs while it serves, prepared once. None of them may walk through a table: what a
 * million finished evaluations cost, a thousand must (tests/unit/store asks EXPLAIN QUERY PLAN of each of them).
 */

#include "store/sqlite/rows.h"
#include "store/store.h"

/* ?1 sequence to stay below, ?2 how many, ?3 verdict, ?4 label key, ?5 label value */

/* batch_read() */
#define BATCH_COLUMNS "id, created_at, cancelled_at, lines, received, accepted, rejected, finished"

#define STATEMENTS(X)                                                                                                  \
  X(BEGIN, "BEGIN IMMEDIATE")                                                                                          \
  X(COMMIT, "COMMIT")                                                                                                  \
  X(FIND_KEY, "SELECT id, body_digest FROM evaluations INDEXED BY evaluations_by_key WHERE idempotency_key = ?1")      \
  X(FIND_ID, "SELECT sequence, verdict IS NULL FROM evaluations WHERE id = ?1")                                        \
  X(INSERT, ROW_INSERT)                                                                                                \
  X(INSERT_PLAN, "INSERT INTO plans (sequence, plan) VALUES (?1, ?2)")                                                 \
  X(INSERT_LABELS, "INSERT INTO labels (key, value, sequence) "                                                        \
                   "SELECT key, value, ?1 FROM json_each(?2) WHERE type = 'text'")                                     \
  X(ATTEMPT, "UPDATE evaluations SET attempt = ?2 WHERE sequence = ?1 AND verdict IS NULL")                            \
  X(CANCEL, "UPDATE evaluations SET cancelled_at = ?2 WHERE sequence = ?1 AND verdict IS NULL "                        \
            "AND cancelled_at IS NULL")                                                                                \
  X(FINISH, ROW_FINISH)                                                                                                \
  X(FINISH_LABELS, "UPDATE labels SET verdict = ?2 WHERE sequence = ?1 AND (key, value) IN "                           \
                   "(SELECT key, value FROM json_each((SELECT labels FROM evaluations WHERE sequence = ?1)))")         \
  X(DELETE_PLAN, "DELETE FROM plans WHERE sequence = ?1 AND NOT EXISTS (SELECT 1 FROM labels WHERE key = "             \
                 "'" STORE_LABEL_KEEP "' AND value = '" STORE_LABEL_KEEP_PROGRAM "' AND sequence = ?1)")               \
  X(INSERT_OUTPUTS,                                                                                                    \
    "INSERT INTO outputs (sequence, stdout_file, stderr_file, compile_file, stdout, stderr, compile, runs) "           \
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                                         \
  X(INSERT_DELIVERY, "INSERT INTO deliveries (sequence, host, state, attempts, asked_at, due_at, tried_at, status, "   \
                     "message) VALUES (?1, ?2, 'pending', 0, ?3, ?3, 0, 0, '')")                                       \
  X(DELIVERY,                                                                                                          \
    "SELECT " DELIVERY_COLUMNS " FROM evaluations AS e CROSS JOIN deliveries AS d ON d.sequence = e.sequence "         \
    "WHERE e.sequence = ?1")                                                                                           \
  X(DELIVERY_TRIED, "UPDATE deliveries SET state = ?2, attempts = ?3, due_at = ?4, tried_at = ?5, status = ?6, "       \
                    "message = ?7 WHERE sequence = ?1")                                                                \
  X(DELIVERY_AGAIN, "UPDATE deliveries SET state = 'pending', attempts = 0, asked_at = ?2, due_at = ?2 "               \
                    "WHERE sequence = ?1")                                                                             \
  X(DELIVERIES_HOST,                                                                                                   \
    "SELECT host FROM deliveries INDEXED BY deliveries_by_host WHERE due_at IS NOT NULL AND host > ?1 "                \
    "ORDER BY host LIMIT 1")                                                                                           \
  X(DELIVERIES_DUE, "SELECT " ROW_COLUMNS ", " DELIVERY_COLUMNS " FROM deliveries AS d INDEXED BY deliveries_by_host " \
                    "CROSS JOIN evaluations AS e ON e.sequence = d.sequence "                                          \
                    "WHERE d.host = ?1 AND d.due_at <= ?2 ORDER BY d.due_at LIMIT ?3")                                 \
  X(DELIVERIES_NEXT, "SELECT due_at FROM deliveries INDEXED BY deliveries_by_time WHERE due_at > ?1 "                  \
                     "ORDER BY due_at LIMIT 1")                                                                        \
  X(DELIVERIES_PENDING, "SELECT count(*) FROM deliveries INDEXED BY deliveries_by_time WHERE due_at > ?1")             \
  X(DELETE_DELIVERY, "DELETE FROM deliveries WHERE sequence = ?1")                                                     \
  X(GET, "SELECT " ROW_COLUMNS " FROM evaluations AS e WHERE e.id = ?1")                                               \
  X(GET_PLAN, "SELECT plan FROM plans WHERE sequence = ?1")                                                            \
  X(GET_OUTPUTS, "SELECT stdout_file, stderr_file, compile_file, stdout, stderr, compile, runs FROM outputs "          \
                 "WHERE sequence = ?1")                                                                                \
  X(EACH_OPEN, "SELECT " ROW_COLUMNS ", p.plan FROM evaluations AS e INDEXED BY evaluations_open "                     \
               "LEFT JOIN plans AS p ON p.sequence = e.sequence WHERE e.verdict IS NULL ORDER BY e.sequence")          \
  X(DELETE_LABELS, "DELETE FROM labels WHERE sequence = ?1 AND (key, value) IN "                                       \
                   "(SELECT key, value FROM json_each((SELECT labels FROM evaluations WHERE sequence = ?1)))")         \
  X(DELETE_KEPT_PLAN, "DELETE FROM plans WHERE sequence = ?1")                                                         \
  X(DELETE_OUTPUTS, "DELETE FROM outputs WHERE sequence = ?1")                                                         \
  X(DELETE, "DELETE FROM evaluations WHERE sequence = ?1 AND verdict IS NOT NULL")                                     \
  X(OLDEST, "SELECT " ROW_COLUMNS " FROM evaluations AS e WHERE e.sequence > 0 AND e.verdict IS NOT NULL "             \
            "AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.sequence = e.sequence AND d.due_at IS NOT NULL) "   \
            "ORDER BY e.sequence LIMIT ?1")                                                                            \
  X(INSERT_TOKEN, "INSERT INTO tokens (name, digest, scopes, limits, created_at) VALUES (?1, ?2, ?3, ?4, ?5) "         \
                  "ON CONFLICT (name) DO NOTHING")                                                                     \
  X(DELETE_TOKEN, "DELETE FROM tokens WHERE name = ?1")                                                                \
  X(EACH_TOKEN, "SELECT name, digest, scopes, limits, created_at FROM tokens WHERE name > '' ORDER BY name")           \
  X(FIND_BATCH_LINE, "SELECT id, body_digest FROM evaluations INDEXED BY evaluations_by_batch_line "                   \
                     "WHERE batch = ?1 AND batch_line = ?2")                                                           \
  X(FORGET_BATCH_ERROR, "DELETE FROM batch_errors WHERE batch = ?1 AND line = ?2")                                     \
  X(ACCEPT_BATCH_LINE, "UPDATE batches SET accepted = accepted + 1, rejected = rejected - ?3, "                        \
                       "received = max(received, ?2) WHERE id = ?1 AND cancelled_at IS NULL")                          \
  X(REJECT_BATCH_LINE, "UPDATE batches SET rejected = rejected + (?2 > received), received = max(received, ?2) "       \
                       "WHERE id = ?1 RETURNING rejected")                                                             \
  X(INSERT_BATCH_ERROR, "INSERT OR IGNORE INTO batch_errors (batch, line, errors) VALUES (?1, ?2, ?3)")                \
  X(FINISH_BATCH_LINE, "UPDATE batches SET finished = finished + 1 WHERE id = ?1 RETURNING finished")                  \
  X(PLACE_IN_BATCH, "UPDATE evaluations SET batch_place = ?2 WHERE sequence = ?1")                                     \
  X(COUNT_BATCH_VERDICT, "INSERT INTO batch_verdicts (batch, verdict, evaluations) VALUES (?1, ?2, 1) "                \
                         "ON CONFLICT (batch, verdict) DO UPDATE SET evaluations = evaluations + 1")                   \
  X(INSERT_BATCH, "INSERT INTO batches (id, idempotency_key, created_at) VALUES (?1, ?2, ?3)")                         \
  X(COMPLETE_BATCH, "UPDATE batches SET lines = ?2, received = max(received, ?2) WHERE id = ?1")                       \
  X(CANCEL_BATCH, "UPDATE batches SET cancelled_at = ?2 WHERE id = ?1 AND cancelled_at IS NULL")                       \
  X(CANCEL_BATCH_OPEN, "UPDATE evaluations AS e INDEXED BY evaluations_open SET cancelled_at = ?2 "                    \
                       "WHERE e.verdict IS NULL AND e.batch = ?1 AND e.cancelled_at IS NULL")                          \
  X(GET_BATCH, "SELECT " BATCH_COLUMNS " FROM batches WHERE id = ?1")                                                  \
  X(FIND_BATCH, "SELECT " BATCH_COLUMNS " FROM batches INDEXED BY batches_by_key WHERE idempotency_key = ?1")          \
  X(GET_BATCH_VERDICTS, "SELECT verdict, evaluations FROM batch_verdicts WHERE batch = ?1")                            \
  X(BATCH_BY_LINE, "SELECT " ROW_COLUMNS " FROM evaluations AS e INDEXED BY evaluations_by_batch_line "                \
                   "WHERE e.batch = ?1 AND e.batch_line > ?2 ORDER BY e.batch_line LIMIT ?3")                          \
  X(BATCH_BY_PLACE, "SELECT " ROW_COLUMNS " FROM evaluations AS e INDEXED BY evaluations_by_batch_place "              \
                    "WHERE e.batch = ?1 AND e.batch_place > ?2 ORDER BY e.batch_place LIMIT ?3")                       \
  X(BATCH_DIGESTS, "SELECT batch_line, body_digest, NULL FROM evaluations INDEXED BY evaluations_by_batch_line "       \
                   "WHERE batch = ?1 AND batch_line > ?2 ORDER BY batch_line LIMIT ?3")                                \
  X(BATCH_ERRORS, "SELECT line, 0, errors FROM batch_errors WHERE batch = ?1 AND line > ?2 ORDER BY line LIMIT ?3")    \
  X(ANY_OF_BATCH, "SELECT 1 FROM evaluations INDEXED BY evaluations_by_batch_line WHERE batch = ?1 LIMIT 1")           \
  X(ALL_REFUSED_BATCH, "SELECT id FROM batches INDEXED BY batches_all_refused "                                        \
                       "WHERE accepted = 0 AND lines IS NOT NULL AND created_at < ?1 ORDER BY created_at LIMIT 1")     \
  X(DELETE_BATCH_ERRORS, "DELETE FROM batch_errors WHERE batch = ?1")                                                  \
  X(DELETE_BATCH_VERDICTS, "DELETE FROM batch_verdicts WHERE batch = ?1")                                              \
  X(DELETE_BATCH, "DELETE FROM batches WHERE id = ?1")                                                                 \
  X(LIST, "SELECT " ROW_COLUMNS " FROM evaluations AS e WHERE e.sequence < ?1 ORDER BY e.sequence DESC LIMIT ?2")      \
  X(LIST_VERDICT, "SELECT " ROW_COLUMNS " FROM evaluations AS e INDEXED BY evaluations_by_verdict "                    \
                  "WHERE e.verdict = ?3 AND e.sequence < ?1 ORDER BY e.sequence DESC LIMIT ?2")                        \
  X(LIST_LABEL, "SELECT " ROW_COLUMNS " FROM labels AS l CROSS JOIN evaluations AS e ON e.sequence = l.sequence "      \
                "WHERE l.key = ?4 AND l.value = ?5 AND l.sequence < ?1 ORDER BY l.sequence DESC LIMIT ?2")             \
  X(LIST_LABEL_VERDICT, "SELECT " ROW_COLUMNS " FROM labels AS l INDEXED BY labels_by_verdict "                        \
                        "CROSS JOIN evaluations AS e ON e.sequence = l.sequence WHERE l.key = ?4 AND l.value = ?5 "    \
                        "AND l.verdict = ?3 AND l.sequence < ?1 ORDER BY l.sequence DESC LIMIT ?2")

enum statement {
#define X(name, sql) STATEMENT_##name,
  STATEMENTS(X)
#undef X
    STATEMENT_COUNT
};
