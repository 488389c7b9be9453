/* Routes and throttles: names resolved, groups of domains spelt out. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "mail/number.h"
#include "load.h"
#include "mail/address.h"
#include "table.h"

/* ---- values ---- */

int check_ip(struct view text, struct err *err)
{
	char s[64];
	unsigned char bytes[16];
	if (view_str(text, s, sizeof s) && (inet_pton(AF_INET, s, bytes) == 1 || inet_pton(AF_INET6, s, bytes) == 1))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected an IP address");
}

int check_rate(struct view text, struct err *err)
{
	struct rate r;
	if (rate_parse(text, &r))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a rate such as 100/s, 3000/m, 50000/h, 1000000/d or 30/10s");
}

int check_country(struct view text, struct err *err)
{
	return country_check(text, err);
}

int check_date(struct view text, struct err *err)
{
	int64_t ms;
	if (text.n == 10 && time_parse(text.p, text.n, &ms))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a date such as 2027-01-31");
}

int check_domain_pattern(struct view text, struct err *err)
{
	char canonical[DOMAIN_MAX + 1];
	if (view_starts(text, V("@")) && check_name(view_sub(text, 1, text.n), NULL) == 0)
		return 0;
	struct view domain = view_starts(text, V("*.")) ? view_sub(text, 2, text.n) : text;
	if (domain_canonical(domain, canonical, NULL) == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a domain such as example.com, *.example.com or @GROUP");
}

int check_stream_pattern(struct view text, struct err *err)
{
	size_t slash = view_find(text, 0, '/');
	bool good = check_name(view_sub(text, 0, slash), NULL) == 0 &&
	            (slash == text.n || check_name(view_sub(text, slash + 1, text.n), NULL) == 0);
	return good ? 0 : err_set(err, ERR_SYNTAX, "expected BRAND or BRAND/STREAM");
}

/* ---- matches ---- */

static char *pattern_dup(const char *text)
{
	char canonical[DOMAIN_MAX + 1];
	bool below = text[0] == '*';
	ALWAYS(domain_canonical(view_of(below ? text + 2 : text), canonical, NULL) == 0);
	char *pattern = mem_zero(strlen(canonical) + 3);
	memcpy(pattern, "*.", below ? 2 : 0);
	memcpy(pattern + (below ? 2 : 0), canonical, strlen(canonical));
	return pattern;
}

static const struct raw_domain_group *find_group(const struct raw *raw, const char *name)
{
	const struct raw_domain_group *g = raw->delivery.domain_groups.at;
	for (unsigned i = 0; i < raw->delivery.domain_groups.count; i++)
		if (strcmp(g[i].name.s, name) == 0)
			return &g[i];
	return NULL;
}

static void add_domain(struct mail_match *m, const char *text)
{
	m->domains = mem_grow(m->domains, (m->domain_count + 1) * sizeof *m->domains);
	m->domains[m->domain_count++] = pattern_dup(text);
}

static int add_group(struct mail_match *m, const struct raw *raw, const struct raw_text *t, const char *path, struct err *err)
{
	const struct raw_domain_group *g = find_group(raw, t->s + 1);
	if (!g)
		return raw_wrong(err, &t->at, path, "%s: expected a name of delivery.domain_groups", t->s);
	for (unsigned i = 0; i < g->domains.count; i++) {
		const struct raw_text *d = text_at(&g->domains, i);
		if (d->s[0] == '@')
			return raw_wrong(err, &d->at, "delivery.domain_groups[].domains", "%s: expected a domain, not a group", d->s);
		add_domain(m, d->s);
	}
	return 0;
}

static int check_stream(const struct config *c, const struct raw_text *t, const char *path, struct err *err)
{
	struct view rest = view_of(t->s), brand;
	bool whole = view_find(rest, 0, '/') == rest.n;
	const struct brand *b = view_cut(&rest, '/', &brand) ? policy_brand(c->policy, brand) : NULL;
	if (b && (whole || brand_stream(b, rest)))
		return 0;
	return raw_wrong(err, &t->at, path, "%s: expected a brand or a stream of these settings", t->s);
}

static int make_match(struct mail_match *m, const struct config *c, const struct raw *raw, const struct raw_match *r, const char *const path[2],
    struct err *err)
{
	m->streams = mem_zero((r->streams.count + 1) * sizeof *m->streams);
	for (unsigned i = 0; i < r->streams.count; i++) {
		if (check_stream(c, text_at(&r->streams, i), path[0], err) < 0)
			return -1;
		m->streams[m->stream_count++] = text_dup(text_at(&r->streams, i));
	}
	for (unsigned i = 0; i < r->domains.count; i++) {
		const struct raw_text *t = text_at(&r->domains, i);
		if (t->s[0] != '@')
			add_domain(m, t->s);
		else if (add_group(m, raw, t, path[1], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- rows ---- */

static struct rate rate_of(const struct raw_text *t)
{
	struct rate r = {0};
	ALWAYS(!t->s || rate_parse(view_of(t->s), &r));
	return r;
}

static int make_route_hop(struct route_hop *h, const struct raw *raw, const struct raw_route_hop *r, struct err *err)
{
	const struct raw_hop *hops = raw->delivery.next_hops.at;
	for (unsigned i = 0; i < raw->delivery.next_hops.count; i++)
		if (strcmp(hops[i].name.s, r->name.s) == 0) {
			*h = (struct route_hop){i, (unsigned)r->priority, (unsigned)r->weight};
			return 0;
		}
	return raw_wrong(err, &r->name.at, "delivery.routes[].next_hops[].name", "%s: expected a name of delivery.next_hops", r->name.s);
}

static int make_route(struct route *to, const struct config *c, const struct raw *raw, const struct raw_route *r, struct err *err)
{
	static const char *const path[] = {"delivery.routes[].streams", "delivery.routes[].domains"};
	const struct raw_route_hop *hops = r->hops.at;
	if (strcmp(r->name.s, ROUTE_NAME_DEFAULT) == 0)
		return raw_wrong(err, &r->name.at, "delivery.routes[].name", "expected another name: " ROUTE_NAME_DEFAULT " is what fits no route");
	to->name = text_dup(&r->name);
	to->rate = rate_of(&r->rate);
	to->burst = (unsigned)r->burst;
	to->hops = mem_zero((r->hops.count + 1) * sizeof *to->hops);
	for (; to->hop_count < r->hops.count; to->hop_count++)
		if (make_route_hop(&to->hops[to->hop_count], raw, &hops[to->hop_count], err) < 0)
			return -1;
	if (!to->hop_count)
		return raw_wrong(err, &r->name.at, "delivery.routes[].next_hops", "expected one next hop at least");
	return make_match(&to->match, c, raw, &r->match, path, err);
}

static int make_warm_up(struct throttle *to, const struct raw_throttle *r, struct err *err)
{
	if (!r->warm_up.count != !r->warm_up_from.s)
		return raw_wrong(err, &r->name.at, "delivery.throttles[].warm_up", "expected together with delivery.throttles[].warm_up_from");
	if (!r->warm_up.count)
		return 0;
	ALWAYS(time_parse(r->warm_up_from.s, strlen(r->warm_up_from.s), &to->warm_up_from_ms));
	to->warm_up = mem_zero(r->warm_up.count * sizeof *to->warm_up);
	for (; to->warm_up_days < r->warm_up.count; to->warm_up_days++)
		to->warm_up[to->warm_up_days] = rate_of(text_at(&r->warm_up, to->warm_up_days));
	return 0;
}

static int make_throttle(struct throttle *to, const struct config *c, const struct raw *raw, const struct raw_throttle *r, struct err *err)
{
	static const char *const path[] = {"delivery.throttles[].streams", "delivery.throttles[].domains"};
	to->name = text_dup(&r->name);
	to->rate = rate_of(&r->rate);
	to->burst = (unsigned)r->burst;
	to->each_domain = r->each_domain;
	if (!r->rate.s && !r->warm_up.count)
		return raw_wrong(err, &r->name.at, "delivery.throttles[].rate", "expected a rate, a warm_up or both");
	return make_warm_up(to, r, err) < 0 ? -1 : make_match(&to->match, c, raw, &r->match, path, err);
}

int make_traffic(struct config *c, const struct raw *raw, struct err *err)
{
	struct delivery_settings *s = c->delivery;
	const struct raw_route *routes = raw->delivery.routes.at;
	const struct raw_throttle *throttles = raw->delivery.throttles.at;
	s->routes = mem_zero((raw->delivery.routes.count + 1) * sizeof *s->routes);
	s->throttles = mem_zero((raw->delivery.throttles.count + 1) * sizeof *s->throttles);
	for (unsigned i = 0; i < raw->delivery.routes.count; i++) {
		s->route_count = i + 1; /* a half-built one is freed too */
		if (make_route(&s->routes[i], c, raw, &routes[i], err) < 0)
			return -1;
	}
	for (unsigned i = 0; i < raw->delivery.throttles.count; i++) {
		s->throttle_count = i + 1;
		if (make_throttle(&s->throttles[i], c, raw, &throttles[i], err) < 0)
			return -1;
	}
	return 0;
}
