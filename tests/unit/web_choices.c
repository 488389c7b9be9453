/* web: undo, and the wider choices, on a running listener with a real ledger. */
#include "web_server.h"

struct visit { /* a person on one page after another */
	char path[300], nonce[33], ticket[TOKEN_LINK_TEXT + 1];
	struct reply reply;
};

static void value_in(const struct reply *r, const char *name, char *dst, size_t size)
{
	char mark[60];
	snprintf(mark, sizeof mark, "name=\"%s\" value=\"", name);
	const char *at = strstr(r->body, mark);
	dst[0] = 0;
	if (!at)
		return;
	at += strlen(mark);
	assert_true(view_str(view_n(at, strcspn(at, "\"")), dst, size));
}

static void visit_begin(struct server *s, struct visit *v, int number, const char *scope)
{
	server_path(s, number, scope, v->path);
	client_ask(s, &v->reply, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", v->path);
	value_in(&v->reply, "nonce", v->nonce, sizeof v->nonce);
	assert_int_equal(strlen(v->nonce), 32);
}

static void visit_press(struct server *s, struct visit *v, const char *action, const char *ticket)
{
	char form[600];
	snprintf(form, sizeof form, "action=%s&nonce=%s&ticket=%s", action, v->nonce, ticket);
	client_post(s, v->path, URLENCODED, form, &v->reply);
	value_in(&v->reply, "ticket", v->ticket, sizeof v->ticket);
}

static bool is_undo_entry(void *arg, const struct journal_entry *e)
{
	unsigned *seen = arg;
	if (e->kind == CHANGE_UNSUPPRESS && e->note.n && view_eq(e->actor, V("recipient")))
		*seen |= 1;
	if (e->kind == CHANGE_GRANT && *seen & 1 && e->basis == BASIS_CONSENT &&
	    view_eq(e->wording, V("optgate-undo-1")) && view_starts(e->evidence, V("ip=127.0.0.1 ")))
		*seen |= 2;
	return *seen != 3;
}

static enum verdict_kind verdict_on(struct server *s, int number)
{
	const struct question q = {.stream = &s->policy->brands[0].streams[0],
	    .channel = CHANNEL_EMAIL,
	    .who = server_person(s, number),
	    .now_ms = clock_wall(&clock_system)};
	return policy_decide(s->ledger, &q).kind;
}

static void undo_is_a_removal_and_a_consent(void **state)
{
	struct server *s = *state;
	struct visit v;
	struct err err;
	unsigned seen = 0;
	char first[TOKEN_LINK_TEXT + 1];
	visit_begin(s, &v, 1, "acme/offers");
	visit_press(s, &v, "unsubscribe", "");
	assert_int_equal(v.reply.status, 200);
	assert_non_null(strstr(v.reply.body, "Pressed by mistake?"));
	assert_int_equal(verdict_on(s, 1), VERDICT_SUPPRESS);
	memcpy(first, v.ticket, sizeof first);
	visit_press(s, &v, "undo", first);
	assert_int_equal(v.reply.status, 200);
	assert_non_null(strstr(v.reply.body, "You will get these e-mails again"));
	assert_false(server_suppressed(s, 1, "acme/offers"));
	assert_int_equal(verdict_on(s, 1), VERDICT_ALLOW);
	must(ledger_journal(s->ledger, 1, is_undo_entry, &seen, &err), &err);
	assert_int_equal(seen, 3);
	visit_press(s, &v, "undo", first); /* once is enough */
	assert_int_equal(v.reply.status, 409);
	visit_press(s, &v, "unsubscribe", "");
	assert_int_equal(v.reply.status, 200);
	visit_press(s, &v, "undo", first); /* a later opt-out is not undone by an earlier ticket */
	assert_int_equal(v.reply.status, 409);
	assert_non_null(strstr(v.reply.body, "the e-mails stay stopped"));
	assert_int_equal(verdict_on(s, 1), VERDICT_SUPPRESS);
}

/* A ticket as the page makes it, or bent. */
static void bent_ticket(
    struct server *s, int number, int64_t minted_ms, uint64_t seq, const char *mask, struct buf *out)
{
	struct token_keys *keys = token_keys_new(server_key, server_key_id, 1);
	struct stream *offers = &s->policy->brands[0].streams[0];
	struct token t = {.channel = CHANNEL_EMAIL,
	    .level = SCOPE_STREAM,
	    .who = server_person(s, number),
	    .minted_ms = minted_ms,
	    .message_id = seq};
	memcpy(t.scope_id, offers->scope.id, SCOPE_ID_BYTES);
	memcpy(t.stream_id, offers->scope.id, SCOPE_ID_BYTES);
	memcpy(t.brand_id, s->policy->brands[0].scope.id, SCOPE_ID_BYTES);
	snprintf(t.masked, sizeof t.masked, "%s", mask);
	buf_clear(out);
	token_mint_link(keys, &t, out);
	token_keys_free(&keys);
}

static void only_the_right_ticket_undoes(void **state)
{
	struct server *s = *state;
	struct visit v;
	struct suppression row;
	int64_t now = clock_wall(&clock_system);
	visit_begin(s, &v, 2, "acme/offers");
	visit_press(s, &v, "unsubscribe", "");
	assert_true(server_suppression(s, 2, "acme/offers", &row));
	const struct {
		int number;
		int64_t minted_ms;
		uint64_t seq;
		const char *mask;
		int status;
	} rows[] = {
		{2, now, row.seq, "p***@e***.com", 409},         /* the link of the mail itself */
		{3, now, row.seq, "\x01undo", 409},              /* somebody else's */
		{2, now - 3700000, row.seq, "\x01undo", 409},    /* an hour ago and more */
		{2, now + 3700000, row.seq, "\x01undo", 409},    /* from the future */
		{2, now, row.seq + 1, "\x01undo", 409},          /* of another opt-out */
		{2, now, row.seq, "\x01undo", 200},              /* the very one */
	};
	struct buf ticket;
	buf_init(&ticket, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(server_suppressed(s, 2, "acme/offers"));
		bent_ticket(s, rows[i].number, rows[i].minted_ms, rows[i].seq, rows[i].mask, &ticket);
		visit_press(s, &v, "undo", buf_cstr(&ticket));
		if (v.reply.status != rows[i].status)
			fail_msg("row %zu: %d", i, v.reply.status);
	}
	client_ask(s, &v.reply, "GET /u/%s HTTP/1.1\r\nHost: t\r\n\r\n",
	    buf_cstr(&ticket)); /* a ticket is no link */
	assert_int_equal(v.reply.status, 404);
	buf_free(&ticket);
	assert_false(server_suppressed(s, 2, "acme/offers"));
}

static void an_older_opt_out_is_not_the_pages_to_undo(void **state)
{
	struct server *s = *state;
	struct visit v;
	visit_begin(s, &v, 4, "acme/offers");
	client_post(s, v.path, URLENCODED, ONE_CLICK, &v.reply);
	visit_press(s, &v, "unsubscribe", "");
	assert_int_equal(v.reply.status, 200);
	assert_string_equal(v.ticket, "");
}

static void another_stop_still_stands(void **state)
{
	struct server *s = *state;
	struct visit v;
	struct err err;
	struct change_result result;
	struct change objection = {.kind = CHANGE_SUPPRESS,
	    .channel = CHANNEL_EMAIL,
	    .who = server_person(s, 5),
	    .reason = REASON_OBJECTION,
	    .scope = s->policy->brands[0].scope,
	    .source = V("cli"),
	    .actor = V("user:anna")};
	must(ledger_change(s->ledger, &objection, &result, &err), &err);
	visit_begin(s, &v, 5, "acme/offers");
	visit_press(s, &v, "unsubscribe", "");
	visit_press(s, &v, "undo", v.ticket);
	assert_int_equal(v.reply.status, 200);
	assert_non_null(strstr(v.reply.body, "these e-mails stay stopped"));
	assert_int_equal(verdict_on(s, 5), VERDICT_SUPPRESS);
}

static void wider_choices_reach_wider(void **state)
{
	struct server *s = *state;
	struct visit v;
	visit_begin(s, &v, 6, "acme/offers/spring");
	visit_press(s, &v, "unsubscribe", "");
	assert_non_null(strstr(v.reply.body, "Stop everything from Offers &amp; more"));
	assert_non_null(strstr(v.reply.body, "Stop all marketing e-mails from Acme Ltd"));
	assert_true(server_suppressed(s, 6, "acme/offers/spring"));
	assert_false(server_suppressed(s, 6, "acme/offers"));
	visit_press(s, &v, "stream", "");
	assert_int_equal(v.reply.status, 200);
	assert_true(server_suppressed(s, 6, "acme/offers"));
	assert_false(server_suppressed(s, 6, "acme"));
	assert_null(strstr(v.reply.body, "Stop everything from"));
	assert_string_equal(v.ticket, "");
	visit_press(s, &v, "brand", "");
	assert_int_equal(v.reply.status, 200);
	assert_true(server_suppressed(s, 6, "acme"));
	assert_non_null(strstr(v.reply.body, "All marketing e-mails from Acme Ltd"));
	assert_null(strstr(v.reply.body, "value=\"brand\""));
	visit_press(s, &v, "everything", "");
	assert_int_equal(v.reply.status, 400);
}

/* ---- the same again ---- */

static _Atomic int64_t ahead_ms;

static int64_t shifted_wall(const struct clock *c)
{
	(void)c;
	return clock_wall(&clock_system) + ahead_ms;
}

static int64_t plain_mono(const struct clock *c)
{
	(void)c;
	return clock_mono(&clock_system);
}

static void a_repeat_is_answered_and_not_journalled(void **state)
{
	(void)state;
	static const struct clock shifted = {shifted_wall, plain_mono};
	struct server s = {.clock = &shifted};
	char path[300];
	struct reply r;
	server_start(&s);
	server_path(&s, 1, "acme/offers", path);
	client_post(&s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 200);
	uint64_t after = ledger_journal_last(s.ledger);
	for (int i = 0; i < 5; i++) {
		client_post(&s, path, URLENCODED, ONE_CLICK, &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body, "Unsubscribed.\n");
	}
	assert_int_equal(ledger_journal_last(s.ledger), after);
	ahead_ms = 61000; /* a minute later it's a fresh wish */
	client_post(&s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 200);
	assert_true(ledger_journal_last(s.ledger) > after);
	server_stop(&s);
}

/* Nothing is left out while a consent stands that the earlier opt-out didn't reach. */
static void a_consent_in_between_ends_the_repeat(void **state)
{
	struct server *s = *state;
	char path[300];
	struct reply r;
	struct err err;
	struct change_result result;
	server_path(s, 7, "acme/offers", path);
	client_post(s, path, URLENCODED, ONE_CLICK, &r);
	struct change grant = {.kind = CHANGE_GRANT,
	    .channel = CHANNEL_EMAIL,
	    .who = server_person(s, 7),
	    .scope = s->policy->brands[0].streams[0].scope,
	    .basis = BASIS_CONSENT,
	    .source = V("form"),
	    .actor = V("recipient")};
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
	must(ledger_change(s->ledger, &grant, &result, &err), &err);
	uint64_t before = ledger_journal_last(s->ledger);
	client_post(s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 200);
	assert_true(ledger_journal_last(s->ledger) > before);
}

static int start(void **state)
{
	static struct server s;
	server_start(&s);
	*state = &s;
	return 0;
}

static int stop(void **state)
{
	server_stop(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(undo_is_a_removal_and_a_consent),
	    cmocka_unit_test(only_the_right_ticket_undoes),
	    cmocka_unit_test(an_older_opt_out_is_not_the_pages_to_undo),
	    cmocka_unit_test(another_stop_still_stands),
	    cmocka_unit_test(wider_choices_reach_wider),
	    cmocka_unit_test(a_repeat_is_answered_and_not_journalled),
	    cmocka_unit_test(a_consent_in_between_ends_the_repeat),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
