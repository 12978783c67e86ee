#pragma once

/*
 * Every statement that the store runs while it serves, prepared once. None of them may walk through a table: what a
 * million finished evaluations cost, a thousand must (tests/unit/store asks EXPLAIN QUERY PLAN of each of them).
 */

#include "store/sqlite/rows.h"
#include "store/store.h"

/* ?1 sequence to stay below, ?2 how many, ?3 verdict, ?4 label key, ?5 label value */

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
  X(GET, "SELECT " ROW_COLUMNS " FROM evaluations AS e WHERE e.id = ?1")                                               \
  X(GET_PLAN, "SELECT plan FROM plans WHERE sequence = ?1")                                                            \
  X(GET_OUTPUTS, "SELECT stdout_file, stderr_file, compile_file, stdout, stderr, compile, runs FROM outputs "          \
                 "WHERE sequence = ?1")                                                                                \
  X(EACH_OPEN, "SELECT " ROW_COLUMNS ", p.plan FROM evaluations AS e INDEXED BY evaluations_open "                     \
               "LEFT JOIN plans AS p ON p.sequence = e.sequence WHERE e.verdict IS NULL ORDER BY e.sequence")          \
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
