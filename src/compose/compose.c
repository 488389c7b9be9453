/* The order of composing. All memory is the composer's and is used again by its next call. */
#include "compose/compose.h"

#include <stdlib.h>

#include "internal.h"

#define INDEX_BYTES (256 * 1024) /* of the head's index: HEAD_MAX_FIELDS fields, twice, and room to grow */
#define ADDED_BYTES 8192         /* of the fields that we supply */

struct composer {
	struct arena arena;
	struct buf head, added, canon;
	struct hasher *hasher;
	struct body_hash body_hash;
};

struct composer *composer_new(void)
{
	struct composer *c = mem_zero(sizeof *c);
	arena_init(&c->arena, INDEX_BYTES);
	buf_init(&c->head, COMPOSE_HEAD_MAX);
	buf_init(&c->added, ADDED_BYTES);
	buf_init(&c->canon, COMPOSE_HEAD_MAX);
	c->hasher = hasher_new();
	return c;
}

void composer_free(struct composer **c)
{
	if (!*c)
		return;
	arena_free(&(*c)->arena);
	buf_free(&(*c)->head);
	buf_free(&(*c)->added);
	buf_free(&(*c)->canon);
	hasher_free(&(*c)->hasher);
	free(*c);
	*c = NULL;
}

void compose_settings_free(struct shared *shared)
{
	struct compose_settings *s = (struct compose_settings *)shared;
	for (unsigned i = 0; i < s->key_count; i++) {
		free(s->keys[i].brand);
		free(s->keys[i].domain);
		free(s->keys[i].selector);
		sign_key_free(&s->keys[i].key);
	}
	free(s->keys);
	for (size_t i = 0; i < s->tool_host_count; i++)
		free(s->tool_hosts[i]);
	free(s->tool_hosts);
	token_keys_free(&s->tokens);
	free(s->hostname);
	free(s);
}

static void reset(struct composer *c)
{
	arena_reset(&c->arena);
	buf_clear(&c->head);
	buf_clear(&c->added);
	buf_clear(&c->canon);
}

static int author(const struct head *h, struct address *ret, struct err *err)
{
	const struct field *from = head_find(h, V("From"));
	if (!from)
		return err_set(err, ERR_SYNTAX, "the message has no From field");
	if (head_next(h, from, V("From")))
		return err_set(err, ERR_SYNTAX, "the message has more than one From field");
	struct err why;
	return field_mailbox(from, ret, &why) ? err_set(err, ERR_SYNTAX, "From: %s", why.text) : 0;
}

/* The message's last field may come without its line end when there is no body. */
static void write_fields(const struct edited *e, struct buf *out)
{
	for (unsigned i = 0; i < e->count; i++) {
		buf_add(out, e->fields[i].raw);
		if (!view_ends(e->fields[i].raw, V("\r\n")))
			buf_str(out, "\r\n");
	}
	buf_str(out, "\r\n");
}

/* What both forms of the answer are made of. */
struct parts {
	struct head head, added;
	struct edited edited;
	struct address from;
	char return_path[ADDRESS_MAX + 1];
	bool signed_by_us;
};

static int make_parts(struct composer *c, const struct compose_job *job, struct parts *p, struct err *err)
{
	if (head_parse(&c->arena, job->message, &p->head, err) || author(&p->head, &p->from, err))
		return -1;
	if (add_fields(job, &p->head, address_domain(&p->from), &c->added, err) || head_parse(&c->arena, buf_view(&c->added), &p->added, err))
		return -1;
	if (edit_head(&c->arena, job, &p->head, &p->added, &p->edited, err))
		return -1;
	return set_return_path(job, p->return_path, err);
}

static int sign_parts(struct composer *c, const struct compose_job *job, struct parts *p, struct err *err)
{
	struct signing signing = {
	    job, &p->edited, address_domain(&p->from), p->head.body, &c->body_hash, c->hasher, &c->canon};
	return add_signatures(&signing, &c->head, &p->signed_by_us, err);
}

static int in_order(struct composer *c, const struct compose_job *job, struct composed *ret, struct err *err)
{
	struct parts p = {.signed_by_us = false};
	if (make_parts(c, job, &p, err))
		return -1;
	add_received(job, &c->head);
	if (sign_parts(c, job, &p, err))
		return -1;
	write_fields(&p.edited, &c->head);
	if (c->head.failed)
		return err_set(err, ERR_LIMIT, "the head is larger than %d bytes", COMPOSE_HEAD_MAX);
	*ret = (struct composed){.head = buf_view(&c->head), .body = p.head.body, .signed_by_us = p.signed_by_us};
	memcpy(ret->return_path, p.return_path, sizeof ret->return_path);
	return 0;
}

static int in_edits(struct composer *c, const struct compose_job *job, struct compose_edits *ret, struct err *err)
{
	struct parts *p = arena_zero(&c->arena, sizeof *p); /* its head is handed out */
	if (!p)
		return err_set(err, ERR_LIMIT, "no room to index the header fields");
	if (make_parts(c, job, p, err) || sign_parts(c, job, p, err))
		return -1;
	if (c->head.failed)
		return err_set(err, ERR_LIMIT, "the signatures are larger than %d bytes", COMPOSE_HEAD_MAX);
	*ret = (struct compose_edits){
	    .signatures = buf_view(&c->head), .head = &p->head, .gone = p->edited.gone, .added = buf_view(&c->added)};
	memcpy(ret->return_path, p->return_path, sizeof ret->return_path);
	return 0;
}

/* A limit that this message reaches, it reaches at every attempt: no reason to try again. */
static int outcome(int rc, struct err *err)
{
	if (rc && err && err->kind == ERR_LIMIT)
		err->kind = ERR_SYNTAX;
	return rc;
}

int compose(struct composer *c, const struct compose_job *job, struct composed *ret, struct err *err)
{
	reset(c);
	return outcome(in_order(c, job, ret, err), err);
}

int compose_edits(struct composer *c, const struct compose_job *job, struct compose_edits *ret, struct err *err)
{
	reset(c);
	return outcome(in_edits(c, job, ret, err), err);
}
