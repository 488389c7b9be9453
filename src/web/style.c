/* GET /style/BRAND: the brand's own style sheet. */
#include "web_internal.h"

enum web_when style_show(struct web *w, struct web_request *r)
{
	(void)w;
	const struct web_brand *b = brand_named(r, r->capture);
	if (!b || !b->style) {
		page_answer(r, 404, PAGE_MISSING, NULL, 0);
		return WEB_NOW;
	}
	plain_answer(r, 200, view_of(b->style));
	r->answer.content_type = "text/css; charset=utf-8";
	return WEB_NOW;
}
