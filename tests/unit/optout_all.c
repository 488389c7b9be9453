/* optout: tokens open only unaltered and for their purpose; what an opt-out changes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "ledger_help.h"
#include "optout/optout.h"

static const uint8_t key_bytes[2][TOKEN_KEY_BYTES] = {{1, 2, 3}, {4, 5, 6}};
static const uint8_t key_ids[2] = {7, 9};

static const struct token sample = {
    .channel = CHANNEL_EMAIL,
    .level = SCOPE_TOPIC,
    .scope_id = {1, 1, 1, 1, 1, 1, 1, 1},
    .brand_id = {2, 2, 2, 2, 2, 2, 2, 2},
    .stream_id = {3, 3, 3, 3, 3, 3, 3, 3},
    .who = {{4, 4, 4, 4}},
    .minted_ms = 1795000000123,
    .message_id = 0xfedcba9876543210,
    .masked = "j***n@e***.com",
};

static void assert_same(const struct token *a, const struct token *b)
{
	assert_int_equal(a->channel, b->channel);
	assert_int_equal(a->level, b->level);
	assert_memory_equal(a->scope_id, b->scope_id, SCOPE_ID_BYTES);
	assert_memory_equal(a->brand_id, b->brand_id, SCOPE_ID_BYTES);
	assert_memory_equal(a->stream_id, b->stream_id, SCOPE_ID_BYTES);
	assert_memory_equal(&a->who, &b->who, sizeof a->who);
	assert_int_equal(a->minted_ms, b->minted_ms);
	assert_int_equal(a->message_id, b->message_id);
	assert_string_equal(a->masked, b->masked);
	assert_string_equal(a->tool, b->tool);
}

static void a_link_says_all_it_was_given(void **state)
{
	(void)state;
	struct token_keys *k = token_keys_new(key_bytes, key_ids, 2);
	assert_int_equal(token_keys_count(k), 2);
	assert_int_equal(token_keys_minting(k), 9);
	struct buf text;
	buf_init(&text, TOKEN_LINK_TEXT);
	struct token t = sample, got;
	for (int round = 0; round < 5; round++) {
		buf_clear(&text);
		if (round == 1) { /* a stream's mail */
			t.level = SCOPE_STREAM;
			memcpy(t.scope_id, t.stream_id, SCOPE_ID_BYTES);
		}
		if (round == 2) { /* the longest */
			t = sample;
			memset(t.masked, '*', TOKEN_MASK_MAX);
		}
		if (round == 3) /* with a tool's own link, as long as one may be */
			memset(t.tool, 't', TOKEN_TOOL_MAX);
		if (round == 4) /* and without a mask */
			memset(t.masked, 0, sizeof t.masked);
		token_mint_link(k, &t, &text);
		assert_false(text.failed);
		assert_int_equal(token_open_link(k, buf_view(&text), &got, NULL), 0);
		assert_same(&got, &t);
	}
	buf_free(&text);
	token_keys_free(&k);
}

static void an_address_fits_a_local_part(void **state)
{
	(void)state;
	struct token_keys *k = token_keys_new(key_bytes, key_ids, 2);
	struct buf text;
	buf_init(&text, TOKEN_ADDRESS_TEXT);
	token_mint_address(k, TOKEN_BOUNCE, &sample, &text);
	assert_int_equal(text.n, 58);
	struct token got, want = {.channel = CHANNEL_EMAIL, .level = SCOPE_TOPIC, .who = sample.who};
	memcpy(want.scope_id, sample.scope_id, SCOPE_ID_BYTES);
	assert_int_equal(token_open_address(k, TOKEN_BOUNCE, buf_view(&text), &got, NULL), 0);
	assert_same(&got, &want);
	struct err err;
	assert_int_equal(token_open_address(k, TOKEN_OPTOUT, buf_view(&text), &got, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	for (size_t i = 0; i < text.n; i++) /* MTAs change case */
		if (ascii_is_alpha(text.p[i]))
			text.p[i] = (char)(text.p[i] - 32);
	assert_int_equal(token_open_address(k, TOKEN_BOUNCE, buf_view(&text), &got, NULL), 0);
	assert_same(&got, &want);
	buf_free(&text);
	token_keys_free(&k);
}

/* Any one digit changed, any length cut, one digit added: never opens. */
static void assert_only_itself_opens(struct token_keys *k, struct buf *text,
    int (*open)(const struct token_keys *, struct view, struct token *, struct err *))
{
	struct token got;
	for (size_t i = 0; i < text->n; i++) {
		char was = text->p[i];
		text->p[i] = was == 'a' ? 'b' : 'a';
		assert_int_equal(open(k, buf_view(text), &got, NULL), -1);
		text->p[i] = '=';
		assert_int_equal(open(k, buf_view(text), &got, NULL), -1);
		text->p[i] = was;
		assert_int_equal(open(k, view_n(text->p, i), &got, NULL), -1);
	}
	assert_int_equal(open(k, buf_view(text), &got, NULL), 0);
	buf_byte(text, 'a');
	assert_int_equal(open(k, buf_view(text), &got, NULL), -1);
}

static int open_bounce(const struct token_keys *k, struct view text, struct token *ret, struct err *err)
{
	return token_open_address(k, TOKEN_BOUNCE, text, ret, err);
}

static void altered_tokens_do_not_open(void **state)
{
	(void)state;
	struct token_keys *k = token_keys_new(key_bytes, key_ids, 2);
	struct buf text;
	buf_init(&text, TOKEN_LINK_TEXT);
	token_mint_link(k, &sample, &text);
	assert_only_itself_opens(k, &text, token_open_link);
	struct token with_tool = sample;
	ALWAYS(view_str(V("https://lists.example.com/u/1"), with_tool.tool, sizeof with_tool.tool));
	buf_clear(&text);
	token_mint_link(k, &with_tool, &text);
	assert_only_itself_opens(k, &text, token_open_link);
	buf_clear(&text);
	token_mint_address(k, TOKEN_BOUNCE, &sample, &text);
	assert_only_itself_opens(k, &text, open_bounce);
	buf_free(&text);
	token_keys_free(&k);
}

static void old_keys_open_and_missing_keys_refuse(void **state)
{
	(void)state;
	struct token_keys *old = token_keys_new(key_bytes, key_ids, 1), *both = token_keys_new(key_bytes, key_ids, 2),
			  *other = token_keys_new(key_bytes + 1, key_ids, 1);
	struct buf link, address;
	buf_init(&link, TOKEN_LINK_TEXT), buf_init(&address, TOKEN_ADDRESS_TEXT);
	token_mint_link(old, &sample, &link);
	token_mint_address(old, TOKEN_OPTOUT, &sample, &address);
	struct token got;
	struct err err;
	assert_int_equal(token_open_link(both, buf_view(&link), &got, NULL), 0);
	assert_int_equal(token_open_address(both, TOKEN_OPTOUT, buf_view(&address), &got, NULL), 0);
	assert_int_equal(token_open_link(other, buf_view(&link), &got, &err), -1); /* same number, other key */
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(token_open_address(other, TOKEN_OPTOUT, buf_view(&address), &got, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	buf_clear(&link);
	token_mint_link(both, &sample, &link);
	assert_int_equal(token_open_link(old, buf_view(&link), &got, &err), -1); /* a number it doesn't have */
	assert_int_equal(err.kind, ERR_REFUSED);
	static const char *const nonsense[] = {"", "a", "AA", "robots.txt", "EQ", "MQk", "EgkAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
		assert_int_equal(token_open_link(both, view_of(nonsense[i]), &got, NULL), -1);
		assert_int_equal(token_open_address(both, TOKEN_OPTOUT, view_of(nonsense[i]), &got, NULL), -1);
	}
	struct token_keys *held = token_keys_hold(both);
	token_keys_free(&both);
	assert_null(both);
	assert_int_equal(token_open_link(held, buf_view(&link), &got, NULL), 0);
	buf_free(&link), buf_free(&address);
	token_keys_free(&held), token_keys_free(&old), token_keys_free(&other);
	token_keys_free(&other);
}

static void keys_live_in_files(void **state)
{
	(void)state;
	char base[] = "/tmp/optout-XXXXXX", dir[64], path[128];
	assert_non_null(mkdtemp(base));
	snprintf(dir, sizeof dir, "%s/keys", base);
	struct token_keys *k = NULL, *again = NULL;
	struct err err;
	struct stat st;
	assert_int_equal(token_keys_load(&k, dir, &err), 0);
	assert_int_equal(token_keys_count(k), 1);
	snprintf(path, sizeof path, "%s/token-001.key", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	struct buf link;
	buf_init(&link, TOKEN_LINK_TEXT);
	token_mint_link(k, &sample, &link);
	unsigned id;
	assert_int_equal(token_keys_rotate(dir, &id, &err), 0);
	assert_int_equal(id, 2);
	assert_int_equal(token_keys_load(&again, dir, &err), 0);
	assert_int_equal(token_keys_count(again), 2);
	assert_int_equal(token_keys_minting(again), 2);
	struct token got;
	assert_int_equal(token_open_link(again, buf_view(&link), &got, &err), 0);
	buf_free(&link);
	token_keys_free(&k), token_keys_free(&again);

	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(token_keys_load(&k, dir, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(file_replace(path, V("deadbeef"), 0600, &err), 0);
	assert_int_equal(token_keys_load(&k, dir, &err), -1);
	assert_int_equal(err.kind, ERR_CORRUPT);
	assert_null(k);
	nftw(base, place_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static struct topic topics[1];
static struct stream streams[2];
static struct brand brands[1];

static struct policy small_policy(void)
{
	static char spring[] = "spring", offers[] = "offers", other[] = "other", acme[] = "acme";
	topics[0] = (struct topic){.name = spring, .scope = {SCOPE_TOPIC, {1, 1, 1, 1, 1, 1, 1, 1}, "acme/offers/spring"}};
	streams[0] = (struct stream){.name = offers, .brand = brands, .class = CLASS_MARKETING, .topics = topics, .topic_count = 1,
	    .scope = {SCOPE_STREAM, {3, 3, 3, 3, 3, 3, 3, 3}, "acme/offers"}};
	streams[1] = (struct stream){.name = other, .brand = brands, .class = CLASS_MARKETING,
	    .scope = {SCOPE_STREAM, {5, 5, 5, 5, 5, 5, 5, 5}, "acme/other"}};
	brands[0] = (struct brand){.name = acme, .streams = streams, .stream_count = 2,
	    .scope = {SCOPE_BRAND, {2, 2, 2, 2, 2, 2, 2, 2}, "acme"}};
	return (struct policy){.brands = brands, .brand_count = 1};
}

static void assert_scope(const struct scope *got, const char *want)
{
	uint8_t id[SCOPE_ID_BYTES];
	if (!ascii_is_digit(want[0])) {
		assert_string_equal(got->name, want);
		return;
	}
	memset(id, want[0] - '0', sizeof id);
	assert_memory_equal(got->id, id, sizeof id);
	assert_string_equal(got->name, "");
}

static void reach_becomes_scope(void **state)
{
	(void)state;
	struct policy full = small_policy(), empty = {0};
	struct token stream_mail = sample, by_address = {.channel = CHANNEL_EMAIL, .level = SCOPE_TOPIC, .who = sample.who};
	stream_mail.level = SCOPE_STREAM;
	memcpy(stream_mail.scope_id, sample.stream_id, SCOPE_ID_BYTES);
	memcpy(by_address.scope_id, sample.scope_id, SCOPE_ID_BYTES);
	const struct {
		const struct policy *policy;
		const struct token *token;
		enum optout_reach reach;
		const char *suppressed, *also_withdrawn; /* one digit: the id's bytes, and no name */
	} rows[] = {
	    {&full, &sample, OPTOUT_TOPIC, "acme/offers/spring", NULL},
	    {&full, &sample, OPTOUT_STREAM, "acme/offers", "acme/offers/spring"},
	    {&full, &sample, OPTOUT_BRAND, "acme", "acme/offers/spring"},
	    {&full, &stream_mail, OPTOUT_TOPIC, "acme/offers", NULL},
	    {&full, &stream_mail, OPTOUT_STREAM, "acme/offers", NULL},
	    {&full, &stream_mail, OPTOUT_BRAND, "acme", "acme/offers"},
	    {&full, &by_address, OPTOUT_TOPIC, "acme/offers/spring", NULL},
	    {&full, &by_address, OPTOUT_STREAM, "acme/offers", "acme/offers/spring"},
	    {&full, &by_address, OPTOUT_BRAND, "acme", "acme/offers/spring"},
	    {&empty, &sample, OPTOUT_TOPIC, "1", NULL},
	    {&empty, &sample, OPTOUT_STREAM, "3", "1"},
	    {&empty, &sample, OPTOUT_BRAND, "2", "1"},
	    {&empty, &by_address, OPTOUT_BRAND, "1", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct change c[OPTOUT_CHANGES];
		struct optout_request r = {*rows[i].token, rows[i].reach, V("one-click"), V("ip=192.0.2.1"), 1234};
		size_t n = optout_changes(rows[i].policy, &r, c);
		assert_int_equal(n, rows[i].also_withdrawn ? 3 : 2);
		assert_int_equal(c[0].kind, CHANGE_SUPPRESS);
		assert_int_equal(c[0].reason, REASON_UNSUBSCRIBE);
		assert_scope(&c[0].scope, rows[i].suppressed);
		assert_int_equal(c[1].kind, CHANGE_WITHDRAW);
		assert_scope(&c[1].scope, rows[i].suppressed);
		assert_memory_equal(c[1].scope.id, c[0].scope.id, SCOPE_ID_BYTES);
		if (n == 3) {
			assert_int_equal(c[2].kind, CHANGE_WITHDRAW);
			assert_scope(&c[2].scope, rows[i].also_withdrawn);
		}
		for (size_t j = 0; j < n; j++) {
			assert_int_equal(c[j].channel, CHANNEL_EMAIL);
			assert_memory_equal(&c[j].who, &sample.who, sizeof sample.who);
			assert_int_equal(c[j].event_ms, 1234);
			assert_true(view_eq(c[j].actor, V("recipient")));
			assert_true(view_eq(c[j].source, V("one-click")));
		}
	}
}

/* The ledger holds both, in whatever order: with the policy's names and, once the stream is gone, without. */
static void the_ledger_takes_them(void **state)
{
	(void)state;
	struct policy full = small_policy(), empty = {0};
	const struct policy *const policies[] = {&full, &empty, &full};
	struct place p;
	place_make(&p);
	struct ledger *l = place_open(&p);
	for (int reach = OPTOUT_TOPIC; reach <= OPTOUT_BRAND; reach++)
		for (size_t i = 0; i < 3; i++) {
			struct change c[OPTOUT_CHANGES];
			struct change_result results[OPTOUT_CHANGES];
			struct err err;
			struct optout_request r = {sample, reach, V("one-click"), V("ip=192.0.2.1"), 1234};
			size_t n = optout_changes(policies[(i + (size_t)reach) % 3], &r, c);
			if (ledger_change_all(l, c, n, results, &err))
				fail_msg("%s", err.text);
			assert_int_equal(results[0].changed, i == 0);
		}
	struct arena a;
	struct record record;
	arena_init(&a, 1 << 20);
	assert_int_equal(ledger_look(l, &sample.who, &a, &record, NULL), 0);
	assert_int_equal(record.suppression_count, 3);
	arena_free(&a);
	ledger_close(&l);
	place_remove(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_link_says_all_it_was_given),
	    cmocka_unit_test(an_address_fits_a_local_part),
	    cmocka_unit_test(altered_tokens_do_not_open),
	    cmocka_unit_test(old_keys_open_and_missing_keys_refuse),
	    cmocka_unit_test(keys_live_in_files),
	    cmocka_unit_test(reach_becomes_scope),
	    cmocka_unit_test(the_ledger_takes_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
