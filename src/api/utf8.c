#include "api/utf8.h"

/* What may follow a lead byte: how many bytes, and the range of the first of them. All others are 80..BF. */
struct continuation {
  unsigned char count, least, most;
};

static struct continuation continuation_of(unsigned char lead)
{
  if (lead >= 0xc2 && lead <= 0xdf)
    return (struct continuation){1, 0x80, 0xbf};
  if (lead >= 0xe0 && lead <= 0xef)
    return (struct continuation){2, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf}; /* no surrogates */
  if (lead >= 0xf0 && lead <= 0xf4)
    return (struct continuation){3, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf}; /* to U+10FFFF */
  return (struct continuation){0};
}

bool utf8_next(const unsigned char *data, size_t size, size_t *ret_length)
{
  *ret_length = 1;
  if (data[0] < 0x80)
    return true;
  struct continuation next = continuation_of(data[0]);
  for (size_t i = 1; i <= next.count; i++) {
    if (i == size || data[i] < next.least || data[i] > next.most)
      return false;
    *ret_length = i + 1;
    next.least = 0x80;
    next.most = 0xbf;
  }
  return next.count > 0;
}
