/* Forms that end in a mail. Whether an address is known to anybody is never asked, so that no answer, no mail and no time taken can
 * tell; throttles keep a network from asking for many mails, and an address from getting many.
 *
 *   form ─▶ ask_read: a machine? too many from there? an address? too many to it? ─▶ ask_answer: mail, page "sent"
 */
#include <stdio.h>

#include "base/counter.h"
#include "base/log.h"
#include "web_internal.h"

#define MAIL_BYTES 8192

COUNTER(asked, "optgate_web_mails_total{result=\"sent\"}", "Mails that the pages were asked for");
COUNTER(held_back, "optgate_web_mails_total{result=\"held\"}", "Mails that the pages were asked for");

static bool too_often(struct web *w, const struct web_request *r)
{
	return throttle_count(&w->asks, &r->peer, clock_mono(w->clock)) > WEB_ASKS_PER_TIME;
}

bool ask_read(struct web *w, struct web_request *r, struct ask *ret)
{
	struct err err;
	if (too_often(w, r)) {
		page_answer(r, 429, PAGE_OFTEN, NULL, 0);
		web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
		return false;
	}
	if (!brand_mails(w, r->brand).n) {
		answer_busy(r);
		return false;
	}
	if (address_parse(view_trim(form_value(&r->form, V("address"))), &ret->address, &err) < 0) {
		page_answer(r, 400, PAGE_BAD_ADDRESS, NULL, 0);
		return false;
	}
	struct person_key who;
	ledger_person_key(w->ledger, CHANNEL_EMAIL, view_of(ret->address.text), &who);
	ret->held = form_value(&r->form, V("website")).n > 0 ||
		    throttle_count_key(&w->mails, who.b, clock_mono(w->clock)) > WEB_MAILS_PER_TIME;
	return true;
}

/* TEXT key with the mail's holes filled in, plain. */
static void fill(struct buf *out, const char *key, enum language l, const struct web_brand *b, const char *path, struct view last)
{
	struct view text = text_of(view_of(key), l);
	ALWAYS(text.p);
	while (text.n) {
		size_t hole = view_ifind(text, V("{{"));
		buf_add(out, view_sub(text, 0, hole));
		text = view_sub(text, hole, text.n);
		if (view_starts(text, V("{{brand}}"))) {
			buf_str(out, titled(b->brand->title, b->brand->name));
			text = view_sub(text, 9, text.n);
		} else if (view_starts(text, V("{{link}}"))) {
			buf_fmt(out, "%s/%s%.*s", b->brand->public_url, path, VFMT(last));
			text = view_sub(text, 8, text.n);
		}
	}
}

static void send_mail(struct web *w, const struct web_request *r, const struct ask *a, const char *key, const char *path, struct view last)
{
	char name[60];
	enum language l = page_language(r);
	struct buf subject, text;
	buf_init(&subject, 1000);
	buf_init(&text, MAIL_BYTES);
	snprintf(name, sizeof name, "mail.%s.subject", key);
	fill(&subject, name, l, r->brand, path, last);
	snprintf(name, sizeof name, "mail.%s.text", key);
	fill(&text, name, l, r->brand, path, last);
	const struct web_mail m = {.as = r->brand,
	    .to = view_of(a->address.exact),
	    .subject = buf_view(&subject),
	    .text = buf_view(&text),
	    .language = view_of(language_tag(l))};
	if (!a->held && !subject.failed && !text.failed)
		w->mailer.send(w->mailer.arg, &m);
	buf_free(&subject);
	buf_free(&text);
}

void ask_answer(struct web *w, struct web_request *r, const struct ask *a, const char *key, const char *path, struct view last)
{
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(&r->peer, ip);
	send_mail(w, r, a, key, path, last);
	counter_add(a->held ? &held_back : &asked, 1);
	log_event(LOG_LEVEL_INFO, "web.ask", "what=%s brand=%s ip=%s held=%d", key, r->brand->brand->name, ip, a->held);
	const struct value values[] = {{"brand", view_of(titled(r->brand->brand->title, r->brand->brand->name))}};
	page_answer(r, 200, PAGE_SENT, values, 1);
}
