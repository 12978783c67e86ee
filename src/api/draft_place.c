/* Where it runs: the backend, and the image on one that takes images. */

#include "api/draft.h"

#include "wire/image_name.h"

#include <stdio.h>
#include <string.h>

enum { OFFERS_MAX = 16 };

/* Names of the backends, of all or of those that take images; NULL-terminated. */
static void offer_names(const struct submission_rules *rules, bool with_images, const char *ret[static OFFERS_MAX + 1])
{
  size_t count = 0;
  for (const struct backend_offer *offer = rules->backends; offer->name && count < OFFERS_MAX; offer++)
    if (offer->takes_images || !with_images)
      ret[count++] = offer->name;
  ret[count] = NULL;
}

void draft_backend(struct draft *draft, const json_t *value, const struct json_path *path)
{
  const char *names[OFFERS_MAX + 1];
  offer_names(draft->rules, false, names);
  int choice = draft_choice(draft, value, path, names);
  draft->offer = choice < 0 ? NULL : &draft->rules->backends[choice];
}

static void refuse_image_here(struct draft *draft, const struct json_path *path)
{
  const char *names[OFFERS_MAX + 1];
  char list[FAULT_MESSAGE_SIZE];
  offer_names(draft->rules, true, names);
  draft_join(names, sizeof list, list);
  faults_add(draft->faults, path->text, "the backend %s runs no images%s%s", draft->offer->name,
             *names ? "; give as backend one of: " : ", and this daemon has no other that does", list);
}

static void refuse_image(struct draft *draft, const struct json_path *path)
{
  char list[FAULT_MESSAGE_SIZE] = "";
  if (draft->offer->images)
    draft_join(draft->offer->images, sizeof list, list);
  faults_add(draft->faults, path->text, "this image is not allowed; allowed are those of the configuration%s%s",
             *list ? ", and: " : "", list);
}

void draft_image(struct draft *draft, const json_t *value, const struct json_path *path)
{
  const char *image = draft_text(draft, value, path);
  struct image_name name;
  struct error error;
  if (!image || !draft->offer)
    return;
  if (!draft->offer->takes_images)
    refuse_image_here(draft, path);
  else if (!image_name_parse(image, &name, &error))
    faults_add(draft->faults, path->text, "%s", error.message);
  else if (!backend_allows_image(draft->offer, draft->rules->runtimes, &name))
    refuse_image(draft, path);
  else
    draft->image = image;
}

void draft_choose_image(struct draft *draft, bool has_command)
{
  const struct backend_offer *offer = draft->offer;
  if (!offer || !offer->takes_images)
    return;
  draft->image = draft->runtime && draft->runtime->image ? draft->runtime->image : offer->image;
  if (draft->image)
    return;
  if (draft->runtime)
    faults_add(draft->faults, "$.runtime",
               "no image for the runtime %s on the backend %s: give an image, or have runtimes.%s.image or %s_image "
               "configured",
               draft->runtime->name, offer->name, draft->runtime->name, offer->name);
  else if (has_command)
    faults_add(draft->faults, "$.image", "a command needs an image on the backend %s, which has no %s_image configured",
               offer->name, offer->name);
}
