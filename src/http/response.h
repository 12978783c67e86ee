#pragma once

/* Text of answers: heads and problem documents. Pure. */

#include "base/buffer.h"
#include "http/server.h"

#include <stdbool.h>

struct response_frame {
  enum { FRAME_OF_LENGTH, FRAME_CHUNKED, FRAME_UNTIL_CLOSED } kind;
  uint64_t content_length; /* FRAME_OF_LENGTH */
  bool keep_alive;
  const char *date; /* RFC 9110, section 5.6.7 */
};

void response_put_head(struct buffer *head, const struct http_response *response, const struct response_frame *frame);

/* RFC 9457. `detail` may be any bytes: what is not UTF-8 becomes U+FFFD. */
void response_put_problem(struct buffer *body, int status, const char *title, const char *detail);
const char *response_reason(int status); /* "Not Found"; "" when it is not known */

enum { DATE_SIZE = 32 };
void response_format_date(int64_t unix_seconds, char text[static DATE_SIZE]);
