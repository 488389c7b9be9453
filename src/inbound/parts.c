/* The report taken apart: what the mail system wrote, what it returned, and the machine-readable parts.
 *
 *   notice ... notice [cut line] returned head, returned body      one text, as qmail and its like write it
 *   text/plain | message/delivery-status | message/rfc822          RFC 3462 */
#include "internal.h"

#define NOTICE_MAX (256 << 10)
#define DECODED_MAX (4 << 20)
#define HEADS_IN_RUN 2 /* header lines in a row that make a returned head */

struct view crlf_lines(struct arena *a, struct view message)
{
	size_t lines = 0, from = 0;
	while (from < message.n && memchr(" \t\r\n", message.p[from], 4))
		from++;
	if (view_starts(view_sub(message, from, message.n), V("From ")))
		from = view_find(message, from, '\n') + 1;
	message = view_sub(message, from, message.n);
	for (size_t i = 0; i < message.n; i++)
		lines += message.p[i] == '\n' && (i == 0 || message.p[i - 1] != '\r');
	if (lines == 0)
		return message.p ? message : V("");
	char *p = arena_alloc(a, message.n + lines + 1);
	size_t n = 0;
	for (size_t i = 0; p && i < message.n; i++) {
		if (message.p[i] == '\n' && (i == 0 || message.p[i - 1] != '\r'))
			p[n++] = '\r';
		p[n++] = message.p[i];
	}
	return view_n(p, n);
}

struct view text_line(struct view *rest)
{
	struct view line = {0};
	if (view_cut(rest, '\n', &line) && view_ends(line, V("\r")))
		line.n--;
	return line;
}

/* "Name: value" with a name of RFC 5322; RET_NAME without the colon. */
static bool header_line(struct view line, struct view *ret_name)
{
	size_t n = view_find(line, 0, ':');
	if (n == 0 || n == line.n || n > 60)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!ascii_is_alnum(line.p[i]) && line.p[i] != '-' && line.p[i] != '_')
			return false;
	*ret_name = view_sub(line, 0, n);
	return true;
}

/* Fields that a mail system's own words don't begin with. */
static bool is_trace_name(struct view name)
{
	static const char *const names[] = {
	    "Received", "Return-Path", "Message-ID", "MIME-Version", "Delivered-To", "DKIM-Signature"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (view_ieq(name, view_of(names[i])))
			return true;
	return false;
}

/* Do header lines begin here, a trace field among them? */
static bool head_begins(struct view text)
{
	struct view name;
	bool trace = false;
	int run = 0;
	while (text.n && run < 40) {
		struct view line = text_line(&text);
		bool folded = run && line.n && (line.p[0] == ' ' || line.p[0] == '\t');
		if (folded)
			continue;
		if (!header_line(line, &name))
			break;
		trace |= is_trace_name(name);
		run++;
	}
	return trace && run >= HEADS_IN_RUN;
}

static bool is_cut(const struct bounce_rules *rules, struct view line)
{
	char text[200];
	struct rule_match m;
	size_t n = rules_normalise(line, text, sizeof text);
	struct rule_question q = {.kind = RULE_CUT, .text = view_n(text, n)};
	return n && bounce_rules_find(rules, &q, &m);
}

static struct view skip_to_head(struct view text)
{
	struct view name;
	for (struct view rest = text; rest.n; text = rest) {
		struct view line = text_line(&rest);
		if (header_line(line, &name))
			break;
	}
	return text;
}

/* Splits the one text of a report without parts. */
static void split_notice(const struct bounce_rules *rules, struct parts *p, struct view *ret_returned)
{
	struct view rest = p->notice, name;
	bool in_head = false;
	while (rest.n) {
		struct view before = rest, line = text_line(&rest);
		size_t at = (size_t)(before.p - p->notice.p);
		bool starts = header_line(line, &name);
		bool is_head = starts && !in_head && head_begins(before);
		in_head = starts || (in_head && line.n && line.p[0] <= ' ');
		if (!is_head && !is_cut(rules, line))
			continue;
		*ret_returned = is_head ? before : skip_to_head(rest);
		p->notice = view_sub(p->notice, 0, at);
		return;
	}
}

/* Tags go, the few entities that addresses and sentences hold are read. */
static void add_html(struct view html, struct buf *out)
{
	static const struct {
		struct view entity;
		char c;
	} entities[] = {{V("&lt;"), '<'}, {V("&gt;"), '>'}, {V("&amp;"), '&'}, {V("&nbsp;"), ' '}, {V("&quot;"), '"'},
	    {V("&#39;"), '\''}};
	bool tag = false;
	for (size_t i = 0; i < html.n; i++) {
		struct view rest = view_sub(html, i, html.n);
		if (html.p[i] == '<' && !tag) {
			tag = true;
			buf_byte(out,
			    view_istarts(rest, V("<br")) || view_istarts(rest, V("<p")) || view_istarts(rest, V("</"))
				? '\n'
				: ' ');
		}
		for (size_t e = 0; !tag && e < sizeof entities / sizeof *entities; e++)
			if (view_istarts(rest, entities[e].entity)) {
				buf_byte(out, entities[e].c);
				i += entities[e].entity.n;
				e = (size_t)-1;
				rest = view_sub(html, i, html.n);
			}
		if (i >= html.n)
			break;
		if (!tag)
			buf_byte(out, html.p[i]);
		else if (html.p[i] == '>')
			tag = false;
	}
}

/* As much of the part as is looked at: a returned message behind the words may be of any size. */
static struct view decoded(struct arena *a, const struct mime_part *part, size_t most)
{
	struct buf b;
	struct mime_part first = *part;
	first.body = view_sub(part->body, 0, most);
	buf_init(&b, 2 * most + 2); /* bare line feeds become two bytes */
	mime_text(&first, &b);
	struct view v = {0};
	if (!b.failed)
		v = arena_view(a, buf_view(&b));
	buf_free(&b);
	return v.p ? v : V("");
}

enum role { ROLE_NOTHING, ROLE_TEXT, ROLE_HTML, ROLE_STATUS, ROLE_FEEDBACK, ROLE_DISPOSITION, ROLE_RETURNED };

static enum role role_of(const struct mime_part *p)
{
	static const struct {
		const char *type, *subtype;
		enum role role;
	} rows[] = {
	    {"text", "rfc822-headers", ROLE_RETURNED},
	    {"text", "rfc822-header", ROLE_RETURNED},
	    {"text", "html", ROLE_HTML},
	    {"text", "", ROLE_TEXT},
	    {"message", "delivery-status", ROLE_STATUS},
	    {"message", "global-delivery-status", ROLE_STATUS},
	    {"message", "feedback-report", ROLE_FEEDBACK},
	    {"message", "disposition-notification", ROLE_DISPOSITION},
	    {"message", "global-disposition-notification", ROLE_DISPOSITION},
	    {"message", "rfc822", ROLE_RETURNED},
	    {"message", "rfc822-headers", ROLE_RETURNED},
	    {"message", "global", ROLE_RETURNED},
	    {"message", "global-headers", ROLE_RETURNED},
	    {"message", "partial", ROLE_RETURNED},
	};
	if (mime_is(p, V("multipart"), V("")))
		return p->has_children ? ROLE_NOTHING : ROLE_TEXT;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (mime_is(p, view_of(rows[i].type), view_of(rows[i].subtype)))
			return rows[i].role;
	return ROLE_NOTHING;
}

struct gathering {
	struct arena *a;
	struct parts *parts;
	struct buf notice;
	struct view returned;
	bool has_returned, has_text;
};

static void take_part(struct gathering *g, const struct mime_part *part)
{
	enum role role = role_of(part);
	struct view body = {0};
	if (role != ROLE_NOTHING)
		body = decoded(g->a, part, role == ROLE_TEXT || role == ROLE_HTML ? NOTICE_MAX / 2 : DECODED_MAX);
	if (role == ROLE_RETURNED && !g->has_returned) {
		g->returned = body;
		if (mime_is(part, V("message"), V("rfc822")))
			g->parts->enclosed = body;
		g->has_returned = true;
	} else if (role == ROLE_STATUS && !g->parts->is_status_report) {
		g->parts->status = body;
		g->parts->is_status_report = true;
	} else if (role == ROLE_FEEDBACK && !g->parts->feedback.n) {
		g->parts->feedback = body;
	} else if (role == ROLE_DISPOSITION) {
		g->parts->is_disposition = true;
	} else if (role == ROLE_TEXT && !g->has_returned) {
		buf_add(&g->notice, view_sub(body, 0, NOTICE_MAX / 2));
		buf_str(&g->notice, "\r\n");
		g->has_text |= view_trim(body).n > 0;
	} else if (role == ROLE_HTML && !g->has_text && !g->has_returned) {
		add_html(view_sub(body, 0, NOTICE_MAX / 2), &g->notice);
		buf_str(&g->notice, "\r\n");
	}
}

/* The address in angle brackets, or what is there. */
static void read_envelope_from(struct arena *a, struct report *r)
{
	const struct field *f = head_find(&r->returned, V("Return-Path"));
	if (f)
		r->envelope_from = field_unfolded(a, f);
}

/* A delivery status within the words, as systems write it that know the fields but not the part. */
static void find_status(struct parts *p)
{
	size_t from = view_ifind(p->notice, V("\nReporting-MTA:")), to = view_ifind(p->notice, V("\nFinal-Recipient:"));
	if (to == p->notice.n)
		return;
	p->status = view_sub(p->notice, from < to ? from + 1 : to + 1, p->notice.n);
	p->is_status_report = true;
}

int parts_read(const struct bounce_rules *rules, struct arena *a, struct report *r, struct parts *ret, struct err *err)
{
	struct err ignored;
	*ret = (struct parts){0};
	if (mime_walk(a, r->text, &ret->mime, err) < 0)
		return -1;
	r->head = ret->mime.parts[0].head;
	struct gathering g = {.a = a, .parts = ret};
	buf_init(&g.notice, NOTICE_MAX);
	for (unsigned i = 0; i < ret->mime.count; i++)
		if (ret->mime.parts[i].level == 0)
			take_part(&g, &ret->mime.parts[i]);
	ret->notice = arena_view(a, buf_view(&g.notice));
	buf_free(&g.notice);
	if (!ret->notice.p)
		return err_set(err, ERR_LIMIT, "report: too large to be looked at");
	if (!ret->is_status_report)
		find_status(ret);
	if (!g.has_returned)
		split_notice(rules, ret, &g.returned);
	if (g.returned.n && head_parse(a, g.returned, &r->returned, &ignored) < 0)
		r->returned = (struct head){0};
	read_envelope_from(a, r);
	return 0;
}
