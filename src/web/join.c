/* /f/FORM: signing up. Boxes are never ticked beforehand, one for each purpose. What is entered is kept nowhere: it travels, sealed,
 * in the link that is mailed (double opt-in), and only the confirmation makes it a consent (confirm.c).
 *
 *   GET /f/FORM        the form                      GET /snippet/FORM  the same as HTML for another site
 *   POST /f/FORM       "look into your mailbox", whoever it was
 */
#include <stdio.h>

#include "pieces.h"
#include "web_internal.h"

#define SNIPPET_BYTES 16384

static const struct web_form *find_form(struct web_request *r)
{
	const struct web_settings *s = settings_of(r);
	for (unsigned i = 0; i < s->form_count; i++)
		if (view_eq(view_of(s->forms[i].name), r->capture)) {
			r->brand = s->forms[i].brand;
			return &s->forms[i];
		}
	page_answer(r, 404, PAGE_MISSING, NULL, 0);
	return NULL;
}

static const char *label_of(const struct web_purpose *p)
{
	return p->topic ? titled(p->topic->title, p->topic->name) : titled(p->stream->title, p->stream->name);
}

static const char opening[] =
	"<form method=\"post\"{{?action}} action=\"{{action}}\"{{/action}}>\n"
	"<input type=\"hidden\" name=\"version\" value=\"{{version}}\">\n"
	"<fieldset><legend>{{title}}</legend>\n";
static const char box[] =
	"<label class=\"box\"><input type=\"checkbox\" name=\"purpose\" value=\"{{number}}\">{{label}}</label>\n";
static const char closing[] =
	"</fieldset>\n" ADDRESS_FIELDS "<p>{{wording}}</p>\n"
	"{{?privacy}}<p><a href=\"{{privacy}}\">{{t.join.privacy}}</a></p>\n{{/privacy}}"
	"<button type=\"submit\">{{t.join.button}}</button>\n"
	"</form>\n";

static void put(struct buf *out, struct view piece, const struct value *rows, size_t n, enum language l)
{
	const struct values values = {rows, n, l};
	struct err err;
	if (template_render(out, piece, &values, &err) < 0)
		fatal(err.text);
}

/* ACTION NULL: posted to the page's own URL. */
static void put_form(struct buf *out, const struct web_form *f, enum language l, const char *action)
{
	const struct value whole[] = {{"action", view_of(action)}, {"version", view_of(f->version)}, {"title", view_of(f->title)},
	    {"wording", view_of(f->wording)}, {"privacy", view_of(f->privacy_url)}};
	put(out, view_of(opening), whole, 5, l);
	for (unsigned i = 0; i < f->purpose_count; i++) {
		char number[12];
		snprintf(number, sizeof number, "%u", i);
		const struct value row[] = {{"number", view_of(number)}, {"label", view_of(label_of(&f->purposes[i]))}};
		put(out, view_of(box), row, 2, l);
	}
	put(out, view_of(closing), whole, 5, l);
}

enum web_when join_show(struct web *w, struct web_request *r)
{
	(void)w;
	const struct web_form *f = find_form(r);
	if (!f)
		return WEB_NOW;
	const struct value values[] = {{"brand", view_of(titled(f->brand->brand->title, f->brand->brand->name))}};
	page_begin_titled(r, 200, view_of(f->title));
	page_piece(r, TEXT("join.intro"), values, 1);
	put_form(&r->answer.body, f, page_language(r), NULL);
	page_end(r);
	return WEB_NOW;
}

/* A form that a site may copy into its own page; nothing else is needed there, neither script nor style. */
enum web_when join_snippet(struct web *w, struct web_request *r)
{
	(void)w;
	const struct web_form *f = find_form(r);
	if (!f)
		return WEB_NOW;
	struct buf snippet, url;
	buf_init(&url, 1000);
	buf_init(&snippet, SNIPPET_BYTES);
	buf_fmt(&url, "%s/f/%s", f->brand->brand->public_url, f->name);
	put_form(&snippet, f, page_language(r), buf_cstr(&url));
	plain_answer(r, 200, buf_view(&snippet));
	buf_free(&snippet);
	buf_free(&url);
	return WEB_NOW;
}

/* Bits of the boxes that were ticked. */
static uint32_t ticked(const struct web_request *r, const struct web_form *f)
{
	uint32_t bits = 0;
	uint64_t number;
	for (unsigned i = 0; i < r->form.count; i++)
		if (view_eq(r->form.fields[i].name, V("purpose")) && view_u64(r->form.fields[i].value, WEB_PURPOSES_MAX, &number) &&
		    number < f->purpose_count)
			bits |= 1u << number;
	return bits;
}

enum web_when join_do(struct web *w, struct web_request *r)
{
	struct ask ask;
	struct buf link;
	const struct web_form *f = find_form(r);
	if (!f)
		return WEB_NOW;
	uint32_t choices = ticked(r, f);
	/* A page that shows an older wording than ours: nobody can have agreed to the new one there. */
	if (!choices || !form_has(&r->form, V("version"), view_of(f->version))) {
		page_answer(r, choices ? 409 : 400, choices ? PAGE_EXPIRED : PAGE_NOTHING, NULL, 0);
		return WEB_NOW;
	}
	if (!ask_read(w, r, &ask))
		return WEB_NOW;
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(&r->peer, ip);
	const struct wish wish = {.kind = WISH_JOIN,
	    .asked_ms = r->at_ms,
	    .choices = choices,
	    .address = view_of(ask.address.exact),
	    .what = view_of(f->name),
	    .words = view_of(f->version),
	    .from = view_of(ip)};
	buf_init(&link, WISH_TEXT);
	ALWAYS(wish_seal(settings_of(r)->tokens, &wish, &link));
	ask_answer(w, r, &ask, "join", "c/", buf_view(&link));
	buf_free(&link);
	return WEB_NOW;
}
