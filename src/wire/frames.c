#include "wire/frames.h"

#include "base/base64.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TITLE "assay1 "
enum { DIGEST_DIGITS = 16, TEXT_SHOWN_MAX = 512 };

static const char *const kinds[FRAME_KIND_COUNT] = {
#define X(name, word) [FRAME_##name] = word,
  FRAME_KINDS(X)
#undef X
};

bool frames_begin(const void *text, size_t size)
{
  return size >= strlen(TITLE) && !memcmp(text, TITLE, strlen(TITLE));
}

void frame_encode(const struct frame *frame, struct buffer *ret)
{
  const size_t begin = ret->size;
  ASSERT(frame->size <= FRAME_DATA_BYTES_MAX);
  buffer_printf(ret, TITLE "%" PRIu64 " %" PRId64 " %s %" PRIu64 " ", frame->number, frame->at.ms, kinds[frame->kind],
                frame->position);
  base64_encode(frame->data, frame->size, ret);
  buffer_puts(ret, " ");
  buffer_printf(ret, "%016" PRIx64 "\n", digest_bytes(ret->data + begin, ret->size - begin));
  ASSERT(ret->size - begin <= FRAME_LINE_BYTES_MAX);
}

struct word {
  const char *text;
  size_t size;
};

/* Takes a word and the space behind it. */
static bool take_word(const char **next, const char *end, struct word *ret)
{
  const char *space = memchr(*next, ' ', (size_t)(end - *next));
  if (!space)
    return false;
  *ret = (struct word){*next, (size_t)(space - *next)};
  *next = space + 1;
  return true;
}

static bool take_number(const char **next, const char *end, uint64_t most, uint64_t *ret)
{
  struct word word;
  return take_word(next, end, &word) && parse_u64(word.text, word.size, most, ret);
}

static bool take_kind(const char **next, const char *end, enum frame_kind *ret)
{
  struct word word;
  if (!take_word(next, end, &word))
    return false;
  for (int kind = 0; kind < FRAME_KIND_COUNT; kind++)
    if (word.size == strlen(kinds[kind]) && !memcmp(word.text, kinds[kind], word.size)) {
      *ret = (enum frame_kind)kind;
      return true;
    }
  return false;
}

static bool has_digest(const char *line, const char *digest, const char *end)
{
  char expected[DIGEST_DIGITS + 1];
  snprintf(expected, sizeof expected, "%016" PRIx64, digest_bytes(line, (size_t)(digest - line)));
  return end - digest == DIGEST_DIGITS && !memcmp(digest, expected, DIGEST_DIGITS);
}

/* `data` holds the bytes of the frame. */
static bool parse(const char *line, size_t size, struct buffer *data, struct frame *ret)
{
  const char *next = line + strlen(TITLE), *end = line + size;
  struct frame frame = {0};
  struct word bytes;
  uint64_t at;
  if (!take_number(&next, end, UINT64_MAX - 1, &frame.number) || !take_number(&next, end, INT64_MAX, &at) ||
      !take_kind(&next, end, &frame.kind) || !take_number(&next, end, INT64_MAX, &frame.position) ||
      !take_word(&next, end, &bytes) || !has_digest(line, next, end) || !base64_decode(bytes.text, bytes.size, data) ||
      data->size > FRAME_DATA_BYTES_MAX)
    return false;
  frame.at.ms = (int64_t)at;
  frame.data = data->data;
  frame.size = data->size;
  *ret = frame;
  return true;
}

static bool tell_text(const struct frames_decoder *decoder, enum frames_event_type type, frames_take *take,
                      void *context)
{
  const size_t size = decoder->line.size;
  return take(context, &(struct frames_event){.type = type,
                                              .text = size ? decoder->line.data : "",
                                              .text_size = size < TEXT_SHOWN_MAX ? size : TEXT_SHOWN_MAX});
}

static bool tell_frame(struct frames_decoder *decoder, const struct frame *frame, frames_take *take, void *context)
{
  const struct frames_event event = {.type = frame->number < decoder->next ? FRAMES_REPEATED : FRAMES_FRAME,
                                     .frame = *frame};
  const struct frames_event gap = {
    .type = FRAMES_GAP, .frame.number = decoder->next, .missing = frame->number - decoder->next};
  if (frame->number > decoder->next && !take(context, &gap))
    return false;
  if (!take(context, &event))
    return false;
  if (event.type == FRAMES_FRAME)
    decoder->next = frame->number + 1;
  return true;
}

static bool take_line(struct frames_decoder *decoder, bool whole, frames_take *take, void *context)
{
  CLEANUP_BUFFER struct buffer data = {0};
  struct frame frame;
  bool taken;
  if (!frames_begin(decoder->line.data, decoder->line.size))
    taken = tell_text(decoder, FRAMES_FOREIGN, take, context);
  else if (!whole || decoder->too_long || !parse(decoder->line.data, decoder->line.size, &data, &frame))
    taken = tell_text(decoder, FRAMES_DAMAGED, take, context);
  else
    taken = tell_frame(decoder, &frame, take, context);
  buffer_clear(&decoder->line);
  decoder->too_long = false;
  return taken;
}

static void keep(struct frames_decoder *decoder, const char *data, size_t size)
{
  const size_t room = FRAME_LINE_BYTES_MAX - decoder->line.size;
  decoder->too_long |= size > room;
  buffer_append(&decoder->line, data, size < room ? size : room);
}

bool frames_decode(struct frames_decoder *decoder, const void *data, size_t size, frames_take *take, void *context)
{
  for (const char *next = data, *end = next + size; next < end;) {
    const char *line_end = memchr(next, '\n', (size_t)(end - next));
    keep(decoder, next, (size_t)((line_end ? line_end : end) - next));
    if (!line_end)
      return true;
    if (!take_line(decoder, true, take, context))
      return false;
    next = line_end + 1;
  }
  return true;
}

bool frames_end(struct frames_decoder *decoder, frames_take *take, void *context)
{
  return !decoder->line.size || take_line(decoder, false, take, context);
}

void frames_restart(struct frames_decoder *decoder, uint64_t next)
{
  buffer_clear(&decoder->line);
  decoder->too_long = false;
  decoder->next = next;
}

void frames_decoder_release(struct frames_decoder *decoder)
{
  buffer_release(&decoder->line);
}
