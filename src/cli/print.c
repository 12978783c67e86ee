#include "cli/print.h"

#include "base/fd.h"
#include "base/memory.h"
#include "cli/inert.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void print_json(const json_t *json)
{
  bool for_person = isatty(STDOUT_FILENO);
  CLEANUP_FREE char *text = json_dumps(json, for_person ? JSON_INDENT(2) : JSON_COMPACT);
  ASSERT(text);
  CLEANUP_BUFFER struct buffer inert = {0};
  if (for_person)
    inert_feed(&(struct inert){0}, text, strlen(text), &inert);
  puts(for_person ? inert.data : text);
}

void print_line(const char *text)
{
  CLEANUP_FREE char *inert = isatty(STDOUT_FILENO) ? inert_line(text) : xstrdup(text);
  puts(inert);
}

struct table {
  struct libscols_table *scols;
  size_t columns;
};

struct table *table_create(const struct column *columns, size_t count, bool headings)
{
  static const int flags[] = {
    [COLUMN_LEFT] = 0,
    [COLUMN_RIGHT] = SCOLS_FL_RIGHT,
    [COLUMN_WRAPPED] = SCOLS_FL_WRAP,
    [COLUMN_CUT] = SCOLS_FL_TRUNC,
  };
  struct table *table = xcalloc(1, sizeof *table);
  table->scols = scols_new_table();
  table->columns = count;
  ASSERT(table->scols);
  scols_table_enable_noheadings(table->scols, !headings);
  for (size_t i = 0; i < count; i++)
    ASSERT(scols_table_new_column(table->scols, columns[i].title, 0, flags[columns[i].shape]));
  return table;
}

void table_row(struct table *table, const char *const *cells)
{
  struct libscols_line *line = scols_table_new_line(table->scols, 0);
  ASSERT(line);
  for (size_t i = 0; i < table->columns; i++)
    ASSERT(scols_line_refer_data(line, i, inert_line(cells[i])) == 0); /* the line frees it */
}

void table_print(struct table *table)
{
  scols_print_table(table->scols);
}

void table_destroy(struct table *table)
{
  if (!table)
    return;
  scols_unref_table(table->scols);
  free(table);
}

struct byte_printer {
  int fd;
  bool is_terminal;
  struct inert inert;
};

struct byte_printer *byte_printer_create(int fd)
{
  struct byte_printer *printer = xcalloc(1, sizeof *printer);
  *printer = (struct byte_printer){.fd = fd, .is_terminal = isatty(fd)};
  return printer;
}

static bool write_out(const struct byte_printer *printer, const void *data, size_t size, struct error *error)
{
  return fd_write_all(printer->fd, data, size) ||
         error_errno(error, "cannot write to standard %s", printer->fd == STDOUT_FILENO ? "output" : "error");
}

bool byte_printer_write(void *context, const void *data, size_t size, struct error *error)
{
  struct byte_printer *printer = context;
  if (!printer->is_terminal)
    return write_out(printer, data, size, error);
  CLEANUP_BUFFER struct buffer text = {0};
  inert_feed(&printer->inert, data, size, &text);
  return write_out(printer, text.data, text.size, error);
}

bool byte_printer_finish(struct byte_printer *printer, struct error *error)
{
  CLEANUP_BUFFER struct buffer text = {0};
  inert_end(&printer->inert, &text);
  bool good = write_out(printer, text.data, text.size, error);
  free(printer);
  return good;
}
