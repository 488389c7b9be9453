/* The reports listener and its inbox. */
#include <stdlib.h>

#include "base/file.h"
#include "load.h"
#include "table.h"

#define DAY_MS 86400000

void make_reports_plain(struct config *c, const struct raw *raw)
{
	const struct raw_reports *r = &raw->reports;
	c->reports_listen = mem_zero((r->listen.count + 1) * sizeof *c->reports_listen);
	for (unsigned i = 0; i < r->listen.count; i++)
		c->reports_listen[c->reports_listen_count++] = text_dup(text_at(&r->listen, i));
	c->soft_window_days = (unsigned)(r->soft_window_ms / DAY_MS);
	c->reports_smtp = (struct smtp_settings){.hostname = c->hostname,
	    .workers = 1,
	    .max_connections = (unsigned)r->max_connections,
	    .max_connections_per_ip = (unsigned)r->max_connections,
	    .max_errors = 20,
	    .max_commands = 100,
	    .idle_timeout_ms = r->idle_timeout_ms,
	    .data_timeout_ms = r->idle_timeout_ms};
}

static int load_rules(const struct config *c, const struct raw_reports *r, struct bounce_rules **ret, struct err *err)
{
	struct buf own;
	char *path = path_dup(c, &r->own_rules);
	buf_init(&own, RULES_MAX_BYTES);
	int rc = path ? file_read(path, &own, err) : 0;
	if (rc == 0)
		rc = bounce_rules_new(ret, buf_view(&own), "own", (struct view){0}, "bounce.rules", err);
	buf_free(&own);
	free(path);
	return rc < 0 ? err_prefix(err, "reports.own_rules") : 0;
}

static void copy_complaint_addresses(struct inbox_settings *s, const struct raw_list *l)
{
	s->complaint_addresses = mem_zero((l->count + 1) * sizeof *s->complaint_addresses);
	for (unsigned i = 0; i < l->count; i++) {
		struct address a;
		struct err checked;
		if (address_parse(view_of(text_at(l, i)->s), &a, &checked) == 0)
			s->complaint_addresses[s->complaint_address_count++] = mem_strdup(a.text);
	}
}

int make_inbox(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err)
{
	const struct raw_reports *r = &raw->reports;
	struct bounce_rules *rules;
	if (load_rules(c, r, &rules, err) < 0)
		return -1;
	struct inbox_settings *s = mem_zero(sizeof *s);
	shared_begin(&s->shared, inbox_settings_free);
	c->inbox = s;
	s->rules = rules;
	s->policy = c->policy;
	shared_hold(&s->policy->shared);
	s->tokens = token_keys_hold(tokens);
	copy_complaint_addresses(s, &r->complaint_addresses);
	s->max_message_bytes = (uint64_t)r->max_message_bytes;
	s->max_received = (unsigned)r->max_received;
	s->soft_days = (unsigned)r->soft_days;
	s->trusts_addresses = r->trust_addresses;
	s->verifies_complaints = r->verify_complaints;
	s->resolver = text_dup(&r->resolver);
	s->keep_ms = r->keep_ms;
	return 0;
}

int check_mailbox(struct view text, struct err *err)
{
	struct address a;
	return address_parse(text, &a, err);
}

int check_resolver(struct view text, struct err *err)
{
	size_t colon = view_find(text, 0, ':');
	uint64_t port = 53;
	unsigned dots = 0;
	bool ok =
	    colon > 6 && colon < 16 && (colon == text.n || view_u64(view_sub(text, colon + 1, text.n), 65535, &port));
	for (size_t i = 0; ok && i < colon; i++) {
		ok = ascii_is_digit(text.p[i]) || text.p[i] == '.';
		dots += text.p[i] == '.';
	}
	return ok && dots == 3 && port
		   ? 0
		   : err_set(err, ERR_SYNTAX, "expected an IPv4 address with a port, such as 127.0.0.1:53");
}
