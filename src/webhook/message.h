#pragma once

/* What a receiver is sent: a CloudEvent (version 1.0, structured mode) with the evaluation as the API lists it,
 * without the bytes of its output; where it belongs to a trace, with the extension for distributed tracing. It is made of what is durable, so it is the same in every attempt. */

#include "base/buffer.h"
#include "core/evaluation.h"

#define MESSAGE_TYPE "application/cloudevents+json; charset=utf-8"

void message_encode(const struct evaluation *evaluation, struct buffer *ret);
