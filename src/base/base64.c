#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t size, struct buffer *ret)
{
  const unsigned char *in = data;
  buffer_reserve(ret, size / 3 * 4 + 4);
  char *out = ret->data + ret->size;
  size_t i = 0;
  for (; i + 3 <= size; i += 3) {
    unsigned group = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6)
      *out++ = alphabet[group >> shift & 63];
  }
  size_t left = size - i;
  if (left) {
    unsigned group = (unsigned)in[i] << 16 | (left == 2 ? (unsigned)in[i + 1] << 8 : 0);
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    *out++ = left == 2 ? alphabet[group >> 6 & 63] : '=';
    *out++ = '=';
  }
  *out = 0;
  ret->size = (size_t)(out - ret->data);
}

static int digit_of(char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '+')
    return 62;
  return c == '/' ? 63 : -1;
}

/* Four characters of which the last `padding` are '='. Bits that the padding leaves over must be 0. */
static bool decode_group(const char *text, int padding, struct buffer *ret)
{
  unsigned group = 0;
  for (int i = 0; i < 4; i++) {
    int digit = i >= 4 - padding ? 0 : digit_of(text[i]);
    if (digit < 0)
      return false;
    group = group << 6 | (unsigned)digit;
  }
  if (group & ((1u << 8 * padding) - 1))
    return false;
  unsigned char bytes[3] = {(unsigned char)(group >> 16), (unsigned char)(group >> 8), (unsigned char)group};
  buffer_append(ret, bytes, (size_t)(3 - padding));
  return true;
}

bool base64_decode(const char *text, size_t length, struct buffer *ret)
{
  size_t size_before = ret->size;
  if (length % 4)
    return false;
  buffer_reserve(ret, length / 4 * 3);
  for (size_t i = 0; i < length; i += 4) {
    int padding = 0;
    if (i + 4 == length && text[i + 3] == '=')
      padding = text[i + 2] == '=' ? 2 : 1;
    if (!decode_group(text + i, padding, ret)) {
      ret->size = size_before;
      return false;
    }
  }
  return true;
}
