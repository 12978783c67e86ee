#pragma once

/* What a running evaluation is watched for: its output, its end, its limits. evaluation.h declares the calls of the
 * owner. */

#include "keeper/evaluation.h"

/* Lets init execute a step, and starts its clocks. False where init is gone. */
bool supervise_step(struct evaluation *evaluation, enum step step);
/* The program has ended, or never will begin; how is in the record. */
void supervise_over(struct evaluation *evaluation);
/* The tree is empty: lets go of everything, makes the slot fit for the next, and tells the owner. In evaluation.c. */
void evaluation_clear(struct evaluation *evaluation);
/* Moves on through the phases as far as what is known allows. */
void supervise_advance(struct evaluation *evaluation);
