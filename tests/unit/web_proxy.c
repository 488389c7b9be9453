/* web: who is asking behind proxies, as a table; and a listener that believes them. */
#include "../../src/web/proxy.h"

#include "web_server.h"

static void the_rightmost_stranger_asks(void **state)
{
	(void)state;
	static const struct {
		const char *peer, *header, *who;
	} rows[] = {
	    {"127.0.0.1:9", "", "127.0.0.1"},
	    {"127.0.0.1:9", "192.0.2.7", "192.0.2.7"},
	    {"127.0.0.1:9", "6.6.6.6, 192.0.2.7", "192.0.2.7"},
	    {"127.0.0.1:9", "6.6.6.6, 192.0.2.7 , 10.1.2.3", "192.0.2.7"},
	    {"127.0.0.1:9", "192.0.2.7:4711", "192.0.2.7"},
	    {"127.0.0.1:9", "2001:db8::7", "2001:db8::7"},
	    {"127.0.0.1:9", "[2001:db8::7]", "2001:db8::7"},
	    {"127.0.0.1:9", "[2001:db8::7]:443, 10.0.0.1", "2001:db8::7"},
	    {"127.0.0.1:9", "10.0.0.1, 10.0.0.2", "10.0.0.1"},
	    {"127.0.0.1:9", "192.0.2.7, unknown", "127.0.0.1"},
	    {"127.0.0.1:9", "192.0.2.7, unix:/etc/passwd", "127.0.0.1"},
	    {"127.0.0.1:9", "192.0.2.7,", "127.0.0.1"},
	    {"127.0.0.1:9", "192.0.2.7, 10.0.0.1\"", "127.0.0.1"},
	    {"198.51.100.1:9", "192.0.2.7", "198.51.100.1"},
	    {"unix:/run/x", "192.0.2.7", "192.0.2.7"},
	    {"unix:/run/x", "", "unix"},
	};
	struct network trusted[2];
	struct err err;
	must(network_parse("127.0.0.0/8", &trusted[0], &err), &err);
	must(network_parse("10.0.0.0/8", &trusted[1], &err), &err);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct endpoint peer;
		char text[ENDPOINT_TEXT];
		must(endpoint_parse(rows[i].peer, &peer, &err), &err);
		struct endpoint who = proxy_client(&peer, view_of(rows[i].header), trusted, 2);
		endpoint_ip_text(&who, text);
		if (strcmp(text, rows[i].who) != 0)
			fail_msg("%s, %s: %s", rows[i].peer, rows[i].header, text);
	}
}

/* Thirty proxies in a row, all of them trusted: the look ends somewhere. */
static void a_long_list_ends(void **state)
{
	(void)state;
	struct network all;
	struct endpoint peer;
	struct err err;
	char list[1000] = "";
	must(network_parse("0.0.0.0/0", &all, &err), &err);
	must(endpoint_parse("127.0.0.1:1", &peer, &err), &err);
	for (int i = 0; i < 30; i++)
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s10.0.0.%d", i ? "," : "", i);
	struct endpoint who = proxy_client(&peer, view_of(list), &all, 1);
	char text[ENDPOINT_TEXT];
	endpoint_ip_text(&who, text);
	assert_string_equal(text, "10.0.0.10");
}

static bool take_evidence(void *arg, const struct journal_entry *e)
{
	view_str(e->evidence, arg, NOTE_MAX + 1);
	return true;
}

static int post_as(struct server *s, int number, const char *forwarded, char evidence[NOTE_MAX + 1])
{
	char path[300];
	struct reply r;
	struct err err;
	server_path(s, number, "acme/offers", path);
	client_ask(s, &r, "POST %s HTTP/1.1\r\nHost: t\r\n%sContent-Length: 26\r\n\r\n" ONE_CLICK, path, forwarded);
	must(ledger_journal(s->ledger, ledger_journal_last(s->ledger), take_evidence, evidence, &err), &err);
	return r.status;
}

static void evidence_names_the_client(void **state)
{
	(void)state;
	struct server s = {0};
	char evidence[NOTE_MAX + 1];
	struct err err;
	server_start(&s);
	assert_int_equal(post_as(&s, 1, "X-Forwarded-For: 192.0.2.1\r\n", evidence), 200);
	assert_non_null(strstr(evidence, "ip=127.0.0.1 ")); /* nobody is trusted yet */
	struct web_settings *settings = server_settings(s.policy, NULL);
	settings->proxies = mem_zero(sizeof *settings->proxies);
	settings->proxy_count = 1;
	must(network_parse("127.0.0.1", &settings->proxies[0], &err), &err);
	web_use(s.web, settings);
	assert_int_equal(post_as(&s, 2, "X-Forwarded-For: 192.0.2.2\r\n", evidence), 200);
	assert_non_null(strstr(evidence, "ip=192.0.2.2 "));
	/* A proxy may add a line of its own below the client's. */
	assert_int_equal(post_as(&s, 3, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.3\r\n", evidence), 200);
	assert_non_null(strstr(evidence, "ip=192.0.2.3 "));
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rightmost_stranger_asks), cmocka_unit_test(a_long_list_ends),
		cmocka_unit_test(evidence_names_the_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
