#include "delivery/holds.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"

#define VERSION  1
#define FILE_MAX (HOLDS_MAX * 3000u)

struct holds {
	char *path;
	pthread_rwlock_t lock;
	struct hold *rows;
	unsigned count;
	_Atomic unsigned version, held; /* HELD: those that keep mail back: most of the time there is none, and nobody need look */
};

/* ---- the file ---- */

#define TEXTS(h) {(h)->stream, (h)->campaign, (h)->client, (h)->domain, (h)->route, (h)->actor, (h)->why}
static const size_t text_size[] = {HOLD_TEXT_MAX + 1, HOLD_TEXT_MAX + 1, HOLD_TEXT_MAX + 1, HOLD_TEXT_MAX + 1, HOLD_TEXT_MAX + 1,
    HOLD_WHY_MAX + 1, HOLD_WHY_MAX + 1};
#define TEXT_COUNT (sizeof text_size / sizeof *text_size)

static void write_row(struct buf *out, const struct hold *h)
{
	const char *const texts[] = TEXTS(h);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		be_add_view(out, view_of(texts[i]), 2);
	be_add(out, (uint64_t)h->until_ms, 8);
	be_add(out, (uint64_t)h->since_ms, 8);
}

static void read_row(struct be_reader *r, struct hold *h)
{
	char *const texts[] = TEXTS(h);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		if (!view_str(be_take_view(r, 2), texts[i], text_size[i]))
			r->bad = true;
	h->until_ms = (int64_t)be_take_u(r, 8);
	h->since_ms = (int64_t)be_take_u(r, 8);
}

static int save(const struct holds *h, const struct hold *rows, unsigned count, struct err *err)
{
	struct buf b;
	buf_init(&b, FILE_MAX);
	be_add(&b, VERSION, 1);
	be_add(&b, count, 4);
	for (unsigned i = 0; i < count; i++)
		write_row(&b, &rows[i]);
	int rc = b.failed ? err_set(err, ERR_LIMIT, "%s: too large", h->path) : file_replace(h->path, buf_view(&b), 0600, err);
	buf_free(&b);
	return rc;
}

static void count_held(struct holds *h)
{
	unsigned held = 0;
	for (unsigned i = 0; i < h->count; i++)
		held += !h->rows[i].route[0];
	atomic_store(&h->held, held);
	atomic_fetch_add(&h->version, 1);
}

static int parse(struct holds *h, struct view bytes, struct err *err)
{
	struct be_reader r = {.rest = bytes};
	unsigned version = (unsigned)be_take_u(&r, 1), count = (unsigned)be_take_u(&r, 4);
	if (r.bad || version != VERSION || count > HOLDS_MAX)
		return err_set(err, ERR_CORRUPT, "%s: not a list of held mail", h->path);
	h->rows = mem_zero((count + 1) * sizeof *h->rows);
	for (; h->count < count; h->count++)
		read_row(&r, &h->rows[h->count]);
	return r.bad || r.rest.n ? err_set(err, ERR_CORRUPT, "%s: damaged", h->path) : 0;
}

int holds_open(struct holds **ret, const char *path, struct err *err)
{
	struct holds *h = mem_zero(sizeof *h);
	struct buf b;
	struct err why;
	pthread_rwlock_init(&h->lock, NULL);
	h->path = mem_strdup(path);
	buf_init(&b, FILE_MAX);
	int rc = file_read(path, &b, &why);
	if (rc == 0)
		rc = parse(h, buf_view(&b), err);
	else
		rc = why.kind == ERR_MISSING ? 0 : err_set(err, why.kind, "%s", why.text);
	buf_free(&b);
	count_held(h);
	if (rc < 0)
		holds_free(&h);
	else
		*ret = h;
	return rc;
}

void holds_free(struct holds **hp)
{
	struct holds *h = *hp;
	if (!h)
		return;
	pthread_rwlock_destroy(&h->lock);
	free(h->path);
	free(h->rows);
	free(h);
	*hp = NULL;
}

/* ---- changes ---- */

/* ROWS are the new ones, on the heap. */
static int replace(struct holds *h, struct hold *rows, unsigned count, struct err *err)
{
	if (save(h, rows, count, err) < 0) {
		free(rows);
		return -1;
	}
	free(h->rows);
	h->rows = rows;
	h->count = count;
	count_held(h);
	return 0;
}

static bool same_filter(const struct hold *a, const struct hold *b)
{
	return strcmp(a->stream, b->stream) == 0 && strcmp(a->campaign, b->campaign) == 0 && strcmp(a->client, b->client) == 0 &&
	       view_ieq(view_of(a->domain), view_of(b->domain)) && !a->route[0] == !b->route[0];
}

int holds_add(struct holds *h, const struct hold *one, struct err *err)
{
	pthread_rwlock_wrlock(&h->lock);
	struct hold *rows = mem_zero((h->count + 1) * sizeof *rows);
	unsigned n = 0;
	for (unsigned i = 0; i < h->count; i++)
		if (!same_filter(&h->rows[i], one))
			rows[n++] = h->rows[i];
	rows[n++] = *one;
	int rc;
	if (n > HOLDS_MAX) {
		free(rows);
		rc = err_set(err, ERR_LIMIT, "more than %d standing holds", HOLDS_MAX);
	} else {
		rc = replace(h, rows, n, err);
	}
	pthread_rwlock_unlock(&h->lock);
	return rc;
}

static bool stream_fits(const char *wanted, struct view stream)
{
	struct view w = view_of(wanted);
	return w.n == 0 || (view_starts(stream, w) && (stream.n == w.n || stream.p[w.n] == '/'));
}

static bool text_fits(const char *wanted, struct view text)
{
	return !wanted[0] || view_ieq(view_of(wanted), text);
}

static bool lies_within(const struct hold *one, const struct hold *filter)
{
	return stream_fits(filter->stream, view_of(one->stream)) && text_fits(filter->campaign, view_of(one->campaign)) &&
	       text_fits(filter->client, view_of(one->client)) && text_fits(filter->domain, view_of(one->domain));
}

int holds_remove(struct holds *h, const struct hold *filter, bool routes, unsigned *ret_count, struct err *err)
{
	pthread_rwlock_wrlock(&h->lock);
	struct hold *rows = mem_zero((h->count + 1) * sizeof *rows);
	unsigned n = 0, before = h->count;
	for (unsigned i = 0; i < h->count; i++)
		if (routes != (h->rows[i].route[0] != 0) || !lies_within(&h->rows[i], filter))
			rows[n++] = h->rows[i];
	int rc = 0;
	if (n == before)
		free(rows);
	else
		rc = replace(h, rows, n, err);
	if (rc == 0)
		*ret_count = before - n;
	pthread_rwlock_unlock(&h->lock);
	return rc;
}

/* ---- questions ---- */

struct hold *holds_list(struct holds *h, unsigned *ret_count)
{
	pthread_rwlock_rdlock(&h->lock);
	struct hold *rows = mem_zero((h->count + 1) * sizeof *rows);
	memcpy(rows, h->rows, h->count * sizeof *rows);
	*ret_count = h->count;
	pthread_rwlock_unlock(&h->lock);
	return rows;
}

static bool name_fits(const char *wanted, struct view name)
{
	return !wanted[0] || view_eq(view_of(wanted), name);
}

static bool fits(const struct hold *h, const struct mail_lane *l)
{
	return stream_fits(h->stream, l->stream) && name_fits(h->campaign, l->campaign) && name_fits(h->client, l->client) &&
	       text_fits(h->domain, l->domain);
}

bool holds_keep(struct holds *h, const struct envelope *e, struct view domain, int64_t now_ms, int64_t *ret_until_ms)
{
	if (!h || atomic_load(&h->held) == 0)
		return false;
	bool kept = false;
	char name[HOLD_TEXT_MAX];
	struct buf stream = {.p = name, .cap = sizeof name, .max = sizeof name};
	buf_add(&stream, e->brand);
	buf_byte(&stream, '/');
	buf_add(&stream, e->stream);
	const struct mail_lane lane = {.stream = buf_view(&stream), .domain = domain, .client = e->client, .campaign = e->campaign};
	pthread_rwlock_rdlock(&h->lock);
	for (unsigned i = 0; i < h->count; i++) {
		int64_t until = h->rows[i].until_ms;
		if (h->rows[i].route[0] || (until && until <= now_ms) || !fits(&h->rows[i], &lane))
			continue;
		*ret_until_ms = !kept || (*ret_until_ms && (!until || until > *ret_until_ms)) ? until : *ret_until_ms;
		kept = true;
	}
	pthread_rwlock_unlock(&h->lock);
	return kept;
}

void holds_route(struct holds *h, const struct mail_lane *lane, char ret[HOLD_TEXT_MAX + 1])
{
	ret[0] = 0;
	if (!h)
		return;
	pthread_rwlock_rdlock(&h->lock);
	for (unsigned i = 0; i < h->count; i++) /* the latest that fits */
		if (h->rows[i].route[0] && fits(&h->rows[i], lane))
			memcpy(ret, h->rows[i].route, HOLD_TEXT_MAX + 1);
	pthread_rwlock_unlock(&h->lock);
}

unsigned holds_version(struct holds *h)
{
	return h ? atomic_load(&h->version) : 0;
}
