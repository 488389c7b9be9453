#include "base/counter.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

extern struct counter *const __start_counters[] __attribute__((weak));
extern struct counter *const __stop_counters[] __attribute__((weak));

static size_t how_many(void)
{
	/* Both ends of one section: the linker's word. */
	// cppcheck-suppress comparePointers
	return __start_counters ? (size_t)(__stop_counters - __start_counters) : 0;
}

void counters_each(void (*each)(void *arg, const char *name, int64_t value), void *arg)
{
	for (size_t i = 0; i < how_many(); i++)
		each(arg, __start_counters[i]->name, counter_read(__start_counters[i]));
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct counter *const *)a)->name, (*(struct counter *const *)b)->name);
}

static struct view family(const char *name)
{
	struct view v = view_of(name);
	return view_sub(v, 0, view_find(v, 0, '{'));
}

void metrics_write(struct buf *out)
{
	size_t n = how_many();
	struct counter **rows = mem_alloc(n * sizeof *rows);
	for (size_t i = 0; i < n; i++)
		rows[i] = __start_counters[i];
	qsort(rows, n, sizeof *rows, by_name);
	for (size_t i = 0; i < n; i++) {
		struct view f = family(rows[i]->name);
		if (i == 0 || !view_eq(f, family(rows[i - 1]->name)))
			buf_fmt(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", VFMT(f), rows[i]->help, VFMT(f), rows[i]->type);
		buf_fmt(out, "%s %" PRId64 "\n", rows[i]->name, counter_read(rows[i]));
	}
	free(rows);
}
