#pragma once

#include <stdint.h>

/* From the kernel; good enough for secrets. Never fails: getrandom(2) gives up to 256 bytes whole, once the kernel has booted. */
uint64_t random_number(void);
