/* How results are told: aligned text for people, JSON for programs, errors with where to find help. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tool.h"

/* A terminal obeys control bytes: nothing that came from outside may hold any. */
static char *make_printable(char *s)
{
	for (char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return s;
}

int failed(struct tool *t, const struct err *err)
{
	fprintf(t->err_out, "optgate: %s\n", err->text);
	return EXIT_FAILED;
}

int misuse(struct tool *t, const char *fmt, ...)
{
	va_list ap;
	fputs("optgate: ", t->err_out);
	va_start(ap, fmt);
	vfprintf(t->err_out, fmt, ap);
	va_end(ap);
	const char *verb = t->args.verb ? t->args.verb->verb : NULL;
	fprintf(t->err_out, "; see `optgate help%s%s`\n", verb ? " " : "", verb ? verb : "");
	return EXIT_USAGE;
}

bool as_json(const struct tool *t)
{
	return has_option(&t->args, OPT_JSON);
}

void print_json(struct tool *t, json_t *o)
{
	json_dumpf(o, t->out, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', t->out);
	json_decref(o);
}

const char *member(const json_t *o, const char *name, char scratch[64])
{
	const json_t *v = json_object_get(o, name);
	if (json_is_string(v))
		return *json_string_value(v) ? json_string_value(v) : "-";
	if (json_is_integer(v)) {
		snprintf(scratch, 64, "%lld", (long long)json_integer_value(v));
		return scratch;
	}
	return json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "-";
}

void print_safe(struct tool *t, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	make_printable(line);
	fprintf(t->out, "%s\n", line);
}

/* ---- grid ---- */

#define GRID_COLUMNS_MAX 12

struct grid {
	unsigned columns;
	size_t rows, cap;
	char **cells; /* rows * columns */
};

struct grid *grid_new(unsigned columns)
{
	struct grid *g = mem_zero(sizeof *g);
	ALWAYS(columns <= GRID_COLUMNS_MAX);
	g->columns = columns;
	return g;
}

void grid_row(struct grid *g, const char *const *cells)
{
	if (g->rows == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 64;
		g->cells = mem_grow(g->cells, g->cap * g->columns * sizeof *g->cells);
	}
	for (unsigned c = 0; c < g->columns; c++)
		g->cells[g->rows * g->columns + c] = make_printable(mem_strdup(cells[c]));
	g->rows++;
}

static size_t width_of(const struct grid *g, unsigned column)
{
	size_t width = 0;
	for (size_t r = 0; r < g->rows; r++) {
		size_t n = strlen(g->cells[r * g->columns + column]);
		width = n > width ? n : width;
	}
	return width;
}

void grid_print(struct grid *g, FILE *out)
{
	size_t widths[GRID_COLUMNS_MAX];
	for (unsigned c = 0; c < g->columns; c++)
		widths[c] = c + 1 < g->columns ? width_of(g, c) : 0; /* nothing behind the last */
	for (size_t r = 0; r < g->rows; r++)
		for (unsigned c = 0; c < g->columns; c++)
			fprintf(out, "%-*s%s", (int)widths[c], g->cells[r * g->columns + c],
			    c + 1 < g->columns ? "  " : "\n");
}

void grid_free(struct grid **gp)
{
	struct grid *g = *gp;
	if (!g)
		return;
	for (size_t i = 0; i < g->rows * g->columns; i++)
		free(g->cells[i]);
	free(g->cells);
	free(g);
	*gp = NULL;
}
