#pragma once

/* Gives back the memory that only starting needed. Call it once everything is set up. */
void footprint_shrink(void);
