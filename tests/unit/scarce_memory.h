#pragma once

/*
 * try_realloc() of base/memory.h with memory that runs out when a test says so: the allocation that may fail and comes after
 * `before` others does fail, once. A test that links this file has it in place of the real one.
 */

#include <stdbool.h>

void scarce_memory(int before);
bool scarce_memory_failed(void); /* whether it came to that; from now on there is enough */
