#include "milter_edit.h"

#include <stdio.h>

/* A message of marketing is one person's: no link can serve several, and one that serves nobody would break what we promise. */
static bool is_one_persons(const struct intake_decision *d, struct reply *refused)
{
	if (d->stream->class != CLASS_MARKETING || d->left <= 1)
		return true;
	reply_set(refused, 550, "5.5.3",
	    "A message of stream %s takes one recipient: each copy carries a link of its own", d->stream->name);
	return false;
}

static int make_edits(struct milter *m, const struct intake_decision *d, struct compose_edits *ret, struct err *err)
{
	struct doors_settings *s = (struct doors_settings *)shared_acquire(m->env->settings);
	const struct compose_job job = {.settings = s->compose,
	    .stream = d->stream,
	    .topic = d->topic,
	    .envelope = &d->envelope,
	    .rcpt = d->first,
	    .who = d->first_who,
	    .message_id = d->id,
	    .id_text = view_of(d->id_text),
	    .message = d->message,
	    .now_ms = clock_wall(m->env->clock)};
	int rc = compose_edits(m->env->composer, &job, ret, err);
	shared_release(&s->shared);
	return rc;
}

/* Which one of its name, from 1. */
static uint32_t index_of(const struct head *h, unsigned i)
{
	uint32_t n = 1;
	for (unsigned k = 0; k < i; k++)
		n += view_ieq(h->fields[k].name, h->fields[i].name);
	return n;
}

/* From the last to the first: what goes does not change the numbers of those before it. */
static void write_deletions(const struct compose_edits *e, struct buf *out)
{
	for (unsigned i = e->head->count; i-- > 0;)
		if (e->gone[i])
			milter_write_header(
			    out, MILTER_CHANGE_HEADER, index_of(e->head, i), e->head->fields[i].name, V(""));
}

static struct view value_of(const struct milter *m, const struct field *f)
{
	struct view v = f->value;
	bool has_blank = v.n && v.p[0] == ' ';
	return has_blank && !(m->agreed.steps & LEADING_SPACE) ? view_sub(v, 1, v.n) : v;
}

/* Below the MTA's own Received, in our order: the last one goes in first. */
static void write_signatures(struct milter *m, struct view rest, struct buf *out)
{
	struct field f;
	struct view behind = rest;
	if (!field_take(&behind, &f))
		return;
	write_signatures(m, behind, out);
	milter_write_header(out, MILTER_INSERT_HEADER, 1, f.name, value_of(m, &f));
}

static void write_added(struct milter *m, struct view rest, struct buf *out)
{
	struct field f;
	while (field_take(&rest, &f))
		milter_write_header(out, MILTER_ADD_HEADER, 0, f.name, value_of(m, &f));
}

static void write_path(struct buf *out, enum milter_reply r, const char *path)
{
	milter_write(out, r, view_n(path, strlen(path) + 1));
}

static unsigned write_recipients(struct milter *m, struct buf *out)
{
	unsigned deleted = 0;
	for (unsigned i = 0; i < m->rcpt_count; i++)
		if (!intake_is_left(m->tx, &m->rcpts[i]->address)) {
			write_path(out, MILTER_DELETE_RCPT, m->rcpts[i]->path);
			deleted++;
		}
	return deleted;
}

/* The return path carries the recipient's token, so it is changed for one recipient only. */
static void write_sender(
    struct milter *m, const struct intake_decision *d, const struct compose_edits *e, struct buf *out)
{
	char path[ADDRESS_MAX + 3];
	if (d->left != 1 || !(m->agreed.actions & MAY_CHANGE_FROM) || !e->return_path[0])
		return;
	snprintf(path, sizeof path, "<%s>", e->return_path);
	write_path(out, MILTER_CHANGE_FROM, path);
}

bool milter_edit(struct milter *m, struct buf *out, bool *kept, struct reply *refused)
{
	struct intake_decision d;
	struct compose_edits e;
	struct err err;
	if (!intake_decide(m->tx, &d, refused) || !is_one_persons(&d, refused))
		return false;
	*kept = d.left > 0;
	if (!*kept)
		return true;
	if (make_edits(m, &d, &e, &err) < 0) {
		bool permanent = err.kind == ERR_SYNTAX;
		log_event(permanent ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "doors.milter.fail",
		    "id=%s client=%s why=\"%s\"", d.id_text, intake_client_name(m->session), err.text);
		reply_set(refused, permanent ? 550 : 451, permanent ? "5.6.0" : "4.3.0", "%s", err.text);
		return false;
	}
	write_deletions(&e, out);
	write_added(m, e.added, out);
	write_signatures(m, e.signatures, out);
	write_sender(m, &d, &e, out);
	unsigned deleted = write_recipients(m, out);
	log_event(LOG_LEVEL_INFO, "doors.milter.edit", "id=%s client=%s stream=%s bytes=%zu recipients=%u deleted=%u",
	    d.id_text, intake_client_name(m->session), d.stream->scope.name, d.message.n, d.left, deleted);
	return true;
}
