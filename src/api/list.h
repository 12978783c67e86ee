#pragma once

/* Many evaluations: the executor's open ones and the store's finished ones as one list. */

#include "api/api_impl.h"
#include "api/parameters.h"

/*
 * One page of the list, newest first; what it points to lives during the call only. `more`: there are older ones, of
 * which the next page is what is before the last one's sequence. `error` is NULL unless there is no page.
 */
typedef void list_done(void *context, const struct evaluation *const *page, size_t count, bool more,
                       const struct error *error);

/* Calls `done` once, now or later; parameters->status must live until then. Without a status but with `status_is_open`:
 * all open ones, and no others. */
void list_page(struct api *api, const struct list_parameters *parameters, list_done *done, void *context);
