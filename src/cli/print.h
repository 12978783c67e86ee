#pragma once

/*
 * What the command line shows: tables, JSON, and the bytes that programs wrote. Standard output is a terminal or it is
 * not: for a terminal whatever came from a program or a client is made inert (inert.h) and JSON is indented; for
 * everything else bytes are bytes and JSON takes one line.
 */

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

void print_json(const json_t *json);
/* A line by itself, such as a status. */
void print_line(const char *text);

struct column {
  const char *title;
  enum { COLUMN_LEFT, COLUMN_RIGHT, COLUMN_WRAPPED, COLUMN_CUT } shape; /* where the terminal is too narrow for it */
};

/* Cells are made inert, and one line each, wherever they are printed. */
struct table;
struct table *table_create(const struct column *columns, size_t count, bool headings);
void table_row(struct table *table, const char *const *cells); /* as many as there are columns */
void table_print(struct table *table);                         /* to standard output */
void table_destroy(struct table *table);                       /* accepts NULL */

/* The bytes of one stream, in pieces, to a descriptor: as they are, or inert where that is a terminal. */
struct byte_printer;
struct byte_printer *byte_printer_create(int fd);
/* A client_sink. */
bool byte_printer_write(void *printer, const void *data, size_t size, struct error *error);
/* Writes what is left and frees. */
bool byte_printer_finish(struct byte_printer *printer, struct error *error);
