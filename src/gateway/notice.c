/* The pages' own mails: a small message, put into the spool like any other. It is composed, signed and sent by delivery, and asked for
 * once more before that: a hard bounce stops it, an opt-out of marketing doesn't. */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/counter.h"
#include "base/log.h"
#include "gateway_internal.h"
#include "mail/date.h"
#include "mail/envelope.h"

#define NOTICE_BYTES  32768
#define LINE_DIGITS   76 /* of base64: RFC 2045 6.8 */
#define WORD_BYTES    42 /* of an encoded word, before base64: RFC 2047 2 */
#define WAITING_MAX   1000

GAUGE(waiting, "optgate_notices_waiting", "Mails of the pages on their way into the queue");
COUNTER(kept, "optgate_notices_total{result=\"kept\"}", "Mails of the pages put into the queue");
COUNTER(lost, "optgate_notices_total{result=\"lost\"}", "Mails of the pages that the queue did not take");

struct notice {
	struct buf message, envelope, data;
	char lane[LANE_MAX];
	struct spool_new_item item;
};

static void notice_free(struct notice *n)
{
	buf_free(&n->message);
	buf_free(&n->envelope);
	buf_free(&n->data);
	free(n);
}

static void base64_lines(struct buf *out, struct view bytes)
{
	struct buf all;
	buf_init(&all, NOTICE_BYTES);
	base64_encode(&all, bytes);
	for (size_t i = 0; i < all.n; i += LINE_DIGITS) {
		buf_add(out, view_sub(buf_view(&all), i, i + LINE_DIGITS));
		buf_str(out, "\r\n");
	}
	buf_free(&all);
}

/* Encoded words, cut between letters, not within one. */
static void encoded_words(struct buf *out, struct view text)
{
	for (size_t from = 0; from < text.n;) {
		size_t to = from + WORD_BYTES < text.n ? from + WORD_BYTES : text.n;
		while (to < text.n && to > from + 1 && ((unsigned char)text.p[to] & 0xc0) == 0x80)
			to--;
		buf_str(out, from ? "\r\n =?utf-8?b?" : "=?utf-8?b?");
		base64_encode(out, view_sub(text, from, to));
		buf_str(out, "?=");
		from = to;
	}
}

static void write_body(struct buf *out, struct view text)
{
	struct buf crlf;
	buf_init(&crlf, NOTICE_BYTES);
	for (size_t i = 0; i < text.n; i++)
		buf_add(&crlf, text.p[i] == '\n' ? V("\r\n") : view_n(text.p + i, 1));
	base64_lines(out, buf_view(&crlf));
	buf_free(&crlf);
}

static void write_message(const struct gateway *g, const struct web_mail *m, struct buf *out)
{
	char date[MAIL_DATE_TEXT];
	const struct brand *b = m->as->brand;
	mail_date(clock_wall(g->clock), date);
	buf_str(out, "From: ");
	encoded_words(out, view_of(b->title && *b->title ? b->title : b->name));
	buf_fmt(out, "\r\n <%s>\r\nTo: <%.*s>\r\nSubject: ", m->as->notice_from, VFMT(m->to));
	encoded_words(out, m->subject);
	buf_fmt(out, "\r\nDate: %s\r\nAuto-Submitted: auto-generated\r\nContent-Language: %.*s\r\nMIME-Version: 1.0\r\n", date,
	    VFMT(m->language));
	buf_str(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	write_body(out, m->text);
}

static void done(void *arg, const struct err *err)
{
	counter_add(&waiting, -1);
	counter_add(err ? &lost : &kept, 1);
	if (err)
		log_event(LOG_LEVEL_ERROR, "gateway.notice.fail", "why=\"%s\"", err->text);
	notice_free(arg);
}

static void write_spooled(const struct gateway *g, const struct web_mail *m, struct notice *n)
{
	const struct envelope e = {.client = V("optgate"), .client_ip = V("127.0.0.1"), .helo = V("localhost"),
	    .brand = view_of(m->as->brand->name), .stream = view_of(m->as->notice_stream->name), .arrived_ms = clock_wall(g->clock)};
	const struct recipient rcpt = {.address = m->to, .notify = 1};
	buf_init(&n->message, NOTICE_BYTES);
	buf_init(&n->envelope, 8192);
	buf_init(&n->data, 2048);
	write_message(g, m, &n->message);
	envelope_write(&e, &n->envelope);
	recipient_write(&rcpt, &n->data);
	snprintf(n->lane, sizeof n->lane, "%s@%.*s", m->as->notice_stream->scope.name,
	    VFMT(view_sub(m->to, view_find(m->to, 0, '@') + 1, m->to.n)));
}

void gateway_send_notice(void *arg, const struct web_mail *m)
{
	struct gateway *g = arg;
	struct notice *n = mem_zero(sizeof *n);
	write_spooled(g, m, n);
	if (n->message.failed || n->envelope.failed || n->data.failed || counter_read(&waiting) >= WAITING_MAX) {
		counter_add(&lost, 1);
		notice_free(n);
		return;
	}
	n->item = (struct spool_new_item){.lane = view_of(n->lane), .data = buf_view(&n->data)};
	const struct spool_submission sub = {
	    .envelope = buf_view(&n->envelope), .message = buf_view(&n->message), .items = &n->item, .item_count = 1};
	counter_add(&waiting, 1);
	spool_submit(g->spool, spool_new_id(g->spool), &sub, done, n);
}
