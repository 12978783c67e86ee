#pragma once

/*
 * One stream of one attempt, from its file in the evidence directory. `path` names that directory, for streams that are
 * delivered as files.
 */

#include "core/outputs.h"

#include <stdbool.h>

/* The file as which a large stream is delivered. */
enum { DELIVERY_NAME_SIZE = 32 };
void delivery_name(enum stream stream, char ret[static DELIVERY_NAME_SIZE]);

enum stream_result {
  STREAM_WHOLE,
  STREAM_DAMAGED,     /* it is not what the record says; `error` has how */
  STREAM_CANNOT_TELL, /* an error that says nothing of the stream */
};

/* As the record says it is, but for what its copy lacks. `ret` is untouched unless WHOLE. */
enum stream_result stream_read_recorded(int directory, const char *path, enum stream stream,
                                        const struct stream_record *record, const struct copied_stream *copied,
                                        struct stream_output *ret, struct error *error);

/* As it is found where nothing vouches for its bytes: all of them are omitted. False where it cannot be told. */
bool stream_read_doubtful(int directory, enum stream stream, struct stream_output *ret, struct error *error);

/* As it is found, without a record to compare: in order, by the counters of `ring` where it was over its limit. False
 * where it cannot be told. */
bool stream_read_found(int directory, const char *path, enum stream stream, const struct ring_counters *ring,
                       struct stream_output *ret, struct error *error);
