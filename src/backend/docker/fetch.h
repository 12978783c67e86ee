#pragma once

/*
 * The evidence of an attempt from an engine that does not see this host's files: it lies in a volume of the attempt's name,
 * mounted at /assay, and comes through the archive API into the attempt's directory here, where it is then read like any
 * other. Fetching changes nothing at the engine.
 */

#include "wire/name.h"

#include <stdbool.h>

#define VOLUME_PATH "/assay" /* where a volume is mounted: keeper and attempt lie in it (wire/container.h) */

struct docker;
struct fetch;

enum fetch_result {
  FETCH_DONE,    /* what was asked for is here */
  FETCH_NOTHING, /* there is no such thing at the engine */
  FETCH_ERROR,   /* says nothing; `message` is for a person */
};
typedef void fetch_done(void *context, enum fetch_result result, const char *message);

/* From its container, which may run or have ended. */
struct fetch *fetch_from_container(struct docker *docker, struct name name, fetch_done *done, void *context);
/* From its volume, after its container was removed, by way of another container that is never started. */
struct fetch *fetch_from_volume(struct docker *docker, struct name name, fetch_done *done, void *context);
/* Whether its start marker is there; fetches nothing. */
struct fetch *fetch_start_marker(struct docker *docker, struct name name, fetch_done *done, void *context);
void fetch_cancel(struct fetch *fetch); /* accepts NULL */

/* The container by way of which a volume is read. No attempt has this name. */
enum { READER_NAME_SIZE = NAME_SIZE + sizeof "-reader" };
void reader_name(struct name name, char ret[static READER_NAME_SIZE]);
