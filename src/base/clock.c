#include "base/clock.h"

#include <stdio.h>
#include <time.h>

struct mono mono_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (struct mono){(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000};
}

struct wall wall_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (struct wall){(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

void wall_format(struct wall time, char text[static WALL_TEXT_SIZE])
{
  time_t seconds = time.ms / 1000;
  struct tm utc;
  gmtime_r(&seconds, &utc);
  size_t used = strftime(text, WALL_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + used, WALL_TEXT_SIZE - used, ".%03dZ", (int)(time.ms % 1000));
}
