#include "base/printable.h"

#include <stdio.h>

void printable(char *text)
{
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f)
      *text = ' ';
}

void printable_copy(char *to, size_t size, const char *from)
{
  snprintf(to, size, "%s", from ? from : "");
  printable(to);
}
