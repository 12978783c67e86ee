#include "base/clock.h"

#include "base/number.h"

#include <stdio.h>
#include <string.h>
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

/* "00" to `max`, and behind it `end`. */
static bool read_pair(const char *text, int max, char end, int *ret)
{
  uint64_t value;
  if (strnlen(text, 3) < 2 || text[2] != end || !parse_u64(text, 2, (uint64_t)max, &value))
    return false;
  *ret = (int)value;
  return true;
}

/* "Z", "+01:00", "-08:30" */
static bool read_offset(const char *text, int *ret_minutes)
{
  int hours, minutes;
  if ((*text == 'Z' || *text == 'z') && !text[1]) {
    *ret_minutes = 0;
    return true;
  }
  if ((*text != '+' && *text != '-') || !read_pair(text + 1, 23, ':', &hours) || !read_pair(text + 4, 59, 0, &minutes))
    return false;
  *ret_minutes = (hours * 60 + minutes) * (*text == '-' ? -1 : 1);
  return true;
}

static const char *skip_fraction(const char *text)
{
  size_t digits = *text == '.' ? strspn(text + 1, "0123456789") : 0;
  return digits ? text + 1 + digits : text;
}

bool wall_parse(const char *text, struct wall *ret)
{
  struct tm utc = {0};
  uint64_t year;
  int month, day, offset_minutes;
  if (strlen(text) < sizeof "1970-01-01T00:00:00Z" - 1 || text[4] != '-' || !parse_u64(text, 4, 9999, &year) ||
      !read_pair(text + 5, 12, '-', &month) || !read_pair(text + 8, 31, text[10], &day) || !strchr("Tt", text[10]) ||
      !read_pair(text + 11, 23, ':', &utc.tm_hour) || !read_pair(text + 14, 59, ':', &utc.tm_min) ||
      !read_pair(text + 17, 60, text[19], &utc.tm_sec) || !read_offset(skip_fraction(text + 19), &offset_minutes))
    return false;
  utc.tm_year = (int)year - 1900;
  utc.tm_mon = month - 1;
  utc.tm_mday = day;
  struct tm date = {.tm_year = utc.tm_year, .tm_mon = utc.tm_mon, .tm_mday = utc.tm_mday};
  timegm(&date);
  if (date.tm_mon != month - 1 || date.tm_mday != day)
    return false; /* timegm(3) makes the 1st of March of the 29th of February where there is none */
  time_t seconds = timegm(&utc);
  *ret = (struct wall){((int64_t)seconds - offset_minutes * 60) * 1000};
  return true;
}
