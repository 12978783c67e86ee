#pragma once

/*
 * Runs one program after another on the loop and hands over the first line that each prints, on whichever stream. For
 * the versions of runtimes: a program that says nothing within PROBE_MS_MAX, or does not end, is killed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum { PROBE_MS_MAX = 5000, PROBE_LINE_SIZE = 128 };

struct probe;

struct probe_events {
  void *context;
  /* Sets the command to run as number `index`, or NULL where there is none. False at the end. */
  bool (*next)(void *context, size_t index, const char *const **ret_command);
  void (*line)(void *context, size_t index, const char *line);
};

/* `*probe` is set while it is under way and NULL afterwards; it frees itself. */
void probe_start(struct probe **probe, uv_loop_t *loop, const struct probe_events *events);
/* Ends it: no event is called any more, and its handles close when the loop runs on. Accepts a NULL `*probe`. */
void probe_abandon(struct probe **probe);
