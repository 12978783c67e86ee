#include "wire/pod.h"

#include "wire/record.h"

#include <string.h>

enum { UIDS = 1 << 30 };

uint32_t pod_uid(struct name name)
{
  return (uint32_t)(POD_UID_LEAST + digest_bytes(name.text, strlen(name.text)) % UIDS);
}

uint64_t pod_memory_bytes(const struct limits *limits)
{
  return limits->memory_bytes + CONTAINER_MEMORY_BYTES + STREAM_COUNT * limits->output_bytes;
}

uint64_t pod_exchange_bytes(size_t plan_size)
{
  const uint64_t keeper_bytes_max = MIB(8);
  return keeper_bytes_max + plan_size;
}
