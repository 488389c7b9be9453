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

static int in_order(struct composer *c, const struct compose_job *job, struct composed *ret, struct err *err)
{
	struct head head, added;
	struct edited edited;
	struct address from;
	struct composed done = {0};
	if (head_parse(&c->arena, job->message, &head, err) || author(&head, &from, err))
		return -1;
	if (add_fields(job, &head, &c->added, err) || head_parse(&c->arena, buf_view(&c->added), &added, err))
		return -1;
	if (edit_head(&c->arena, job, &head, &added, &edited, err) ||
	    set_return_path(job, done.return_path, err))
		return -1;
	struct signing signing = {
	    job, &edited, address_domain(&from), head.body, &c->body_hash, c->hasher, &c->canon};
	add_received(job, &c->head);
	if (add_signatures(&signing, &c->head, &done.signed_by_us, err))
		return -1;
	write_fields(&edited, &c->head);
	if (c->head.failed)
		return err_set(err, ERR_LIMIT, "the head is larger than %d bytes", COMPOSE_HEAD_MAX);
	done.head = buf_view(&c->head);
	done.body = head.body;
	*ret = done;
	return 0;
}

int compose(struct composer *c, const struct compose_job *job, struct composed *ret, struct err *err)
{
	reset(c);
	int rc = in_order(c, job, ret, err);
	/* A limit that this message reaches, it reaches at every attempt: no reason to try again. */
	if (rc && err && err->kind == ERR_LIMIT)
		err->kind = ERR_SYNTAX;
	return rc;
}
