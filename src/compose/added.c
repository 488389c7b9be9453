/* The fields that we supply. */
#include "internal.h"

#include "mail/date.h"
#include "mail/tool_link.h"

#define FEEDBACK_PART_MAX 64
#define TOOL_FIELD_MAX    4096

_Static_assert(TOOL_LINK_MAX <= TOKEN_TOOL_MAX, "a tool's link fits a token");

static const char *const protocols[] = {"SMTP", "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};

/* From a client: no more than what names and address literals are made of. */
static bool is_host_text(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!ascii_is_alnum(v.p[i]) && !memchr("-._:[]", v.p[i], 6))
			return false;
	return v.n > 0 && v.n <= DOMAIN_MAX + 2;
}

static void add_client(const struct envelope *e, struct buf *out)
{
	struct view helo = is_host_text(e->helo) ? e->helo : V("unknown");
	buf_fmt(out, "from %.*s", VFMT(helo));
	if (!is_host_text(e->client_ip))
		return;
	bool v6 = view_find(e->client_ip, 0, ':') < e->client_ip.n;
	buf_fmt(out, " ([%s%.*s])", v6 ? "IPv6:" : "", VFMT(e->client_ip));
}

void add_received(const struct compose_job *job, struct buf *out)
{
	const struct envelope *e = job->envelope;
	char date[MAIL_DATE_TEXT];
	size_t protocol = e->protocol < sizeof protocols / sizeof *protocols ? e->protocol : 0;
	mail_date(e->arrived_ms, date);
	buf_str(out, "Received: ");
	add_client(e, out);
	buf_fmt(out, "\r\n\tby %s with %s id ", job->settings->hostname, protocols[protocol]);
	if (job->id_text.n)
		buf_add(out, job->id_text);
	else
		buf_fmt(out, "%016llx", (unsigned long long)job->message_id);
	buf_fmt(out, ".%u\r\n\tfor <%s>; %s\r\n", job->item, job->rcpt->exact, date);
}

/* From what the spool keeps, so that every attempt says the same. */
static void add_identity(const struct compose_job *job, const struct head *head, struct buf *out)
{
	if (!head_find(head, V("Date"))) {
		char date[MAIL_DATE_TEXT];
		mail_date(job->envelope->arrived_ms, date);
		buf_fmt(out, "Date: %s\r\n", date);
	}
	if (!head_find(head, V("Message-ID")))
		buf_fmt(out, "Message-ID: <%016llx.%llx@%s>\r\n", (unsigned long long)job->message_id,
		    (unsigned long long)job->envelope->arrived_ms, job->settings->hostname);
}

/* Where the tool hears of an opt-out by itself: its own one-click link, if its host is one of ours to call. It travels in our link, sealed, so
 * that nothing need be kept for it. In a message for several people it is one person's, or nobody's: then it isn't ours to hand on. */
static void find_tool(const struct compose_job *job, const struct head *head, char dst[TOKEN_TOOL_MAX + 1])
{
	const struct compose_settings *s = job->settings;
	const struct field *link = head_find(head, V("List-Unsubscribe")), *post = head_find(head, V("List-Unsubscribe-Post"));
	struct tool_link l;
	struct buf text;
	if (!s->tool_host_count || job->envelope->named != 1 || !link || !post || !tool_link_takes_post(post->value))
		return;
	buf_init(&text, TOOL_FIELD_MAX);
	field_text(link, &text);
	if (!text.failed && tool_link_find(buf_view(&text), &l))
		for (size_t i = 0; i < s->tool_host_count && !dst[0]; i++)
			if (tool_link_fits(&l, view_of(s->tool_hosts[i])))
				ALWAYS(view_str(l.url, dst, TOKEN_TOOL_MAX + 1));
	buf_free(&text);
}

/* RFC 2369 2: folded between the URIs only. RFC 8058 3.1: the https one is required; the first is what most
 * clients try. */
static void add_unsubscribe(const struct compose_job *job, const struct head *head, struct buf *out)
{
	const struct brand *brand = job->stream->brand;
	const struct token_keys *keys = job->settings->tokens;
	struct token t;
	token_of_job(job, &t);
	find_tool(job, head, t.tool);
	buf_fmt(out, "List-Unsubscribe: <%s/u/", brand->public_url);
	token_mint_link(keys, &t, out);
	buf_str(out, ">");
	if (brand->bounce_domain) {
		buf_str(out, ",\r\n <mailto:u+");
		token_mint_address(keys, TOKEN_OPTOUT, &t, out);
		buf_fmt(out, "@%s?subject=unsubscribe>", brand->bounce_domain);
	}
	/* RFC 8058 5: one blank at most, never folded. */
	buf_str(out, "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

/* RFC 2919 2. */
static void add_list_id(const struct stream *stream, struct buf *out)
{
	if (!stream->list_id)
		return;
	buf_str(out, "List-Id: ");
	if (stream->title && *stream->title) {
		add_phrase(view_of(stream->title), out);
		buf_byte(out, ' ');
	}
	buf_fmt(out, "<%s>\r\n", stream->list_id);
}

/* Parts are joined by colons: nothing in a part may look like one, or like white space. */
static void add_feedback_part(struct view part, struct buf *out)
{
	part = view_sub(part, 0, FEEDBACK_PART_MAX);
	for (size_t i = 0; i < part.n; i++)
		buf_byte(out, ascii_is_alnum(part.p[i]) || memchr("-._", part.p[i], 3) ? part.p[i] : '-');
	if (part.n)
		buf_byte(out, ':');
}

/* Grain first, sender last, as Gmail's feedback loop reads it. */
static void add_feedback_id(const struct compose_job *job, struct buf *out)
{
	buf_str(out, "Feedback-ID: ");
	add_feedback_part(job->envelope->campaign, out);
	add_feedback_part(job->topic ? view_of(job->topic->name) : V(""), out);
	add_feedback_part(view_of(job->stream->name), out);
	add_feedback_part(view_of(job->stream->brand->name), out);
	out->n -= out->n && out->p[out->n - 1] == ':';
	buf_str(out, "\r\n");
}

int add_fields(
    const struct compose_job *job, const struct head *head, struct view from_domain, struct buf *out, struct err *err)
{
	add_identity(job, head, out);
	if (job->stream->class == CLASS_MARKETING) {
		if (!job->stream->brand->public_url)
			return err_set(err, ERR_MISSING, "brand %s has no public URL for opt-outs",
			    job->stream->brand->name);
		add_unsubscribe(job, head, out);
		add_list_id(job->stream, out);
		if (!head_find(head, V("Feedback-ID")))
			add_feedback_id(job, out);
		if (says_where_to_complain(job, from_domain))
			add_cfbl(job, head, out);
	}
	return out->failed ? err_set(err, ERR_LIMIT, "the added fields take more than %zu bytes", out->max) : 0;
}
