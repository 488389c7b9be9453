/* What may be taken once only: proofs that were seen, for as long as they are believed. Bounded; any thread. */
#pragma once

#include "base/view.h"

#define ONCE_MAX 100000

struct once;
struct once *once_new(int64_t keep_ms);
void once_free(struct once **o);
/* Was it added within the time? */
bool once_has(struct once *o, struct view what, int64_t mono_ms);
void once_add(struct once *o, struct view what, int64_t mono_ms);
