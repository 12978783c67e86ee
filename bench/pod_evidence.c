/*
 * What a keeper in a pod leaves of a program that printed a line and ended well, without a keeper and a program: for each line
 * that is read, an attempt's key in base64, the three frames of its log are written (wire/frames.h), which are its termination
 * message too.
 */

#include "base/base64.h"
#include "wire/frames.h"
#include "wire/isolation.h"
#include "wire/seal.h"

#include <stdio.h>
#include <string.h>

#define PRINTED "hi\n"

static void put_frame(struct buffer *ret, uint64_t number, enum frame_kind kind, const void *data, size_t size)
{
  frame_encode(&(struct frame){.kind = kind, .number = number, .at = wall_now(), .data = data, .size = size}, ret);
}

static void put_evidence(const unsigned char key[static SEAL_KEY_BYTES], struct buffer *ret)
{
  const struct wall now = wall_now();
  const struct start_marker marker = {.at = now, .init_pid = 2};
  const struct record record = {
    .step = STEP_RUN,
    .kind = EXIT_CODE,
    .started_at = now,
    .ended_at = now,
    .wall_time_us = 1000,
    .cpu_time_us = 1000,
    .memory_peak_bytes = MIB(1),
    .processes_peak = 1,
    .isolation = ISOLATION_NAMESPACES | ISOLATION_ROOT | ISOLATION_UID | ISOLATION_CAPABILITIES | ISOLATION_SECCOMP,
    .stream[STREAM_STDOUT] = {.bytes = strlen(PRINTED), .digest = digest_bytes(PRINTED, strlen(PRINTED))},
  };
  CLEANUP_BUFFER struct buffer start = {0}, sealed = {0};
  start_marker_encode(&marker, &start);
  seal_record(key, &record, &sealed);
  put_frame(ret, 0, FRAME_START, start.data, start.size);
  put_frame(ret, 1, FRAME_STDOUT, PRINTED, strlen(PRINTED));
  put_frame(ret, 2, FRAME_RECORD, sealed.data, sealed.size);
}

int main(void)
{
  char line[128];
  while (fgets(line, sizeof line, stdin)) {
    CLEANUP_BUFFER struct buffer key = {0}, evidence = {0};
    if (!base64_decode(line, strcspn(line, "\n"), &key) || key.size != SEAL_KEY_BYTES) {
      fputs("pod-evidence: not the key of an attempt\n", stderr);
      return 1;
    }
    put_evidence((const unsigned char *)key.data, &evidence);
    fwrite(evidence.data, 1, evidence.size, stdout);
    fflush(stdout);
  }
  return 0;
}
