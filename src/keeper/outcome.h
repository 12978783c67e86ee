#pragma once

/* How an evaluation ended: from what init reported, what the kernel counted and why it was killed to the exit record.
 */

#include "keeper/evaluation.h"

/* The program's (or compile step's) wait status. What is known of a kill is weighed here: a program that ended on its
 * own just before it keeps its own end. */
void outcome_set_status(struct evaluation *evaluation, int wait_status);
/* Init is gone and never reported. */
void outcome_set_unreported(struct evaluation *evaluation);
/* It was never executed: the plan's fault. */
void outcome_set_unfit(struct evaluation *evaluation, int code, const char *text);
/* It was never executed, or not as it should have been: the platform's fault. */
void outcome_set_broken(struct evaluation *evaluation, int code, const char *text);
/* CPU time of the present step so far, by the best counter there is. */
uint64_t outcome_cpu_us(const struct evaluation *evaluation);
/* Completes the record and puts it into the evidence. */
void outcome_write(struct evaluation *evaluation);
