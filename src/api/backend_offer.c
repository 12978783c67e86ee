#include "api/backend_offer.h"

#include <string.h>

bool backend_offers_runtime(const struct backend_offer *offer, const struct runtime *runtime)
{
  return offer->takes_images ? runtime->image || offer->image : runtime->available;
}

/* Whether `configured` (may be NULL) means the same image. */
static bool is_same(const char *configured, const struct image_name *image)
{
  struct image_name name;
  char a[IMAGE_NAME_SIZE], b[IMAGE_NAME_SIZE];
  if (!configured || !image_name_parse(configured, &name, NULL))
    return false;
  image_name_canonical(&name, a);
  image_name_canonical(image, b);
  return !strcmp(a, b);
}

static bool is_configured(const struct backend_offer *offer, const struct runtimes *runtimes,
                          const struct image_name *image)
{
  if (is_same(offer->image, image))
    return true;
  const struct runtime *runtime;
  for (size_t i = 0; (runtime = runtimes_at(runtimes, i)); i++)
    if (is_same(runtime->image, image))
      return true;
  return false;
}

bool backend_allows_image(const struct backend_offer *offer, const struct runtimes *runtimes,
                          const struct image_name *image)
{
  return is_configured(offer, runtimes, image) || (offer->images && image_name_allowed(image, offer->images));
}
