#pragma once

/*
 * One error object for the whole program.
 *
 * A function that can fail returns bool, a pointer or a negative errno and fills the caller's `struct error`. Each
 * caller on the way up may add what it was trying to do with error_wrap(). Nothing here allocates, so the error path
 * works when memory does not. Code that returns an error does not log it; whoever stops it does, once.
 *
 * Every function accepts a NULL error: the caller then only wants to know that it failed.
 * Messages: lower case, the problem first, no full stop. Thread: any; an error belongs to its owner's stack.
 */

#include <stdarg.h>
#include <stdbool.h>

/* kind, HTTP status, title. The HTTP status and the title are what RFC 9457 calls by those names. */
#define ERROR_KINDS(X)                                                                                                 \
  X(INTERNAL, 500, "internal error")                                                                                   \
  X(INVALID, 400, "invalid request")                                                                                   \
  X(UNAUTHORIZED, 401, "authentication required")                                                                      \
  X(FORBIDDEN, 403, "not allowed")                                                                                     \
  X(NOT_FOUND, 404, "not found")                                                                                       \
  X(METHOD_NOT_ALLOWED, 405, "method not allowed")                                                                     \
  X(TIMEOUT, 408, "request took too long")                                                                             \
  X(CONFLICT, 409, "conflict")                                                                                         \
  X(TOO_LARGE, 413, "content too large")                                                                               \
  X(UNSUPPORTED_MEDIA, 415, "unsupported media type")                                                                  \
  X(BAD_RANGE, 416, "range not satisfiable")                                                                           \
  X(OVERLOADED, 429, "too many requests")                                                                              \
  X(HEADERS_TOO_LARGE, 431, "request header fields too large")                                                         \
  X(UNAVAILABLE, 503, "service unavailable")                                                                           \
  X(NO_SPACE, 507, "insufficient storage")

enum error_kind {
#define X(name, status, title) ERROR_##name,
  ERROR_KINDS(X)
#undef X
};

enum { ERROR_MESSAGE_SIZE = 512 };

struct error {
  enum error_kind kind;
  int code; /* errno value, or 0 */
  char message[ERROR_MESSAGE_SIZE];
};

/* Fills `error` and returns false, so that `return error_set(…)` ends a function that returns bool. */
__attribute__((format(printf, 4, 5))) bool error_set(struct error *error, enum error_kind kind, int code,
                                                     const char *format, ...);

/* The same for a failed system call: kind INTERNAL, `code` = errno, and ": strerror" after the message. */
__attribute__((format(printf, 2, 3))) bool error_errno(struct error *error, const char *format, ...);

/* Puts "what: " before the message and returns false. */
__attribute__((format(printf, 2, 3))) bool error_wrap(struct error *error, const char *format, ...);

/* They return false whatever happens. Said here, a compiler and an analyser know it without seeing their bodies. */
static inline bool error_returns_false(bool result)
{
  (void)result;
  return false;
}
#define error_set(...) error_returns_false(error_set(__VA_ARGS__))
#define error_errno(...) error_returns_false(error_errno(__VA_ARGS__))
#define error_wrap(...) error_returns_false(error_wrap(__VA_ARGS__))

int error_http_status(enum error_kind kind);
const char *error_title(enum error_kind kind);

/* A failed invariant of our own: says where and aborts, in release builds too. */
_Noreturn void assertion_failed(const char *expression, const char *file, int line);
#define ASSERT(expression) ((expression) ? (void)0 : assertion_failed(#expression, __FILE__, __LINE__))
