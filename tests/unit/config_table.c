/* config: wrong files and their messages, what a good file becomes, and that sample, manual and table agree. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/config/load.h"
#include "../../src/config/table.h"
#include "base/file.h"
#include "config/passwords.h"
#include "crypto/password.h"

static char *base_text; /* the good file of config_wrong.txt */

static struct view read_all(const char *path, struct buf *b)
{
	struct err err;
	buf_init(b, 1 << 20);
	if (file_read(path, b, &err) < 0)
		fail_msg("%s", err.text);
	return buf_view(b);
}

static char *unescaped(struct view v)
{
	struct buf b;
	buf_init(&b, 65536);
	for (size_t i = 0; i < v.n; i++) {
		bool line_break = v.p[i] == '\\' && i + 1 < v.n && v.p[i + 1] == 'n';
		buf_byte(&b, line_break ? '\n' : v.p[i]);
		i += line_break;
	}
	char *s = mem_strdup(buf_cstr(&b));
	buf_free(&b);
	return s;
}

/* TEXT with the first OLD replaced by NEW. */
static char *edited(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	if (!at)
		fail_msg("the base has no \"%s\"", old);
	struct buf b;
	buf_init(&b, 65536);
	buf_add(&b, view_n(text, (size_t)(at - text)));
	buf_str(&b, new);
	buf_str(&b, at + strlen(old));
	char *s = mem_strdup(buf_cstr(&b));
	buf_free(&b);
	return s;
}

static void one_case(struct view title, const char *old, const char *new, struct view expected)
{
	char *text = edited(base_text, old, new);
	struct config *c = NULL;
	struct err err = {0};
	if (config_from_text(&c, "t.conf", view_of(text), false, &err) == 0)
		fail_msg("%.*s: accepted", VFMT(title));
	if (!view_eq(view_of(err.text), expected))
		fail_msg("%.*s:\n  says      %s\n  should be %.*s", VFMT(title), err.text, VFMT(expected));
	assert_null(c);
	free(text);
}

static void wrong_files_are_told_where_and_why(void **state)
{
	(void)state;
	struct buf b;
	struct view rest = read_all("tests/unit/config_wrong.txt", &b), line, title = V("");
	char *old = NULL, *new = NULL;
	unsigned cases = 0;
	while (view_cut(&rest, '\n', &line)) {
		if (view_starts(line, V("case "))) {
			title = view_sub(line, 5, line.n);
		} else if (title.n && view_starts(line, V("- "))) {
			free(old);
			old = unescaped(view_sub(line, 2, line.n));
		} else if (title.n && view_starts(line, V("+ "))) {
			free(new);
			new = unescaped(view_sub(line, 2, line.n));
		} else if (title.n && view_starts(line, V("= "))) {
			one_case(title, old, new, view_sub(line, 2, line.n));
			cases++;
		}
	}
	assert_true(cases >= 40);
	free(old);
	free(new);
	buf_free(&b);
}

static int read_base(void **state)
{
	(void)state;
	struct buf b;
	struct view all = read_all("tests/unit/config_wrong.txt", &b);
	size_t from = view_ifind(all, V("\nbase\n")) + 6, to = view_ifind(all, V("\nend\n")) + 1;
	base_text = view_dup(view_sub(all, from, to));
	buf_free(&b);
	return 0;
}

static int free_base(void **state)
{
	(void)state;
	free(base_text);
	return 0;
}

static struct config *load_text(const char *text, bool with_keys)
{
	struct config *c = NULL;
	struct err err;
	if (config_from_text(&c, "t.conf", view_of(text), with_keys, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void a_good_file_fills_the_rooms(void **state)
{
	(void)state;
	struct config *c = load_text(base_text, false);
	assert_string_equal(c->data_dir, "/tmp/optgate-test");
	assert_string_equal(c->ledger.dir, "/tmp/optgate-test/ledger");
	assert_string_equal(c->control_path, "/tmp/optgate-test/control.sock");
	assert_int_equal(c->log_level, CONFIG_LOG_DEBUG);
	assert_int_equal(c->submission_listen_count, 2);
	assert_int_equal(c->submission_tls_listen_count, 0);
	assert_int_equal(c->smtp.idle_timeout_ms, 300000);
	assert_int_equal(c->intake->max_message_bytes, 10 << 20);
	assert_int_equal(c->intake->memory_bytes, 512 << 20);
	assert_int_equal(c->policy->brand_count, 1);
	const struct brand *b = &c->policy->brands[0];
	assert_string_equal(b->from_domains[1], "example.org");
	assert_string_equal(b->public_url, "https://u.example.com");
	assert_int_equal(b->folding_count, 2);
	assert_string_equal(b->folding[1], "xn--bcher-kva.example");
	assert_true(brand_folds(b, V("a.nn@googlemail.com")));
	assert_false(brand_folds(b, V("a.nn@example.net")));
	assert_true(brand_is_role(b, V("tips@example.net")));
	assert_false(brand_is_role(b, V("abuse@example.net")));
	assert_true(b->refuses_typos);
	const struct stream *s = policy_stream(c->policy, V("acme/offers"));
	assert_non_null(s);
	assert_int_equal(s->accepts, 1 << BASIS_CONSENT | 1 << BASIS_SOFT_OPT_IN);
	assert_string_equal(s->title, "offers");
	assert_string_equal(s->topics[0].scope.name, "acme/offers/spring");
	assert_int_equal(s->topics[0].scope.level, SCOPE_TOPIC);
	const struct client *k = &c->intake->clients[0];
	assert_int_equal(k->stream_count, 2);
	assert_ptr_equal(k->default_stream, s);
	assert_ptr_equal(k->streams[0], s);
	assert_null(k->password);
	assert_null(c->delivery);
	config_free(&c);
	assert_null(c);
}

static void paths_are_relative_to_the_file(void **state)
{
	(void)state;
	static const struct {
		const char *file, *given, *becomes;
	} rows[] = {{"/etc/optgate/o.conf", "data", "/etc/optgate/data"}, {"o.conf", "data", "data"}, {"/o.conf", "data", "/data"}, {"a/o.conf", "/data", "/data"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config c = {.file = (char *)rows[i].file};
		char *path = path_dup(&c, &(struct raw_text){.s = rows[i].given});
		assert_string_equal(path, rows[i].becomes);
		free(path);
	}
}

/* Room for keys: a directory of its own, named in the text. */
static char *text_in(const char *dir)
{
	return edited(base_text, "/tmp/optgate-test", dir);
}

static void put_key(const char *dir, const char *name, mode_t mode)
{
	struct sign_key *key;
	struct err err;
	struct buf pem;
	char path[300];
	buf_init(&pem, 65536);
	assert_int_equal(sign_key_new(&key, SIGN_ED25519, &err), 0);
	assert_int_equal(sign_key_pem(key, &pem, &err), 0);
	snprintf(path, sizeof path, "%s/keys/dkim/%s", dir, name);
	assert_int_equal(file_replace(path, buf_view(&pem), mode, &err), 0);
	sign_key_free(&key);
	buf_free(&pem);
}

static void keys_and_passwords_come_from_the_data_directory(void **state)
{
	(void)state;
	char dir[] = "/tmp/optgate-config-XXXXXX", path[300], hash[PASSWORD_TEXT];
	struct err err;
	assert_non_null(mkdtemp(dir));
	char *bare = text_in(dir), *text = edited(bare, "streams = (", "dkim = ( { domain = \"Example.com\"; selector = \"s1\"; } ); streams = (");
	struct config *c = NULL;
	assert_int_equal(config_from_text(&c, "t.conf", view_of(text), true, &err), -1); /* no key yet, but its directory is made */
	assert_non_null(strstr(err.text, "t.conf:17: brands[].dkim[].key_file: "));
	assert_non_null(strstr(err.text, "optgate key new dkim"));
	put_key(dir, "example.com.s1.pem", 0644);
	assert_int_equal(config_from_text(&c, "t.conf", view_of(text), true, &err), -1);
	assert_non_null(strstr(err.text, "chmod 600"));
	put_key(dir, "example.com.s1.pem", 0600);
	snprintf(path, sizeof path, "%s/passwords", dir);
	assert_int_equal(password_hash(V("secret"), hash, &err), 0);
	assert_int_equal(passwords_set(path, V("gone"), V("old"), &err), 0);
	assert_int_equal(passwords_set(path, V("tool"), V("first"), &err), 0);
	assert_int_equal(passwords_set(path, V("tool"), view_of(hash), &err), 0);
	c = load_text(text, true);
	assert_string_equal(c->intake->clients[0].password, hash);
	assert_int_equal(c->compose->key_count, 1);
	assert_string_equal(c->compose->keys[0].domain, "example.com");
	assert_int_equal(c->delivery->hop_count, 1);
	assert_int_equal(c->delivery->hops[0].port, 2525);
	assert_int_equal(c->delivery->hops[0].tls, HOP_TLS_OPPORTUNISTIC);
	assert_int_equal(token_keys_count(c->web_settings->tokens), 1);
	config_free(&c);
	assert_int_equal(passwords_set(path, V("gone"), V(""), &err), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(config_from_text(&c, "t.conf", view_of(text), true, &err), -1);
	assert_non_null(strstr(err.text, "chmod 600"));
	free(bare);
	free(text);
	char command[400];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void password_lines_match_whole_names(void **state)
{
	(void)state;
	struct view lines = V("ab:1\nb:2:3\n\nc\nd:4");
	assert_true(view_eq(passwords_find(lines, V("ab")), V("1")));
	assert_true(view_eq(passwords_find(lines, V("b")), V("2:3")));
	assert_true(view_eq(passwords_find(lines, V("d")), V("4")));
	assert_null(passwords_find(lines, V("a")).p);
	assert_int_equal(passwords_find(lines, V("c")).n, 0);
}

static void every_default_passes_its_own_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *row = &settings[i];
		const char *texts[] = {row->def, row->sample};
		for (int t = 0; t < 2; t++) {
			struct err err = {0};
			int64_t n;
			if (!texts[t])
				continue;
			int rc = row->kind == KIND_TEXT || row->kind == KIND_TEXTS ? (row->check ? row->check(view_of(texts[t]), &err) : 0)
			                                                          : value_read(row, view_of(texts[t]), &n, &err);
			if (rc < 0)
				fail_msg("%s: %s: %s", row->path, texts[t], err.text);
		}
		assert_non_null(row->help);
		assert_ptr_equal(setting_find((char[]){0}, setting_name(row)) == row, strchr(row->path, '.') == NULL);
	}
}

static void same_as_file(const char *path, void (*write)(struct buf *), const char *command)
{
	struct buf made, kept;
	buf_init(&made, 1 << 20);
	write(&made);
	assert_false(made.failed);
	if (!view_eq(buf_view(&made), read_all(path, &kept)))
		fail_msg("%s is not what the table says: build/bin/optgate %s > %s", path, command, path);
	buf_free(&made);
	buf_free(&kept);
}

static void sample_and_manual_are_the_tables(void **state)
{
	(void)state;
	same_as_file("conf/optgate.conf", config_write_sample, "config sample");
	same_as_file("conf/man/optgate.conf.5", config_write_manual, "config manual");
}

static void the_sample_loads_and_shows(void **state)
{
	(void)state;
	struct config *c = NULL;
	struct err err;
	struct buf out;
	if (config_load(&c, "conf/optgate.conf", false, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(c->intake->client_count, 1);
	config_free(&c);
	buf_init(&out, 1 << 20);
	assert_int_equal(config_show("conf/optgate.conf", false, &out, &err), 0);
	assert_non_null(strstr(buf_cstr(&out), "spool.segment_size                           = \"64M\";  # default\n"));
	assert_non_null(strstr(buf_cstr(&out), "brands[0].name                               = \"acme\";\n"));
	assert_non_null(strstr(buf_cstr(&out), "hostname                                       # not set\n"));
	buf_clear(&out);
	assert_int_equal(config_show("conf/optgate.conf", true, &out, &err), 0);
	assert_non_null(strstr(buf_cstr(&out), "{\"name\": \"brands[0].streams[0].requires\", \"value\": \"[ \\\"consent\\\" ]\", \"default\": false, \"reload\": true}"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_passes_its_own_check),
		cmocka_unit_test_setup_teardown(wrong_files_are_told_where_and_why, read_base, free_base),
		cmocka_unit_test_setup_teardown(a_good_file_fills_the_rooms, read_base, free_base),
		cmocka_unit_test_setup_teardown(keys_and_passwords_come_from_the_data_directory, read_base, free_base),
		cmocka_unit_test(paths_are_relative_to_the_file),
		cmocka_unit_test(password_lines_match_whole_names),
		cmocka_unit_test(sample_and_manual_are_the_tables),
		cmocka_unit_test(the_sample_loads_and_shows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
