/*
 * Whatever a log holds, and however it is cut, is decoded to the same; and what was decoded as a frame is that again when it
 * has been encoded. A sealed record that nobody sealed is not opened.
 *
 * No fuzzer finds a line that agrees with the digest at its end. So every line is also given with the right one.
 */

#include "wire/frames.h"
#include "wire/seal.h"

#include <inttypes.h>
#include <string.h>

struct told {
  uint64_t digest, events;
};

static void check_frame(const struct frame *frame)
{
  CLEANUP_BUFFER struct buffer line = {0};
  ASSERT((unsigned)frame->kind < FRAME_KIND_COUNT && frame->size <= FRAME_DATA_BYTES_MAX);
  frame_encode(frame, &line);
  ASSERT(line.size <= FRAME_LINE_BYTES_MAX);
}

static bool tell(void *context, const struct frames_event *event)
{
  struct told *told = context;
  const struct frame *frame = &event->frame;
  const bool is_frame = event->type == FRAMES_FRAME || event->type == FRAMES_REPEATED;
  uint64_t parts[] = {told->digest,
                      event->type,
                      event->missing,
                      is_frame ? frame->kind : 0,
                      frame->number,
                      frame->position,
                      is_frame ? digest_bytes(frame->size ? frame->data : "", frame->size) : 0,
                      event->text ? digest_bytes(event->text, event->text_size) : 0};
  if (is_frame)
    check_frame(frame);
  told->digest = digest_bytes(parts, sizeof parts);
  told->events++;
  return true;
}

static struct told decode(const void *data, size_t size, size_t piece)
{
  struct frames_decoder decoder = {0};
  struct told told = {0};
  for (size_t done = 0; done < size; done += piece) {
    const size_t part = size - done < piece ? size - done : piece;
    ASSERT(frames_decode(&decoder, (const char *)data + done, part, tell, &told));
    ASSERT(decoder.line.size <= FRAME_LINE_BYTES_MAX);
  }
  ASSERT(frames_end(&decoder, tell, &told));
  frames_decoder_release(&decoder);
  return told;
}

static void check_log(const void *data, size_t size)
{
  const struct told whole = decode(data, size, size ? size : 1);
  for (size_t piece = 1; piece < 40; piece += 13) {
    const struct told cut = decode(data, size, piece);
    ASSERT(cut.digest == whole.digest && cut.events == whole.events);
  }
}

/* The same lines, each with its digest behind it. */
static void close_lines(const char *data, size_t size, struct buffer *ret)
{
  while (size) {
    const char *end = memchr(data, '\n', size);
    const size_t length = end ? (size_t)(end - data) : size, begin = ret->size;
    buffer_append(ret, data, length);
    buffer_puts(ret, " ");
    buffer_printf(ret, "%016" PRIx64 "\n", digest_bytes(ret->data + begin, ret->size - begin));
    data += end ? length + 1 : length;
    size -= end ? length + 1 : length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const unsigned char key[SEAL_KEY_BYTES] = "nobody who makes inputs has it";
  struct record record;
  CLEANUP_BUFFER struct buffer closed = {0};
  check_log(data, size);
  close_lines((const char *)data, size, &closed);
  check_log(closed.data, closed.size);
  ASSERT(!seal_open(key, (const char *)data, size, &record, 0));
  return 0;
}
