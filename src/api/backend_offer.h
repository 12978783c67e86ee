#pragma once

/* A backend as a submission sees it: what it needs, and what the operator allows there. All of it is borrowed. */

#include "api/runtime.h"
#include "wire/image_name.h"

struct backend_offer {
  const char *name;
  bool takes_images; /* programs run in container images, so that what is installed on this host does not matter */
  const char *image; /* where neither the request nor the runtime names one; or NULL */
  /* Patterns of what a request may name beside the images of the configuration; NULL-terminated. NULL:
   * no others */
  const char *const *images;
};

/* Whether the runtime can be had there: an image for it, or its programs on this host. */
bool backend_offers_runtime(const struct backend_offer *offer, const struct runtime *runtime);
/* Whether a request may name this image. */
bool backend_allows_image(const struct backend_offer *offer, const struct runtimes *runtimes,
                          const struct image_name *image);
