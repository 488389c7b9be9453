/* web: one-click and the page, on a running listener with a real ledger. The rows of FACTS 2.1's endpoint
 * contract. */
#include "web_server.h"

static const char *const fixed_headers[] = {
    "Cache-Control: no-store\r\n",
    "Referrer-Policy: no-referrer\r\n",
    "X-Robots-Tag: noindex\r\n",
    "X-Content-Type-Options: nosniff\r\n",
    "Content-Security-Policy: default-src 'none'; style-src 'sha256-",
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n",
};

static void check_headers(const struct reply *r)
{
	for (size_t i = 0; i < sizeof fixed_headers / sizeof *fixed_headers; i++)
		if (!strstr(r->head, fixed_headers[i]))
			fail_msg("no %s in %s", fixed_headers[i], r->head);
	assert_null(strstr(r->head, "Location:"));
	assert_null(strstr(r->head, "Set-Cookie:"));
	assert_true(r->status < 300 || r->status >= 400);
}

static void one_click_is_durable_and_idempotent(void **state)
{
	struct server *s = *state;
	char path[300];
	struct reply r;
	struct suppression row;
	server_path(s, 1, "acme/offers", path);
	uint64_t before = ledger_journal_last(s->ledger);
	client_ask(s, &r,
	    "POST %s HTTP/1.1\r\nHost: t\r\nUser-Agent: Provider\t\"1\xff\r\nContent-Type: " URLENCODED
	    "\r\nContent-Length: 26\r\n\r\n" ONE_CLICK,
	    path);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "Unsubscribed.\n");
	check_headers(&r);
	assert_true(server_suppression(s, 1, "acme/offers", &row));
	assert_int_equal(row.reason, REASON_UNSUBSCRIBE);
	assert_int_equal(row.channel, CHANNEL_EMAIL);
	assert_string_equal(row.source, "one-click");
	assert_string_equal(row.actor, "recipient");
	assert_false(server_suppressed(s, 1, "acme/news"));
	uint64_t after = ledger_journal_last(s->ledger);
	assert_true(after > before);
	client_post(s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "Unsubscribed.\n");
}

static bool find_evidence(void *arg, const struct journal_entry *e)
{
	bool *found = arg;
	*found |= view_starts(e->evidence, V("ip=127.0.0.1 after_s=")) && view_ends(e->evidence, V(" agent=Provider?\"1?"));
	return !*found;
}

static void evidence_is_kept_and_clean(void **state)
{
	struct server *s = *state;
	struct err err;
	bool found = false;
	must(ledger_journal(s->ledger, 1, find_evidence, &found, &err), &err);
	assert_true(found);
}

static void multipart_and_missing_types_count(void **state)
{
	struct server *s = *state;
	static const char part[] = "--x\r\nContent-Disposition: form-data; "
				   "name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
	static const struct {
		const char *type, *body;
	} rows[] = {{"multipart/form-data; boundary=x", part}, {NULL, part}, {NULL, ONE_CLICK},
	    {"text/plain", ONE_CLICK}};
	for (int i = 0; i < 4; i++) {
		char path[300];
		struct reply r;
		server_path(s, 10 + i, "acme/offers/spring", path);
		client_post(s, path, rows[i].type, rows[i].body, &r);
		assert_int_equal(r.status, 200);
		assert_true(server_suppressed(s, 10 + i, "acme/offers/spring"));
		assert_false(server_suppressed(s, 10 + i, "acme/offers"));
	}
}

static void looking_changes_nothing(void **state)
{
	struct server *s = *state;
	char path[300];
	static const struct {
		const char *method, *more;
		int status;
	} rows[] = {
	    {"GET", "", 200},
	    {"GET", "Purpose: prefetch\r\n", 200},
	    {"GET", "Sec-Purpose: prefetch;prerender\r\n", 200},
	    {"HEAD", "", 200},
	    {"OPTIONS", "", 204},
	    {"GET", "", 200},
	    {"GET", "Content-Length: 26\r\nContent-Type: " URLENCODED "\r\n", 200},
	    {"PUT", "Content-Length: 26\r\n", 405},
	    {"DELETE", "", 405},
	    {"PATCH", "Content-Length: 26\r\n", 405},
	    {"TRACE", "", 405},
	    {"post", "Content-Length: 26\r\nContent-Type: " URLENCODED "\r\n", 405},
	};
	server_path(s, 20, "acme/offers", path);
	uint64_t before = ledger_journal_last(s->ledger);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reply r;
		client_ask(s, &r, "%s %s?List-Unsubscribe=One-Click HTTP/1.1\r\nHost: t\r\n%s\r\n%s",
		    rows[i].method, path, rows[i].more, strstr(rows[i].more, "26") ? ONE_CLICK : "");
		if (r.status != rows[i].status)
			fail_msg("row %zu: %d", i, r.status);
		check_headers(&r);
		if (r.status == 405 || r.status == 204)
			assert_non_null(strstr(r.head, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
	}
	assert_int_equal(ledger_journal_last(s->ledger), before);
	assert_false(server_suppressed(s, 20, "acme/offers"));
}

static void head_is_get_without_a_body(void **state)
{
	struct server *s = *state;
	char path[300], length[40];
	struct reply get, head;
	server_path(s, 21, "acme/offers", path);
	client_ask(s, &get, "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", path);
	int fd = client_connect(s);
	char text[400];
	snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", path);
	client_send(fd, text, strlen(text));
	client_read(fd, true, &head);
	assert_true(client_closed(fd));
	close(fd);
	snprintf(length, sizeof length, "Content-Length: %zu\r\n", get.body_n);
	assert_non_null(strstr(head.head, length));
	assert_int_equal(head.status, 200);
}

/* The nonce that the page's form carries. */
static void nonce_in(const struct reply *r, char nonce[33])
{
	const char *at = strstr(r->body, "name=\"nonce\" value=\"");
	assert_non_null(at);
	assert_true(view_str(view_n(at + 20, 32), nonce, 33));
}

static void the_page_asks_and_its_button_acts(void **state)
{
	struct server *s = *state;
	char path[300], nonce[33], form[100];
	struct reply r;
	struct suppression row;
	server_path(s, 30, "acme/offers", path);
	client_ask(s, &r, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "<html lang=\"en\">"));
	assert_non_null(strstr(r.body, "p***30@e***.com"));
	assert_non_null(strstr(r.body, "Acme Ltd"));
	assert_non_null(strstr(r.body, "Offers &amp; more"));
	assert_non_null(strstr(r.body, "Nothing has changed yet."));
	assert_non_null(strstr(r.body, "<form method=\"post\">"));
	assert_null(strstr(r.body, "<script"));
	assert_null(strstr(r.body, "http:"));
	nonce_in(&r, nonce);
	client_post(s, path, URLENCODED, "action=unsubscribe", &r);
	assert_int_equal(r.status, 400);
	client_post(s, path, URLENCODED, "action=unsubscribe&nonce=00000000000000000000000000000000", &r);
	assert_int_equal(r.status, 400);
	assert_false(server_suppressed(s, 30, "acme/offers"));
	snprintf(form, sizeof form, "action=unsubscribe&nonce=%s", nonce);
	client_post(s, path, URLENCODED, form, &r);
	assert_int_equal(r.status, 200);
	check_headers(&r);
	assert_non_null(strstr(r.body, "Done. These e-mails stop."));
	assert_true(server_suppression(s, 30, "acme/offers", &row));
	assert_string_equal(row.source, "page");
	client_post(s, path, URLENCODED, form, &r);
	assert_int_equal(r.status, 200);
}

/* The nonce belongs to one link: another link's doesn't count. */
static void a_nonce_is_of_one_link(void **state)
{
	struct server *s = *state;
	char path[300], other[300], nonce[33], form[100];
	struct reply r;
	server_path(s, 31, "acme/offers", path);
	server_path(s, 32, "acme/offers", other);
	client_ask(s, &r, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", other);
	nonce_in(&r, nonce);
	snprintf(form, sizeof form, "action=unsubscribe&nonce=%s", nonce);
	client_post(s, path, URLENCODED, form, &r);
	assert_int_equal(r.status, 400);
	assert_false(server_suppressed(s, 31, "acme/offers"));
}

static void posts_that_say_nothing_change_nothing(void **state)
{
	struct server *s = *state;
	char path[300];
	static const char *const bodies[] = {
	    "", "x=y", "list-unsubscribe=one-click", "List-Unsubscribe", "{}", "--", "&&&==="};
	server_path(s, 33, "acme/offers", path);
	uint64_t before = ledger_journal_last(s->ledger);
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct reply r;
		client_post(s, path, URLENCODED, bodies[i], &r);
		assert_int_equal(r.status, 400);
		assert_non_null(strstr(r.body, "Nothing has changed"));
		check_headers(&r);
	}
	assert_int_equal(ledger_journal_last(s->ledger), before);
}

static void pages_speak_the_readers_language(void **state)
{
	struct server *s = *state;
	char path[300];
	static const struct {
		const char *accept, *tag, *says;
	} rows[] = {{"cy", "cy", "Atal yr e-byst hyn?"},
	    {"fr-CA,en;q=0.3", "fr", "Ne plus recevoir ces e-mails ?"},
	    {"de", "de", "Diese E-Mails abbestellen?"}, {"es-MX", "es", "¿Dejar de recibir estos correos?"},
	    {"xx", "en", "Stop these e-mails?"}};
	server_path(s, 34, "acme/offers/spring", path);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reply r;
		char lang[40];
		client_ask(s, &r, "GET %s HTTP/1.1\r\nHost: t\r\nAccept-Language: %s\r\n\r\n", path,
		    rows[i].accept);
		snprintf(lang, sizeof lang, "<html lang=\"%s\">", rows[i].tag);
		assert_non_null(strstr(r.body, lang));
		assert_non_null(strstr(r.body, rows[i].says));
		assert_non_null(strstr(r.body, "Spring &lt;sale&gt;"));
	}
}

static void a_stream_long_gone_still_opts_out(void **state)
{
	struct server *s = *state;
	static struct policy empty = {.shared = {.refs = 1000, .free = static_free}};
	char path[300];
	struct reply r;
	server_path(s, 40, "acme/offers/spring", path);
	web_use(s->web, server_settings(&empty, NULL));
	client_ask(s, &r, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "the e-mails that this link came with"));
	client_post(s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 200);
	assert_true(server_suppressed(s, 40, "acme/offers/spring"));
	web_use(s->web, server_settings(s->policy, NULL));
}

static void old_keys_open_after_rotation(void **state)
{
	struct server *s = *state;
	static const uint8_t keys[2][TOKEN_KEY_BYTES] = {{7, 1}, {9, 9}}, ids[2] = {1, 2};
	char path[300];
	struct reply r;
	server_path(s, 41, "acme/offers", path);
	web_use(s->web, server_settings(s->policy, token_keys_new(keys, ids, 2)));
	client_post(s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 200);
	assert_true(server_suppressed(s, 41, "acme/offers"));
	web_use(s->web, server_settings(s->policy, token_keys_new(keys + 1, ids + 1,
						       1))); /* the old key lost: never a false yes */
	client_post(s, path, URLENCODED, ONE_CLICK, &r);
	assert_int_equal(r.status, 404);
	web_use(s->web, server_settings(s->policy, NULL));
}

static void forged_tokens_get_404_then_429(void **state)
{
	struct server *s = *state;
	char good[300], bad[300];
	struct reply r;
	server_path(s, 50, "acme/offers", good);
	uint64_t before = ledger_journal_last(s->ledger);
	int denied = 0, throttled = 0;
	for (int i = 0; i < 40; i++) {
		snprintf(bad, sizeof bad, "%s", good);
		if (i % 3 == 0)
			bad[strlen(bad) - 1 - (size_t)i / 3] ^= 1;
		else if (i % 3 == 1)
			bad[strlen(bad) - 1 - (size_t)i] = 0;
		else
			snprintf(bad, sizeof bad, "/u/%d", i);
		if (i % 2)
			client_ask(s, &r, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", bad);
		else
			client_post(s, bad, URLENCODED, ONE_CLICK, &r);
		check_headers(&r);
		denied += r.status == 404;
		throttled += r.status == 429;
		assert_true(r.status == 404 || strstr(r.head, "Retry-After: 60\r\n"));
	}
	assert_int_equal(denied + throttled, 40);
	assert_true(denied <= 30 && denied >= 20 && throttled >= 10);
	assert_int_equal(ledger_journal_last(s->ledger), before);
	client_post(s, good, URLENCODED, ONE_CLICK, &r); /* a good token is never held up */
	assert_int_equal(r.status, 200);
}

static void health_and_unknown_paths(void **state)
{
	struct server *s = *state;
	struct reply r;
	client_ask(s, &r, "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "ok\n");
	check_headers(&r);
	static const char *const paths[] = {
	    "/", "/u/", "/u", "/u/a/b", "/../etc/passwd", "/%2e%2e/x", "/u/%00", "/healthz%00", "/metrics"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		client_ask(s, &r, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", paths[i]);
		assert_true(r.status == 404 || r.status == 429);
		check_headers(&r);
	}
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
	    cmocka_unit_test(one_click_is_durable_and_idempotent),
	    cmocka_unit_test(evidence_is_kept_and_clean),
	    cmocka_unit_test(multipart_and_missing_types_count),
	    cmocka_unit_test(looking_changes_nothing),
	    cmocka_unit_test(head_is_get_without_a_body),
	    cmocka_unit_test(the_page_asks_and_its_button_acts),
	    cmocka_unit_test(a_nonce_is_of_one_link),
	    cmocka_unit_test(posts_that_say_nothing_change_nothing),
	    cmocka_unit_test(pages_speak_the_readers_language),
	    cmocka_unit_test(a_stream_long_gone_still_opts_out),
	    cmocka_unit_test(old_keys_open_after_rotation),
	    cmocka_unit_test(forged_tokens_get_404_then_429),
	    cmocka_unit_test(health_and_unknown_paths),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
