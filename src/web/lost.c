/* /lost/BRAND and /data/BRAND: an address, and a link goes to it.
 *
 *   lost  ─▶ a link to the preferences of the mail's reader
 *   data  ─▶ a wish: which right of theirs they use; confirm.c opens the case
 */
#include <stdio.h>

#include "web_internal.h"

static bool find_brand(struct web *w, struct web_request *r)
{
	r->brand = brand_named(r, r->capture);
	if (r->brand && brand_mails(w, r->brand).n)
		return true;
	page_answer(r, r->brand ? 503 : 404, r->brand ? PAGE_BUSY : PAGE_MISSING, NULL, 0);
	return false;
}

static enum web_when show(struct web *w, struct web_request *r, enum page page)
{
	if (find_brand(w, r)) {
		const struct value values[] = {{"brand", view_of(titled(r->brand->brand->title, r->brand->brand->name))}};
		page_answer(r, 200, page, values, 1);
	}
	return WEB_NOW;
}

enum web_when lost_show(struct web *w, struct web_request *r)
{
	return show(w, r, PAGE_LOST);
}

enum web_when data_show(struct web *w, struct web_request *r)
{
	return show(w, r, PAGE_DATA);
}

/* The token of a link to the preferences: as a mail of the brand's first marketing stream would carry it. */
static bool preferences_token(const struct web *w, const struct web_request *r, const struct address *a, struct token *ret)
{
	const struct brand *b = r->brand->brand;
	const struct stream *s = NULL;
	struct buf masked;
	for (unsigned i = 0; i < b->stream_count && !s; i++)
		if (b->streams[i].class == CLASS_MARKETING)
			s = &b->streams[i];
	if (!s)
		return false;
	*ret = (struct token){.channel = CHANNEL_EMAIL, .level = SCOPE_STREAM, .minted_ms = r->at_ms};
	ledger_person_key(w->ledger, CHANNEL_EMAIL, view_of(a->text), &ret->who);
	memcpy(ret->scope_id, s->scope.id, SCOPE_ID_BYTES);
	memcpy(ret->stream_id, s->scope.id, SCOPE_ID_BYTES);
	memcpy(ret->brand_id, b->scope.id, SCOPE_ID_BYTES);
	buf_init(&masked, TOKEN_MASK_MAX);
	address_mask(a, &masked);
	view_str(buf_view(&masked), ret->masked, sizeof ret->masked);
	buf_free(&masked);
	return true;
}

enum web_when lost_do(struct web *w, struct web_request *r)
{
	struct ask ask;
	struct token t;
	struct buf link;
	if (!find_brand(w, r) || !ask_read(w, r, &ask))
		return WEB_NOW;
	if (!preferences_token(w, r, &ask.address, &t)) {
		page_answer(r, 404, PAGE_MISSING, NULL, 0);
		return WEB_NOW;
	}
	buf_init(&link, TOKEN_LINK_TEXT);
	token_mint_link(settings_of(r)->tokens, &t, &link);
	ask_answer(w, r, &ask, "lost", "p/", buf_view(&link));
	buf_free(&link);
	return WEB_NOW;
}

enum web_when data_do(struct web *w, struct web_request *r)
{
	static const struct view rights[] = {V("access"), V("rectify"), V("erase"), V("restrict"), V("object")};
	struct view right = form_value(&r->form, V("right"));
	struct ask ask;
	struct buf link;
	bool known = false;
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
		known |= view_eq(right, rights[i]);
	if (!find_brand(w, r))
		return WEB_NOW;
	if (!known) {
		page_answer(r, 400, PAGE_NOTHING, NULL, 0);
		return WEB_NOW;
	}
	if (!ask_read(w, r, &ask))
		return WEB_NOW;
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(&r->peer, ip);
	const struct wish wish = {.kind = WISH_RIGHT,
	    .asked_ms = r->at_ms,
	    .address = view_of(ask.address.exact),
	    .what = right,
	    .words = view_of(r->brand->brand->name),
	    .from = view_of(ip)};
	buf_init(&link, WISH_TEXT);
	ALWAYS(wish_seal(settings_of(r)->tokens, &wish, &link));
	ask_answer(w, r, &ask, "right", "c/", buf_view(&link));
	buf_free(&link);
	return WEB_NOW;
}
