/* Mailboxes by RFC 5321 4.1.2. The local part is read once into its plain content; both spellings are written from it
 * and from what was given. */
#include "mail/address.h"

#include "base/codec.h"
#include "mailbox.h"

#define LOOSE_MAX 2000 /* the longest text that may stand around an address */

/* atext of RFC 5322 3.2.3 */
bool mail_is_atext(char c)
{
	return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* A local part without its quotes and backslashes. */
struct local {
	char plain[LOCAL_MAX + 1];
	size_t n;
	bool needs_quotes;
};

static int local_add(struct local *l, char c, struct err *err)
{
	if ((unsigned char)c >= 0x80)
		return err_set(err, ERR_REFUSED, "local part: only ASCII is supported");
	if (c < ' ' || c == 0x7f)
		return err_set(err, ERR_SYNTAX, "local part: control characters are not allowed");
	if (l->n == LOCAL_MAX)
		return err_set(err, ERR_SYNTAX, "local part: longer than %d characters", LOCAL_MAX);
	l->plain[l->n++] = c;
	return 0;
}

static bool is_dot_string(const struct local *l)
{
	bool after_dot = true;
	for (size_t i = 0; i < l->n; i++) {
		bool dot = l->plain[i] == '.';
		if (dot ? after_dot : !mail_is_atext(l->plain[i]))
			return false;
		after_dot = dot;
	}
	return !after_dot;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE. Returns its length in *RET_N. */
static int take_quoted(struct view text, struct local *l, size_t *ret_n, struct err *err)
{
	size_t i = 1;
	for (; i < text.n && text.p[i] != '"'; i++) {
		if (text.p[i] == '\\' && ++i == text.n)
			break;
		if (local_add(l, text.p[i], err) < 0)
			return -1;
	}
	if (i == text.n)
		return err_set(err, ERR_SYNTAX, "local part: the quote is not closed");
	l->needs_quotes = !is_dot_string(l);
	*ret_n = i + 1;
	return 0;
}

/* Dot-string = Atom *("." Atom) */
static int take_dot_string(struct view text, struct local *l, size_t *ret_n, struct err *err)
{
	size_t n = view_find(text, 0, '@');
	for (size_t i = 0; i < n; i++)
		if (local_add(l, text.p[i], err) < 0)
			return -1;
	if (!is_dot_string(l))
		return err_set(err, ERR_SYNTAX, n ? "local part: needs quotes" : "local part: missing");
	*ret_n = n;
	return 0;
}

/* The one spelling: quotes only where they are needed, a backslash only before '"' and itself. Returns its length. */
static size_t write_local(const struct local *l, char dst[2 * LOCAL_MAX + 3])
{
	size_t n = 0;
	if (l->needs_quotes)
		dst[n++] = '"';
	for (size_t i = 0; i < l->n; i++) {
		if (l->needs_quotes && (l->plain[i] == '"' || l->plain[i] == '\\'))
			dst[n++] = '\\';
		dst[n++] = ascii_lower(l->plain[i]);
	}
	if (l->needs_quotes)
		dst[n++] = '"';
	return n;
}

static uint16_t join(char dst[ADDRESS_MAX + 1], struct view local, const char *domain, size_t domain_n)
{
	memcpy(dst, local.p, local.n);
	dst[local.n] = '@';
	memcpy(dst + local.n + 1, domain, domain_n + 1);
	return (uint16_t)local.n;
}

static int put_together(const struct local *l, struct view given, struct view domain, struct address *ret,
    struct err *err)
{
	char canonical[2 * LOCAL_MAX + 3], host[DOMAIN_MAX + 1];
	size_t n = write_local(l, canonical);
	if (n > LOCAL_MAX || given.n > LOCAL_MAX)
		return err_set(err, ERR_SYNTAX, "local part: longer than %d characters", LOCAL_MAX);
	if (domain.n && domain.p[0] == '[')
		return err_set(err, ERR_REFUSED, "domain: address literals are not supported");
	if (domain_canonical(domain, host, err) < 0)
		return -1;
	size_t host_n = strlen(host), longer = n > given.n ? n : given.n;
	if (longer + 1 + host_n > ADDRESS_MAX)
		return err_set(err, ERR_SYNTAX, "address: longer than %d characters", ADDRESS_MAX);
	ret->local_n = join(ret->text, view_n(canonical, n), host, host_n);
	ret->exact_local_n = join(ret->exact, given, host, host_n);
	return 0;
}

int address_parse(struct view text, struct address *ret, struct err *err)
{
	struct local l = {.n = 0};
	size_t n = 0;
	int rc = text.n && text.p[0] == '"' ? take_quoted(text, &l, &n, err) : take_dot_string(text, &l, &n, err);
	if (rc < 0)
		return -1;
	if (n == text.n || text.p[n] != '@')
		return err_set(err, ERR_SYNTAX, "address: expected local-part@domain");
	return put_together(&l, view_sub(text, 0, n), view_sub(text, n + 1, text.n), ret, err);
}

/* Where the path ends that starts at "<": its ">", outside quotes. */
static size_t path_end(struct view v)
{
	bool quoted = false;
	for (size_t i = 1; i < v.n; i++) {
		if (quoted && v.p[i] == '\\')
			i++;
		else if (v.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && v.p[i] == '>')
			return i;
	}
	return v.n;
}

/* A-d-l ":" = "@" Domain *("," "@" Domain) ":". Read, and left out as RFC 5321 appendix C tells. */
static int skip_source_route(struct view *path, struct err *err)
{
	char domain[DOMAIN_MAX + 1];
	struct view route, hop;
	if (!path->n || path->p[0] != '@')
		return 0;
	if (view_find(*path, 0, ':') == path->n || !view_cut(path, ':', &route))
		return err_set(err, ERR_SYNTAX, "path: the source route has no colon");
	while (view_cut(&route, ',', &hop)) {
		hop = view_trim(hop);
		if (!hop.n || hop.p[0] != '@')
			return err_set(err, ERR_SYNTAX, "path: expected @domain in the source route");
		if (domain_canonical(view_sub(hop, 1, hop.n), domain, err) < 0)
			return -1;
	}
	return 0;
}

int address_parse_path(struct view *rest, struct address *ret, struct err *err)
{
	struct view v = *rest;
	while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
		v = view_sub(v, 1, v.n);
	if (!v.n || v.p[0] != '<')
		return err_set(err, ERR_SYNTAX, "path: expected <");
	size_t end = path_end(v);
	if (end == v.n)
		return err_set(err, ERR_SYNTAX, "path: expected >");
	struct view path = view_sub(v, 1, end);
	if (path.n == 0)
		*ret = (struct address){.local_n = 0};
	else if (skip_source_route(&path, err) < 0 || address_parse(path, ret, err) < 0)
		return -1;
	*rest = view_sub(v, end + 1, v.n);
	return 0;
}

/* mailto: (RFC 6068): what stands before "?", with its %XX read. */
static int parse_mailto(struct view text, struct address *ret, struct err *err)
{
	char plain[LOOSE_MAX];
	size_t n = 0;
	text = view_sub(text, 0, view_find(text, 0, '?'));
	for (size_t i = 0; i < text.n; i++) {
		uint8_t byte = (uint8_t)text.p[i];
		if (byte == '%') {
			if (!hex_decode(view_sub(text, i + 1, i + 3), &byte, 1))
				return err_set(err, ERR_SYNTAX, "mailto: expected two hex digits behind %%");
			i += 2;
		}
		plain[n++] = (char)byte;
	}
	return address_parse(view_n(plain, n), ret, err);
}

/* `Smith, John <j@example.com>`: no grammar, but nobody else can be meant. */
static bool plain_brackets(struct view text, struct view *ret_inner)
{
	size_t open = view_find(text, 0, '<');
	if (open == text.n || text.p[text.n - 1] != '>' || view_find(text, open + 1, '<') < text.n
	    || view_find(view_sub(text, 0, open), 0, '@') < open)
		return false;
	*ret_inner = view_trim(view_sub(text, open + 1, text.n - 1));
	return true;
}

int address_parse_loose(struct view text, struct address *ret, struct err *err)
{
	struct view inner;
	text = view_trim(text);
	if (text.n > LOOSE_MAX)
		return err_set(err, ERR_LIMIT, "address: more than %d bytes", LOOSE_MAX);
	if (view_ends(text, V(".")))
		text.n--;
	if (view_istarts(text, V("mailto:")))
		return parse_mailto(view_sub(text, 7, text.n), ret, err);
	if (mailbox_only(text, ret, err) == 0)
		return 0;
	return plain_brackets(text, &inner) ? address_parse(inner, ret, err) : -1;
}

void address_mask(const struct address *a, struct buf *out)
{
	struct view local = address_local(a), domain = address_domain(a);
	if (!local.n || !domain.n)
		return;
	size_t dot = domain.n;
	while (dot && domain.p[dot - 1] != '.')
		dot--;
	buf_fmt(out, "%c***", local.p[0]);
	if (local.n >= 4)
		buf_byte(out, local.p[local.n - 1]);
	buf_fmt(out, "@%c***", domain.p[0]);
	if (dot)
		buf_fmt(out, ".%.*s", VFMT(view_sub(domain, dot, domain.n)));
}
