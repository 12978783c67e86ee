#pragma once

/*
 * Why the server itself turns a request away, before any handler has seen it: one row for each reason, with the status
 * and the sentence that the client reads. After a refusal nothing that the client sent can be trusted to be framed as
 * we think it is (RFC 9112, section 2.2 and 11.2), so the connection is always closed.
 */

#include "base/error.h"

/* name, HTTP status, detail */
#define REFUSALS(X)                                                                                                    \
  X(SYNTAX, 400, "the request is malformed")                                                                           \
  X(BARE_LF, 400, "a line ends with LF instead of CR LF")                                                              \
  X(BARE_CR, 400, "a CR is not followed by LF")                                                                        \
  X(CONTROL_CHARACTER, 400, "the head contains a control character")                                                   \
  X(REQUEST_LINE, 400, "the request line is not METHOD SP TARGET SP VERSION")                                          \
  X(METHOD, 501, "the method is not known here")                                                                       \
  X(VERSION, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here")                                                        \
  X(TARGET, 400, "the request target is malformed")                                                                    \
  X(PERCENT_ENCODING, 400, "the request target contains an invalid percent-encoding or %00")                           \
  X(FIELD, 400, "a header field is not NAME: VALUE")                                                                   \
  X(OBS_FOLD, 400, "a header field is folded over more than one line")                                                 \
  X(HOST_MISSING, 400, "the Host field is missing")                                                                    \
  X(HOST_REPEATED, 400, "the Host field is there more than once")                                                      \
  X(HOST, 400, "the Host field is not a host and port")                                                                \
  X(CONTENT_LENGTH, 400, "Content-Length is not one decimal number, given once and without Transfer-Encoding")         \
  X(TRANSFER_CODING, 501, "the only transfer coding understood is chunked")                                            \
  X(TRANSFER_CODING_HTTP_1_0, 400, "an HTTP/1.0 request cannot have a Transfer-Encoding")                              \
  X(CHUNK, 400, "the chunked body is malformed")                                                                       \
  X(EXPECTATION, 417, "the only expectation understood is 100-continue")                                               \
  X(HEAD_TOO_LARGE, 431, "the request line and header fields are too long")                                            \
  X(FIELDS_TOO_MANY, 431, "there are too many header fields")                                                          \
  X(BODY_TOO_LARGE, 413, "the body is larger than this server takes")                                                  \
  X(HEAD_SLOW, 408, "the request line and header fields took too long to arrive")                                      \
  X(BODY_SLOW, 408, "the body stopped arriving")                                                                       \
  X(NO_MEMORY, 503, "there is no memory for the body just now: try again")                                             \
  X(BODIES_TOO_LARGE, 503, "too many large requests at once: try again")                                               \
  X(CONNECTIONS_TOO_MANY, 503, "too many connections: try again")

enum refusal {
  REFUSAL_NONE,
#define X(name, status, detail) REFUSAL_##name,
  REFUSALS(X)
#undef X
};

int refusal_status(enum refusal refusal);
const char *refusal_detail(enum refusal refusal);
