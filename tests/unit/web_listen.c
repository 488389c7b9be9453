/* web: where a listener may listen, and what it says when it can't. */
#include "web_server.h"

static void listens_everywhere(void **state)
{
	(void)state;
	struct server s = {0};
	char unix_path[100];
	server_start(&s);
	snprintf(unix_path, sizeof unix_path, "unix:%s/web.sock", s.dir);
	const char *const places[] = {"[::1]:0", unix_path};
	for (size_t i = 0; i < 2; i++) {
		struct server other = s;
		struct web_limits limits = {.threads = 1, .max_connections = 50, .max_connections_per_ip = 20,
		    .timeout_s = 10, .max_body_bytes = 8192};
		struct reply r;
		struct err err;
		char path[300];
		struct suppression row;
		must(web_start(&other.web, places[i], &limits, s.ledger, &clock_system, NULL,
			 server_settings(s.policy, NULL), &err), &err);
		web_address(other.web, &other.address);
		server_path(&other, 70 + (int)i, "acme/offers", path);
		client_post(&other, path, URLENCODED, ONE_CLICK, &r);
		assert_int_equal(r.status, 200);
		assert_true(server_suppression(&s, 70 + (int)i, "acme/offers", &row));
		client_ask(&other, &r, "GET /u/x HTTP/1.1\r\nHost: t\r\n\r\n");
		assert_int_equal(r.status, 404);
		web_stop(&other.web, 0);
		assert_null(other.web);
	}
	server_stop(&s);
}

static void says_why_it_cannot_listen(void **state)
{
	(void)state;
	struct server s = {0};
	server_start(&s);
	char taken[60];
	struct web_limits limits = {.threads = 2, .max_connections = 50, .timeout_s = 10, .max_body_bytes = 8192};
	snprintf(taken, sizeof taken, "127.0.0.1:%u", endpoint_port(&s.address));
	const char *const places[] = {taken, "nonsense", "unix:/no/such/dir/s.sock"};
	for (size_t i = 0; i < 3; i++) {
		struct web *w;
		struct err err;
		assert_int_equal(web_start(&w, places[i], &limits, s.ledger, &clock_system, NULL,
				     server_settings(s.policy, NULL), &err), -1);
		assert_non_null(strstr(err.text, places[i]));
	}
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listens_everywhere), cmocka_unit_test(says_why_it_cannot_listen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
