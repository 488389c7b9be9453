/* Counters and gauges: a room defines its own, in the file that counts:
 *
 *     COUNTER(accepted, "optgate_smtp_messages_total", "Messages answered with 250");
 *     ... counter_add(&accepted, 1);
 *
 * The linker collects them; metrics_write prints all of them in the Prometheus text format. NAME may carry labels:
 * "optgate_verdicts_total{verdict=\"allow\"}". A gauge may go down. */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"

struct counter {
	const char *name, *help, *type;
	_Atomic int64_t value;
};

/* Pointers in a section of their own: their size is the stride, whatever the compiler aligns. */
#define COUNTER_(id, name, help, type)                                                                               \
	static struct counter id = {name, help, type, 0};                                                            \
	static struct counter *const id##_row __attribute__((section("counters"), used)) = &id
#define COUNTER(id, name, help) COUNTER_(id, name, help, "counter")
#define GAUGE(id, name, help)   COUNTER_(id, name, help, "gauge")

static inline void counter_add(struct counter *c, int64_t n)
{
	atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}
static inline void gauge_set(struct counter *c, int64_t n)
{
	atomic_store_explicit(&c->value, n, memory_order_relaxed);
}
static inline int64_t counter_read(struct counter *c)
{
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

/* Sorted by name; one HELP and TYPE line a family. */
void metrics_write(struct buf *out);
/* Calls EACH for every counter, unsorted. */
void counters_each(void (*each)(void *arg, const char *name, int64_t value), void *arg);
