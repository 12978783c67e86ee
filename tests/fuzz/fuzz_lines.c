/* A batch's body into lines: how it is cut changes nothing. The first byte says where. */

#include "api/batches/lines.h"

#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>
#include <string.h>

enum { LINE_BYTES_MAX = 40 };

static void read_lines(const uint8_t *body, size_t size, size_t piece, struct buffer *ret)
{
  CLEANUP_BUFFER struct buffer there = {0};
  struct lines lines = {.bytes_max = LINE_BYTES_MAX};
  size_t given = 0, line_size = 0;
  const char *text = "";
  for (enum line_found found;
       (found = lines_next(&lines, there.data, there.size, given == size, &text, &line_size)) != LINE_NO_MORE;) {
    if (found == LINE_WANTED) {
      buffer_consume(&there, lines.begin);
      lines_dropped(&lines);
      size_t more = piece < size - given ? piece : size - given;
      buffer_append(&there, body + given, more);
      given += more;
      continue;
    }
    buffer_printf(ret, "%d %d ", (int)lines.number, (int)found);
    if (found == LINE_THERE)
      buffer_append(ret, text, line_size);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP_BUFFER struct buffer whole = {0}, cut = {0};
  if (size < 2)
    return 0;
  read_lines(data + 1, size - 1, size - 1, &whole);
  read_lines(data + 1, size - 1, 1 + data[0] % 16u, &cut);
  ASSERT(whole.size == cut.size && (!whole.size || !memcmp(whole.data, cut.data, whole.size)));
  return 0;
}
