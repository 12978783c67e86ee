#include "cli/batch.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/inert.h"
#include "cli/print.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { TERMINAL_MS = 100, LINE_MS = 5000, BAR_CELLS = 24 };

static double seconds_since(struct mono then)
{
  return (double)(mono_now().us - then.us) / 1e6;
}

/* Of this run: what was there before came for nothing. */
static double rate_of(const struct batch_progress *progress)
{
  double seconds = seconds_since(progress->begun);
  return seconds > 0 ? (double)(progress->files->tally.ended - progress->ended_before) / seconds : 0;
}

static void put_duration(struct buffer *text, double seconds)
{
  uint64_t whole = (uint64_t)seconds;
  if (whole >= 3600)
    buffer_printf(text, "%" PRIu64 "h%02um", whole / 3600, (unsigned)(whole / 60 % 60));
  else if (whole >= 60)
    buffer_printf(text, "%um%02us", (unsigned)(whole / 60), (unsigned)(whole % 60));
  else
    buffer_printf(text, "%us", (unsigned)whole);
}

static void put_bar(struct buffer *text, uint64_t ended, uint64_t lines)
{
  unsigned filled = lines ? (unsigned)(ended * BAR_CELLS / lines) : BAR_CELLS;
  buffer_puts(text, "[");
  for (unsigned i = 0; i < BAR_CELLS; i++)
    buffer_puts(text, i < filled ? "#" : "·");
  buffer_puts(text, "] ");
}

static void put_progress(const struct batch_progress *progress, struct buffer *text)
{
  const struct batch_tally *tally = &progress->files->tally;
  uint64_t lines = progress->files->lines;
  double rate = rate_of(progress);
  if (progress->is_terminal)
    put_bar(text, tally->ended < lines ? tally->ended : lines, lines);
  buffer_printf(text, "%" PRIu64 "/%" PRIu64 "  %.1f/s", tally->ended, lines, rate);
  if (rate > 0 && lines > tally->ended) {
    buffer_puts(text, "  ");
    put_duration(text, (double)(lines - tally->ended) / rate);
    buffer_puts(text, " left");
  }
  for (size_t i = 0; i < tally->verdict_count; i++) {
    CLEANUP_FREE char *name = inert_line(tally->verdicts[i].name);
    buffer_printf(text, "  %s %" PRIu64, name, tally->verdicts[i].count);
  }
}

static void print_progress(const struct batch_progress *progress)
{
  CLEANUP_BUFFER struct buffer text = {0};
  put_progress(progress, &text);
  if (progress->is_terminal)
    fprintf(stderr, "\r\033[K%s", text.data); /* back to the beginning, and clear the line */
  else
    fprintf(stderr, "assay: %s\n", text.data);
  fflush(stderr);
}

void batch_progress_begin(struct batch_progress *progress, const struct batch_files *files)
{
  *progress = (struct batch_progress){
    .files = files,
    .is_terminal = isatty(STDERR_FILENO),
    .begun = mono_now(),
    .ended_before = files->tally.ended,
  };
  if (files->is_going_on)
    fprintf(stderr, "assay: going on: %" PRIu64 " of %" PRIu64 " have ended\n", files->tally.ended, files->lines);
}

void batch_progress_show(struct batch_progress *progress)
{
  struct mono now = mono_now();
  if (now.us < mono_add_ms(progress->shown, progress->is_terminal ? TERMINAL_MS : LINE_MS).us)
    return;
  progress->shown = now;
  print_progress(progress);
}

void batch_progress_end(struct batch_progress *progress)
{
  print_progress(progress);
  if (progress->is_terminal)
    fputc('\n', stderr);
}

static void add_row(struct table *table, const char *name, uint64_t count, uint64_t all)
{
  CLEANUP_FREE char *number = xasprintf("%" PRIu64, count);
  CLEANUP_FREE char *share = xasprintf("%.1f %%", all ? 100.0 * (double)count / (double)all : 0.0);
  table_row(table, (const char *const[]){name, number, share});
}

void batch_summary_print(const struct batch_progress *progress, const json_t *batch)
{
  static const struct column columns[] = {{"VERDICT", COLUMN_LEFT}, {"NUMBER", COLUMN_RIGHT}, {"SHARE", COLUMN_RIGHT}};
  const struct batch_tally *tally = &progress->files->tally;
  uint64_t refused = (uint64_t)json_integer_value(json_at(batch, "rejected")), all = tally->ended + refused;
  struct table *table = table_create(columns, sizeof columns / sizeof *columns, true);
  for (size_t i = 0; i < tally->verdict_count; i++)
    add_row(table, tally->verdicts[i].name, tally->verdicts[i].count, all);
  if (refused)
    add_row(table, "(refused)", refused, all);
  add_row(table, "all", all, all);
  table_print(table);
  table_destroy(table);
}
