/*
 * The results as one page that needs nothing but itself. What programs wrote is hostile: everything is escaped, nothing is
 * loaded, and the page's own policy forbids scripts.
 */

#include "cli/batch.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 32, SLOWEST = 20, FAILED_MAX = 200, STDERR_BYTES_MAX = 4096 };

/* Of powers of two: bucket i holds values below 2^i. */
struct histogram {
  const char *title, *unit;
  uint64_t unit_size;
  uint64_t count[BUCKETS];
};

/* One that is shown by itself. */
struct shown {
  json_int_t line, wall_time_ms;
  char *id, *status, *reason, *stderr_text;
};

struct report {
  struct batch_tally tally;
  struct histogram time, memory;
  struct shown slowest[SLOWEST]; /* slowest first */
  size_t slowest_count;
  struct shown failed[FAILED_MAX]; /* the first of them */
  size_t failed_count;
  uint64_t failed_all;
};

/* Gathering. */

static void histogram_add(struct histogram *histogram, json_int_t value)
{
  uint64_t units = value > 0 ? (uint64_t)value / histogram->unit_size : 0;
  size_t bucket = 0;
  while (units && bucket < BUCKETS - 1) {
    units /= 2;
    bucket++;
  }
  histogram->count[bucket]++;
}

static void shown_release(struct shown *shown)
{
  free(shown->id);
  free(shown->status);
  free(shown->reason);
  free(shown->stderr_text);
}

static char *end_of_stderr(const json_t *evaluation)
{
  const char *text = json_text_at(evaluation, "stderr.text");
  size_t size = json_string_length(json_at(evaluation, "stderr.text"));
  size_t skip = size > STDERR_BYTES_MAX ? size - STDERR_BYTES_MAX : 0;
  while (skip < size && ((unsigned char)text[skip] & 0xc0) == 0x80) /* not from within a character */
    skip++;
  return xasprintf("%s%s", skip ? "…" : "", text + skip);
}

static struct shown shown_make(const json_t *evaluation)
{
  return (struct shown){
    .line = json_integer_value(json_at(evaluation, "batch.line")),
    .wall_time_ms = json_integer_value(json_at(evaluation, "usage.wall_time_ms")),
    .id = xstrdup(evaluation_id(evaluation)),
    .status = xstrdup(json_text_at(evaluation, "status")),
    .reason = xstrdup(json_text_at(evaluation, "verdict.reason")),
    .stderr_text = end_of_stderr(evaluation),
  };
}

static void keep_if_slow(struct report *report, const json_t *evaluation)
{
  json_int_t wall_time_ms = json_integer_value(json_at(evaluation, "usage.wall_time_ms"));
  size_t place = report->slowest_count;
  while (place && report->slowest[place - 1].wall_time_ms < wall_time_ms)
    place--;
  if (place == SLOWEST)
    return;
  if (report->slowest_count == SLOWEST)
    shown_release(&report->slowest[--report->slowest_count]);
  memmove(&report->slowest[place + 1], &report->slowest[place],
          (report->slowest_count - place) * sizeof *report->slowest);
  report->slowest[place] = shown_make(evaluation);
  report->slowest_count++;
}

static void add(struct report *report, const json_t *evaluation)
{
  const json_t *memory = json_at(evaluation, "usage.memory_peak_bytes");
  histogram_add(&report->time, json_integer_value(json_at(evaluation, "usage.wall_time_ms")));
  if (memory)
    histogram_add(&report->memory, json_integer_value(memory));
  keep_if_slow(report, evaluation);
  if (strcmp(json_text_at(evaluation, "status"), "completed") == 0)
    return;
  report->failed_all++;
  if (report->failed_count < FAILED_MAX)
    report->failed[report->failed_count++] = shown_make(evaluation);
}

static bool gather(struct report *report, const char *path, struct error *error)
{
  CLEANUP_FREE char *line = 0;
  size_t capacity = 0;
  FILE *results = fopen(path, "re");
  if (!results)
    return error_errno(error, "cannot read %s", path);
  for (ssize_t length; (length = getline(&line, &capacity, results)) > 0;) {
    CLEANUP_JSON json_t *evaluation = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, 0);
    if (batch_tally_line(&report->tally, line, (size_t)length))
      add(report, evaluation);
  }
  bool good = !ferror(results) || error_errno(error, "cannot read %s", path);
  fclose(results);
  return good;
}

static void report_release(struct report *report)
{
  for (size_t i = 0; i < report->slowest_count; i++)
    shown_release(&report->slowest[i]);
  for (size_t i = 0; i < report->failed_count; i++)
    shown_release(&report->failed[i]);
  free(report);
}

/* Writing. */

/* Text and nothing else, wherever it stands. */
static void put_text(struct buffer *page, const char *text)
{
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (strchr("<>&\"'", c))
      buffer_printf(page, "&#%u;", c);
    else if (c < ' ' && c != '\n' && c != '\t')
      buffer_puts(page, "\xef\xbf\xbd"); /* U+FFFD: no control character is valid in HTML */
    else
      buffer_append(page, &c, 1);
  }
}

static void put_bar(struct buffer *page, const char *label, uint64_t count, uint64_t most, uint64_t all)
{
  buffer_puts(page, "<tr><td>");
  put_text(page, label);
  buffer_printf(
    page, "<td class=n>%" PRIu64 "<td class=n>%.1f %%<td class=w><div class=b style=\"width:%.1f%%\"></div>\n", count,
    all ? 100.0 * (double)count / (double)all : 0.0, most ? 100.0 * (double)count / (double)most : 0.0);
}

static void put_verdicts(struct buffer *page, const struct batch_tally *tally, uint64_t refused)
{
  uint64_t most = refused;
  for (size_t i = 0; i < tally->verdict_count; i++)
    most = tally->verdicts[i].count > most ? tally->verdicts[i].count : most;
  buffer_puts(page, "<h2>Verdicts</h2><table>\n");
  for (size_t i = 0; i < tally->verdict_count; i++)
    put_bar(page, tally->verdicts[i].name, tally->verdicts[i].count, most, tally->ended + refused);
  if (refused)
    put_bar(page, "(refused lines)", refused, most, tally->ended + refused);
  buffer_puts(page, "</table>\n");
}

static void put_histogram(struct buffer *page, const struct histogram *histogram)
{
  uint64_t most = 0, all = 0;
  size_t first = BUCKETS, last = 0;
  for (size_t i = 0; i < BUCKETS; i++) {
    most = histogram->count[i] > most ? histogram->count[i] : most;
    all += histogram->count[i];
    first = histogram->count[i] && first == BUCKETS ? i : first;
    last = histogram->count[i] ? i : last;
  }
  buffer_printf(page, "<h2>%s</h2><table>\n", histogram->title);
  for (size_t i = first; all && i <= last; i++) {
    CLEANUP_FREE char *label = xasprintf("below %" PRIu64 " %s", UINT64_C(1) << i, histogram->unit);
    put_bar(page, label, histogram->count[i], most, all);
  }
  buffer_puts(page, all ? "</table>\n" : "</table><p>Not measured.\n");
}

static void put_shown(struct buffer *page, const struct shown *shown)
{
  buffer_printf(page, "<tr><td class=n>%" JSON_INTEGER_FORMAT "<td>", shown->line);
  put_text(page, shown->status);
  buffer_printf(page, "<td class=n>%" JSON_INTEGER_FORMAT " ms<td>", shown->wall_time_ms);
  put_text(page, shown->reason);
  buffer_puts(page, "<td><code>");
  put_text(page, shown->id);
  buffer_puts(page, "</code>\n");
  if (!*shown->stderr_text)
    return;
  buffer_puts(page, "<tr><td><td colspan=4><pre>\n"); /* a first line feed within <pre> is none of the text's */
  put_text(page, shown->stderr_text);
  buffer_puts(page, "</pre>\n");
}

static void put_table(struct buffer *page, const char *title, const struct shown *shown, size_t count)
{
  buffer_printf(page, "<h2>%s</h2><table>\n<tr><th>Line<th>Verdict<th>Time<th>Reason<th>Evaluation\n", title);
  for (size_t i = 0; i < count; i++)
    put_shown(page, &shown[i]);
  buffer_puts(page, "</table>\n");
}

static void put_page(struct buffer *page, const struct report *report, const json_t *batch)
{
  buffer_puts(page,
              "<!DOCTYPE html>\n<html lang=en><meta charset=utf-8>\n"
              "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
              "<title>Assay: a batch</title>\n"
              "<style>body{font:15px sans-serif;margin:2em auto;max-width:70em;padding:0 1em}"
              "table{border-collapse:collapse;width:100%}td,th{padding:.2em .6em;text-align:left;vertical-align:top;"
              "border-top:1px solid #8884}.n{text-align:right;white-space:nowrap}.w{width:50%}"
              ".b{background:#48a;height:1em;min-width:1px}pre{margin:0;overflow:auto;max-height:20em;"
              "background:#8882;padding:.5em;white-space:pre-wrap}</style>\n<h1>Batch ");
  put_text(page, json_text_at(batch, "id"));
  buffer_printf(page, "</h1><p>%" PRIu64 " evaluations, begun ", report->tally.ended);
  put_text(page, json_text_at(batch, "created_at"));
  buffer_puts(page, ".\n");
  put_verdicts(page, &report->tally, (uint64_t)json_integer_value(json_at(batch, "rejected")));
  put_histogram(page, &report->time);
  put_histogram(page, &report->memory);
  put_table(page, "The slowest", report->slowest, report->slowest_count);
  put_table(page, "Those that did not complete", report->failed, report->failed_count);
  if (report->failed_all > report->failed_count)
    buffer_printf(page, "<p>And %" PRIu64 " more.\n", report->failed_all - report->failed_count);
}

bool batch_report_write(const char *results_path, const char *report_path, const json_t *batch, struct error *error)
{
  CLEANUP_BUFFER struct buffer page = {0};
  struct report *report = xcalloc(1, sizeof *report);
  report->time = (struct histogram){.title = "Time", .unit = "ms", .unit_size = 1};
  report->memory = (struct histogram){.title = "Memory at its peak", .unit = "MiB", .unit_size = 1 << 20};
  bool good = gather(report, results_path, error);
  if (good)
    put_page(&page, report, batch);
  report_release(report);
  if (!good)
    return false;
  FILE *file = fopen(report_path, "we");
  good = file && fwrite(page.data, 1, page.size, file) == page.size;
  if (file)
    good = fclose(file) == 0 && good;
  return good || error_errno(error, "cannot write %s", report_path);
}
