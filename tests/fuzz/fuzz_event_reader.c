/* text/event-stream: how it is cut changes nothing of what is heard. The first byte says where. */

#include "cli/event_reader.h"

#include "base/memory.h"

#include <stdint.h>
#include <string.h>

struct heard {
  struct buffer text;
};

static bool hear(void *context, const char *name, const char *data, size_t size, struct error *error)
{
  struct heard *heard = context;
  (void)error;
  buffer_puts(&heard->text, name);
  buffer_append(&heard->text, data, size + 1); /* with its NUL */
  return true;
}

static void listen(const uint8_t *data, size_t size, size_t piece, struct event_reader *stream, struct heard *heard)
{
  *stream = (struct event_reader){.event = hear, .context = heard};
  for (size_t at = 0; at < size; at += piece)
    ASSERT(event_reader_feed(stream, data + at, piece < size - at ? piece : size - at, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct heard whole = {0}, cut = {0};
  struct event_reader at_once, in_pieces;
  if (size < 2)
    return 0;
  listen(data + 1, size - 1, size - 1, &at_once, &whole);
  listen(data + 1, size - 1, 1 + data[0] % 16u, &in_pieces, &cut);
  ASSERT(whole.text.size == cut.text.size && !strcmp(at_once.last_id, in_pieces.last_id));
  ASSERT(!whole.text.size || !memcmp(whole.text.data, cut.text.data, whole.text.size));
  buffer_release(&whole.text);
  buffer_release(&cut.text);
  event_reader_release(&at_once);
  event_reader_release(&in_pieces);
  return 0;
}
