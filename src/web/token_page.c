/* What the pages behind a token share: opening it, the nonce of their forms, and what comes when it isn't ours. */
#include "base/codec.h"
#include "base/counter.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "optout_page.h"

#define NONCE_BYTES 16

COUNTER(forged, "optgate_web_forged_tokens_total", "Requests with a token that is not ours");

void nonce_of(struct view token, struct buf *out)
{
	uint8_t hash[SHA256_BYTES];
	struct hasher *h = hasher_new();
	hasher_add(h, V("optgate page\0"));
	hasher_add(h, token);
	hasher_end(h, hash);
	hasher_free(&h);
	hex_encode(out, view_n(hash, NONCE_BYTES));
}

bool has_our_nonce(const struct web_request *r)
{
	struct buf nonce;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	bool ours = form_has(&r->form, V("nonce"), buf_view(&nonce));
	buf_free(&nonce);
	return ours;
}

bool page_token(const struct web_request *r, struct token *ret)
{
	struct err err;
	return token_open_link(settings_of(r)->tokens, r->capture, ret, &err) == 0 && !is_undo_ticket(ret);
}

static void log_forged(const struct web_request *r, unsigned count)
{
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(&r->peer, ip);
	log_event(LOG_LEVEL_WARNING, "web.forged", "ip=%s method=%s in_this_minute=%u", ip,
	    r->method == METHOD_POST ? "POST" : "GET", count);
}

/* Never "done" for what isn't ours: a false yes is the worse error. A good token from the same network is
 * never held up. */
enum web_when answer_forged(struct web *w, struct web_request *r)
{
	unsigned count = throttle_count(&w->forged, &r->peer, clock_mono(w->clock));
	counter_add(&forged, 1);
	if (count == 1 || count == WEB_FORGED_PER_MINUTE + 1)
		log_forged(r, count);
	if (count <= WEB_FORGED_PER_MINUTE) {
		r->brand = brand_by_host(r);
		const struct value values[] = {{"mails", brand_mails(w, r->brand)}};
		page_answer(r, 404, PAGE_FORGED, values, 1);
		return WEB_NOW;
	}
	page_answer(r, 429, PAGE_THROTTLED, NULL, 0);
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
	return WEB_NOW;
}

