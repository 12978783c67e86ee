#pragma once

/*
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): the headers traceparent and tracestate of a submission, by which its
 * client finds the evaluation again among his traces. We make no spans, so what came is passed on: to the log, and to the
 * webhook's receiver. Nothing is begun where nothing came, and what is not valid is ignored, as the standard has it.
 */

#include "base/log.h"
#include "core/evaluation.h"
#include "http/server.h"

enum { TRACEPARENT_SIZE = 56, TRACESTATE_MEMBERS_MAX = 32, TRACESTATE_BYTES_MAX = 512 };

/* Section 3.2: false where it is not valid. Of a version after ours, what ours knows of it. */
bool traceparent_read(const char *text, char ret[static TRACEPARENT_SIZE]);

/* Section 3.3: the members of one field appended to `ret`, which has `*count` of them. False where it is not valid. A member
 * that would be behind TRACESTATE_BYTES_MAX is left out. */
bool tracestate_read(const char *text, struct buffer *ret, unsigned *count);

/* The evaluation's from the request's, in place of what it had. */
void trace_take(const struct http_request *request, struct evaluation *evaluation);

/* For lines of the log that concern this evaluation. */
#define TRACE_FIELDS(evaluation) ((const struct log_field[]){{"traceparent", (evaluation)->traceparent}, {0}})
