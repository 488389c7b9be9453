/* https URLs as tools write them, and the patterns of those that are used. */
#include "mail/tool_link.h"

#include "mail/address.h"

#define SCHEME     "https://"
#define HTTPS_PORT 443

static bool is_host(struct view v)
{
	bool good = v.n > 0 && v.n <= DOMAIN_MAX && v.p[0] != '.' && v.p[0] != '-' && v.p[v.n - 1] != '.';
	for (size_t i = 0; good && i < v.n; i++)
		good = ascii_is_alnum(v.p[i]) || v.p[i] == '-' || (v.p[i] == '.' && v.p[i - 1] != '.');
	return good;
}

/* HOST [":" PORT] (RFC 3986 3.2, less what we don't use: user, IPv6 address, escapes). */
static bool parse_authority(struct view v, struct view *ret_host, uint16_t *ret_port)
{
	size_t colon = view_find(v, 0, ':');
	uint64_t port = HTTPS_PORT;
	if (colon < v.n && (!view_u64(view_sub(v, colon + 1, v.n), UINT16_MAX, &port) || port == 0))
		return false;
	*ret_host = view_sub(v, 0, colon);
	*ret_port = (uint16_t)port;
	return is_host(*ret_host);
}

static bool is_target(struct view v)
{
	bool good = true;
	for (size_t i = 0; good && i < v.n; i++)
		good = v.p[i] > ' ' && v.p[i] < 0x7f && !memchr("<>\"\\^`{|}#", v.p[i], 10);
	return good;
}

bool tool_link_parse(struct view url, struct tool_link *ret)
{
	const size_t start = sizeof SCHEME - 1;
	if (url.n > TOOL_LINK_MAX || !view_istarts(url, V(SCHEME)))
		return false;
	size_t end = start;
	while (end < url.n && url.p[end] != '/' && url.p[end] != '?')
		end++;
	struct tool_link l = {.url = url};
	if (!parse_authority(view_sub(url, start, end), &l.host, &l.port) || !is_target(view_sub(url, end, url.n)))
		return false;
	*ret = l;
	return true;
}

/* Where the comment that opens at AT has ended (RFC 5322 3.2.2). */
static size_t skip_comment(struct view v, size_t at)
{
	unsigned depth = 0;
	for (; at < v.n; at++) {
		if (v.p[at] == '\\')
			at++;
		else if (v.p[at] == '(')
			depth++;
		else if (v.p[at] == ')' && --depth == 0)
			return at + 1;
	}
	return v.n;
}

bool tool_link_find(struct view value, struct tool_link *ret)
{
	for (size_t at = 0; at < value.n;) {
		if (value.p[at] == '(') {
			at = skip_comment(value, at);
			continue;
		}
		if (value.p[at++] != '<')
			continue;
		size_t end = view_find(value, at, '>');
		if (end < value.n && tool_link_parse(view_trim(view_sub(value, at, end)), ret))
			return true;
		at = end;
	}
	return false;
}

bool tool_link_takes_post(struct view value)
{
	return view_ieq(view_trim(value), V("List-Unsubscribe=One-Click"));
}

bool tool_link_fits(const struct tool_link *l, struct view pattern)
{
	struct view host;
	uint16_t port;
	bool below = view_starts(pattern, V("*."));
	if (!parse_authority(below ? view_sub(pattern, 2, pattern.n) : pattern, &host, &port) || port != l->port)
		return false;
	if (!below)
		return view_ieq(l->host, host);
	return l->host.n > host.n + 1 && l->host.p[l->host.n - host.n - 1] == '.' &&
	       view_ieq(view_sub(l->host, l->host.n - host.n, l->host.n), host);
}

int tool_link_pattern_check(struct view pattern, struct err *err)
{
	struct view host;
	uint16_t port;
	bool below = view_starts(pattern, V("*."));
	bool good = parse_authority(below ? view_sub(pattern, 2, pattern.n) : pattern, &host, &port);
	return good ? 0 : err_set(err, ERR_SYNTAX, "expected HOST, HOST:PORT or *.DOMAIN");
}
