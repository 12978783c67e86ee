#include "cli/show.h"

#include "base/buffer.h"

#include <string.h>

char *show_plain(const json_t *value)
{
  if (json_is_string(value))
    return xstrdup(json_string_value(value));
  return json_is_integer(value) ? xasprintf("%lld", json_integer_value(value)) : xstrdup("");
}

char *show_duration(const json_t *value)
{
  if (!json_is_integer(value))
    return xstrdup("");
  json_int_t ms = json_integer_value(value);
  return ms < 1000 ? xasprintf("%lld ms", ms) : xasprintf("%lld.%03lld s", ms / 1000, ms % 1000);
}

char *show_size(const json_t *value)
{
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  json_int_t bytes = json_integer_value(value);
  if (bytes <= 0)
    return xstrdup("");
  if (bytes < 1024)
    return xasprintf("%lld B", bytes);
  double amount = (double)bytes / 1024;
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
    amount /= 1024;
  return xasprintf("%.1f %s", amount, units[unit]);
}

char *show_preparing(const json_t *value)
{
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *entry = json_array_get(value, i);
    const char *status = json_string_value(json_object_get(entry, "status"));
    if (status && strcmp(status, "preparing") == 0)
      return show_plain(json_object_get(entry, "detail"));
  }
  return xstrdup("");
}

char *show_pairs(const json_t *value)
{
  struct buffer text = {0};
  json_t *object = (json_t *)value; /* an iterator could change it, so jansson wants it so */
  for (void *pair = json_object_iter(object); pair; pair = json_object_iter_next(object, pair)) {
    CLEANUP_FREE char *plain = show_plain(json_object_iter_value(pair));
    buffer_printf(&text, "%s%s=%s", text.size ? " " : "", json_object_iter_key(pair), plain);
  }
  return buffer_take(&text, 0);
}
