/* The walk over a message's parts. Every line that starts with "--" is noted once; each multipart then compares only
 * its own share of these notes with its boundary, and hands each child its share in turn. */
#include "mail/mime.h"

#include "lex.h"

#define FIRST_PARTS 16
#define FIRST_NOTES 64

struct notes {
	uint32_t *at; /* offsets into the message, rising */
	size_t n, room;
};

struct walk {
	struct arena *a;
	struct view message;
	struct notes notes;
	struct mime m;
	unsigned room;
	struct err *err;
};

/* What a part gets from where it stands. */
struct place {
	size_t from, to;       /* in the message */
	size_t note, last_note; /* notes[note .. last_note) lie in it */
	unsigned parent, depth, level;
	bool in_digest;
};

static int full(struct walk *w)
{
	return err_set(w->err, ERR_LIMIT, "MIME: no room to index the parts");
}

static int note(struct walk *w, size_t at)
{
	struct notes *o = &w->notes;
	if (o->n == MIME_MAX_DASHED || at > UINT32_MAX)
		return err_set(w->err, ERR_LIMIT, "MIME: more than %d lines that may be delimiters", MIME_MAX_DASHED);
	if (o->n == o->room) {
		size_t room = o->room ? o->room * 2 : FIRST_NOTES;
		uint32_t *more = arena_alloc(w->a, room * sizeof *more);
		if (!more)
			return full(w);
		if (o->n)
			memcpy(more, o->at, o->n * sizeof *more);
		o->at = more;
		o->room = room;
	}
	o->at[o->n++] = (uint32_t)at;
	return 0;
}

static int note_dashed_lines(struct walk *w)
{
	struct view m = w->message;
	for (size_t at = 0; at + 2 < m.n; at = view_find(m, at, '\n') + 1)
		if (m.p[at] == '-' && m.p[at + 1] == '-' && note(w, at) < 0)
			return -1;
	return 0;
}

/* Where the delimiter line at AT ends, behind its line feed; 0 when it is none. RET_LAST: it is the closing one. */
static size_t delimiter_end(const struct walk *w, const struct place *p, size_t at, struct view boundary,
    bool *ret_last)
{
	struct view rest = view_sub(w->message, at + 2, p->to);
	if (!view_starts(rest, boundary))
		return 0;
	size_t i = boundary.n;
	*ret_last = view_starts(view_sub(rest, i, rest.n), V("--"));
	i += *ret_last ? 2 : 0;
	while (i < rest.n && (lex_is_wsp(rest.p[i]) || rest.p[i] == '\r'))
		i++;
	if (i < rest.n && rest.p[i] != '\n')
		return 0;
	return at + 2 + i + (i < rest.n);
}

static int walk_part(struct walk *w, const struct place *p);

/* The line end before a delimiter belongs to the delimiter. */
static size_t before_line_end(const struct walk *w, size_t from, size_t to)
{
	return from + lex_without_crlf(view_sub(w->message, from, to)).n;
}

/* CHILD's place runs from where its parent's body does to the next delimiter, and again behind that. */
static int walk_children(struct walk *w, const struct place *body, struct view boundary)
{
	struct place child = *body;
	bool open = false, last = false;
	for (size_t i = body->note; i < body->last_note && !last; i++) {
		size_t at = w->notes.at[i], end = delimiter_end(w, body, at, boundary, &last);
		if (!end)
			continue;
		child.to = at < child.from ? child.from : before_line_end(w, child.from, at);
		child.last_note = i;
		if (open && walk_part(w, &child) < 0)
			return -1;
		open = true;
		child.from = end;
		child.note = i + 1;
	}
	if (!open || last)
		return 0;
	child.to = body->to;
	child.last_note = body->last_note;
	return walk_part(w, &child);
}

static struct mime_part *add_part(struct walk *w, const struct place *p)
{
	if (w->m.count == MIME_MAX_PARTS || p->depth > MIME_MAX_DEPTH) {
		err_set(w->err, ERR_LIMIT, "MIME: more than %d parts, or %d levels of them", MIME_MAX_PARTS, MIME_MAX_DEPTH);
		return NULL;
	}
	if (w->m.count == w->room) {
		unsigned room = w->room ? w->room * 2 : FIRST_PARTS;
		struct mime_part *more = arena_alloc(w->a, room * sizeof *more);
		if (!more) {
			full(w);
			return NULL;
		}
		if (w->m.count)
			memcpy(more, w->m.parts, w->m.count * sizeof *more);
		w->m.parts = more;
		w->room = room;
	}
	struct mime_part *part = &w->m.parts[w->m.count];
	*part = (struct mime_part){.parent = p->parent, .depth = p->depth, .level = p->level};
	return part;
}

static enum mime_encoding read_encoding(const struct head *h)
{
	static const struct {
		const char *name;
		enum mime_encoding encoding;
	} names[] = {{"7bit", MIME_IDENTITY}, {"8bit", MIME_IDENTITY}, {"binary", MIME_IDENTITY}, {"", MIME_IDENTITY},
	    {"quoted-printable", MIME_QUOTED_PRINTABLE}, {"base64", MIME_BASE64}};
	const struct field *f = head_find(h, V("Content-Transfer-Encoding"));
	struct view token = f ? mime_token(f->value) : V("");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (view_ieq(token, view_of(names[i].name)))
			return names[i].encoding;
	return MIME_UNKNOWN_ENCODING;
}

/* type "/" subtype; what doesn't follow that is text/plain (RFC 2045 5.2). */
static void read_type(struct mime_part *part, bool in_digest)
{
	const struct field *f = head_find(&part->head, V("Content-Type"));
	part->type = in_digest ? V("message") : V("text");
	part->subtype = in_digest ? V("rfc822") : V("plain");
	if (!f)
		return;
	struct view v = part->content_type = f->value;
	size_t from = lex_skip_cfws(v, 0), to = lex_token(v, from), slash = lex_skip_cfws(v, to);
	if (to == from || slash == v.n || v.p[slash] != '/')
		return;
	size_t sub = lex_skip_cfws(v, slash + 1), end = lex_token(v, sub);
	if (end == sub)
		return;
	part->type = view_sub(v, from, to);
	part->subtype = view_sub(v, sub, end);
}

static bool encloses_message(const struct mime_part *part)
{
	return part->encoding == MIME_IDENTITY && (mime_is(part, V("message"), V("rfc822"))
	    || mime_is(part, V("message"), V("global")) || mime_is(part, V("message"), V("news")));
}

static int read_part(struct walk *w, const struct place *p, struct mime_part *part)
{
	part->raw = view_sub(w->message, p->from, p->to);
	if (head_parse(w->a, part->raw, &part->head, w->err) < 0)
		return -1;
	if (p->depth && part->head.raw.n > MIME_MAX_HEAD)
		return err_set(w->err, ERR_LIMIT, "MIME: a part's head is longer than %d bytes", MIME_MAX_HEAD);
	part->body = part->head.body;
	part->encoding = read_encoding(&part->head);
	read_type(part, p->in_digest);
	w->m.count++;
	return 0;
}

static int walk_multipart(struct walk *w, struct place *body, unsigned index)
{
	struct buf boundary;
	int rc = 0;
	buf_init(&boundary, MIME_MAX_BOUNDARY);
	if (mime_param(w->m.parts[index].content_type, V("boundary"), &boundary)) {
		struct view b = buf_view(&boundary);
		while (b.n && lex_is_wsp(b.p[b.n - 1]))
			b.n--;
		if (b.n && !boundary.failed)
			rc = walk_children(w, body, b);
	}
	buf_free(&boundary);
	w->m.parts[index].has_children = w->m.count > index + 1;
	return rc;
}

/* An enclosed message may still carry the line that parts messages in a mailbox file. */
static size_t skip_mbox_line(const struct walk *w, const struct place *p)
{
	struct view rest = view_sub(w->message, p->from, p->to), line;
	if ((view_starts(rest, V("From ")) || view_starts(rest, V(">From "))) && lex_line(&rest, &line))
		return p->from + line.n;
	return p->from;
}

static int walk_part(struct walk *w, const struct place *p)
{
	struct mime_part *part = add_part(w, p);
	if (!part || read_part(w, p, part) < 0)
		return -1;
	unsigned index = w->m.count - 1;
	struct place body = *p;
	body.from = p->to - part->body.n;
	body.parent = index;
	body.depth++;
	body.in_digest = mime_is(part, V("multipart"), V("digest"));
	while (body.note < body.last_note && w->notes.at[body.note] < body.from)
		body.note++;
	if (mime_is(part, V("multipart"), V("")))
		return walk_multipart(w, &body, index);
	if (!encloses_message(part))
		return 0;
	part->has_children = true;
	body.level++;
	body.from = skip_mbox_line(w, &body);
	return walk_part(w, &body);
}

int mime_walk(struct arena *a, struct view message, struct mime *ret, struct err *err)
{
	struct walk w = {.a = a, .message = message, .err = err};
	int rc = note_dashed_lines(&w);
	if (rc == 0) {
		struct place whole = {.from = 0, .to = message.n, .note = 0, .last_note = w.notes.n};
		rc = walk_part(&w, &whole);
	}
	*ret = w.m;
	return rc;
}

bool mime_is(const struct mime_part *p, struct view type, struct view subtype)
{
	return view_ieq(p->type, type) && (subtype.n == 0 || view_ieq(p->subtype, subtype));
}

const struct mime_part *mime_find(const struct mime *m, unsigned level, struct view type, struct view subtype)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->parts[i].level == level && mime_is(&m->parts[i], type, subtype))
			return &m->parts[i];
	return NULL;
}
