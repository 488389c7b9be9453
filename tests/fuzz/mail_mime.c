/* Every part lies in its parent's body and behind its elder, whatever the message; parameters and bodies decode within bounds. */
#include "base/mem.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const struct mime *m, unsigned i, struct view message)
{
	const struct mime_part *p = &m->parts[i], *parent = &m->parts[p->parent];
	struct buf out;
	ALWAYS(p->raw.p >= message.p && p->raw.p + p->raw.n <= message.p + message.n);
	ALWAYS(p->body.p >= p->raw.p && p->body.p + p->body.n == p->raw.p + p->raw.n);
	ALWAYS(p->depth <= MIME_MAX_DEPTH && p->level <= p->depth && p->type.n && p->subtype.n);
	if (i) {
		ALWAYS(p->parent < i && parent->depth + 1 == p->depth && parent->has_children);
		ALWAYS(p->raw.p >= parent->body.p && p->raw.p + p->raw.n <= parent->body.p + parent->body.n);
	}
	buf_init(&out, 2 * message.n + 10);
	mime_decode(p->encoding, p->body, &out);
	ALWAYS(out.n <= p->body.n + 2);
	mime_text(p, &out);
	mime_param(p->content_type, V("name"), &out);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct arena a;
	struct mime m;
	struct err err;
	arena_init(&a, 4 << 20);
	if (mime_walk(&a, in, &m, &err) == 0) {
		ALWAYS(m.count > 0 && m.parts[0].raw.n == size);
		for (unsigned i = 0; i < m.count; i++)
			check_part(&m, i, in);
	} else {
		ALWAYS(err.kind == ERR_LIMIT);
	}
	arena_free(&a);
	return 0;
}
