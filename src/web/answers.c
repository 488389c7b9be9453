/* What several handlers say, and look up. */
#include <stdio.h>

#include "web_internal.h"

#define AGENT_MAX 100

void answer_busy(struct web_request *r)
{
	page_answer(r, 503, PAGE_BUSY, NULL, 0);
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
}

bool answered_too_often(struct web *w, struct web_request *r, const struct person_key *who)
{
	if (throttle_count_key(&w->acts, who->b, clock_mono(w->clock)) <= WEB_ACTS_PER_TIME)
		return false;
	page_answer(r, 429, PAGE_OFTEN, NULL, 0);
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
	return true;
}

const char *titled(const char *title, const char *name)
{
	return title && *title ? title : name;
}

struct view evidence_of(struct web_request *r, const char *more, char *dst, size_t size)
{
	char ip[ENDPOINT_TEXT], agent[AGENT_MAX + 1];
	struct view said = view_sub(http_header(r, "User-Agent"), 0, AGENT_MAX);
	for (size_t i = 0; i < said.n; i++)
		agent[i] = said.p[i] >= 0x20 && said.p[i] < 0x7f ? said.p[i] : '?';
	agent[said.n] = 0;
	endpoint_ip_text(&r->peer, ip);
	snprintf(dst, size, "ip=%.46s%s%s agent=%.100s", ip, *more ? " " : "", more, agent);
	return view_of(dst);
}

void date_text(int64_t wall_ms, char dst[TIME_TEXT])
{
	time_text(wall_ms, dst);
	dst[10] = 0;
}

/* ---- brands ---- */

const struct web_brand *brand_page(const struct web_request *r, const struct brand *b)
{
	const struct web_settings *s = settings_of(r);
	for (unsigned i = 0; i < s->brand_count; i++)
		if (s->brands[i].brand == b)
			return &s->brands[i];
	return NULL;
}

const struct web_brand *brand_named(const struct web_request *r, struct view name)
{
	const struct web_settings *s = settings_of(r);
	for (unsigned i = 0; i < s->brand_count; i++)
		if (view_eq(view_of(s->brands[i].brand->name), name))
			return &s->brands[i];
	return NULL;
}

/* "https://u.example.com:8443/x" has the host "u.example.com:8443". */
static struct view host_of_url(struct view url)
{
	size_t from = view_ifind(url, V("://"));
	struct view rest = view_sub(url, from + 3, url.n);
	return view_sub(rest, 0, view_find(rest, 0, '/'));
}

const struct web_brand *brand_by_host(const struct web_request *r)
{
	const struct web_settings *s = settings_of(r);
	const struct web_brand *named = NULL, *only = NULL;
	struct view host = http_header(r, "Host");
	unsigned named_count = 0, mailing = 0;
	for (unsigned i = 0; i < s->brand_count; i++) {
		if (!s->brands[i].notice_from)
			continue;
		only = &s->brands[i];
		mailing++;
		if (host.n && view_ieq(host_of_url(view_of(only->brand->public_url)), host)) {
			named = only;
			named_count++;
		}
	}
	return named_count == 1 ? named : mailing == 1 ? only : NULL;
}

struct view brand_mails(const struct web *w, const struct web_brand *b)
{
	return view_of(w->mailer.send && b && b->notice_from ? b->brand->name : NULL);
}
