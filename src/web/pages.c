/* The pages: one frame, a body each. No script, no outside request, no cookie; readable by keyboard, screen
 * reader, phone, light and dark. */
#include "pages.h"

#include "base/codec.h"
#include "crypto/hash.h"

#define PAGE_TYPICAL_BYTES 4096

/* Text and button contrast is above 4.5:1 in both schemes (WCAG 2.2 1.4.3), targets above 24 px (2.5.8),
 * focus always visible (2.4.7). */
static const char style[] =
	":root{color-scheme:light dark;--ground:#fff;--ink:#1b1b1f;--soft:#4a4a52;--line:#c4c4cc;"
	"--act:#0b57d0;--on-act:#fff}"
	"@media(prefers-color-scheme:dark){:root{--ground:#131316;--ink:#e6e6ea;--soft:#b4b4bc;--line:#4a4a52;"
	"--act:#a8c7fa;--on-act:#062e6f}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--ground);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}"
	"main{max-width:36rem;margin:0 auto;padding:2rem 1.25rem}"
	"h1{font-size:1.625rem;line-height:1.25;margin:0 0 1.25rem}"
	"dl{margin:0 0 1.25rem;border-top:1px solid var(--line)}"
	"dl div{padding:.625rem 0;border-bottom:1px solid var(--line)}"
	"dt{color:var(--soft);font-size:.9375rem}"
	"dd{margin:0;font-weight:600;overflow-wrap:anywhere}"
	"button{font:inherit;font-weight:600;width:100%;min-height:3rem;padding:.625rem 1.25rem;border:0;"
	"border-radius:.5rem;background:var(--act);color:var(--on-act);cursor:pointer}"
	"button.quiet{background:transparent;color:var(--ink);border:2px solid var(--act);margin:0 0 .75rem}"
	"h2{font-size:1.25rem;line-height:1.3;margin:2rem 0 .75rem}"
	"button:focus-visible{outline:3px solid var(--ink);outline-offset:3px}";

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"{{lang}}\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n"
	"<meta name=\"referrer\" content=\"no-referrer\">\n"
	"<title>{{title}}</title>\n"
	"<style>";

static const char after_style[] =
	"</style>\n"
	"</head>\n"
	"<body>\n"
	"<main>\n"
	"<h1>{{title}}</h1>\n";

static const char foot[] =
	"</main>\n"
	"</body>\n"
	"</html>\n";

#define DATUM(label, value) "<div><dt>{{t." label "}}</dt><dd>" value "</dd></div>\n"
#define PERSON                                                    \
	"{{?address}}" DATUM("label.address", "{{address}}") "{{/address}}" \
	"{{?brand}}" DATUM("label.sender", "{{brand}}") "{{/brand}}"
#define MAILS "{{?stops}}{{stops}}{{/stops}}{{!stops}}{{t.word.these_mails}}{{/stops}}"
#define ALL   "{{?brand}}{{t.word.all_of_brand}}{{/brand}}{{!brand}}{{t.word.all_of_sender}}{{/brand}}"
#define FACTS                                                                       \
	"<dl>\n" PERSON DATUM("label.stops", "{{?all}}" ALL "{{/all}}{{!all}}" MAILS "{{/all}}") \
	"</dl>\n"

#define FORM(inside)                                                         \
	"<form method=\"post\">\n"                                           \
	"<input type=\"hidden\" name=\"nonce\" value=\"{{nonce}}\">\n" inside \
	"</form>\n"
#define BUTTON(attributes, action, text) \
	"<button type=\"submit\" name=\"action\" value=\"" action "\"" attributes ">" text "</button>\n"
#define QUIET " class=\"quiet\""
#define STOP  FORM(BUTTON("{{?quiet}}" QUIET "{{/quiet}}", "unsubscribe", "{{t.ask.button}}"))

/* Undo only for the opt-out that this page has just made; wider choices always in view. */
#define UNDO                                                                                   \
	"{{?ticket}}<p>{{t.undo.explain}}</p>\n"                                               \
	FORM("<input type=\"hidden\" name=\"ticket\" value=\"{{ticket}}\">\n"                  \
	    BUTTON(QUIET, "undo", "{{t.undo.button}}"))                                        \
	"{{/ticket}}"
#define MORE                                                                                   \
	"{{!all}}<h2>{{t.more.title}}</h2>\n"                                                  \
	FORM("{{?stream}}" BUTTON(QUIET, "stream", "{{t.more.stream}}") "{{/stream}}"          \
	    BUTTON(QUIET, "brand",                                                             \
		"{{?brand}}{{t.more.brand}}{{/brand}}{{!brand}}{{t.more.sender}}{{/brand}}"))  \
	"{{/all}}"

static const struct page_row {
	const char *title; /* key of texts.h */
	const char *body;
} rows[PAGES] = {
	[PAGE_ASK] = {"ask.title", FACTS "<p>{{t.ask.nothing_yet}}</p>\n" STOP},
	[PAGE_DONE] = {"done.title", FACTS "<p>{{t.done.body}}</p>\n<p>{{t.done.service}}</p>\n" UNDO MORE},
	[PAGE_UNDONE] = {"undone.title",
		"<dl>\n" PERSON DATUM("undone.label", MAILS) "</dl>\n<p>{{t.undone.body}}</p>\n" STOP},
	[PAGE_STILL] = {"still.title", "<p>{{t.still.body}}</p>\n"},
	[PAGE_LATE] = {"late.title", "<p>{{t.late.body}}</p>\n"},
	[PAGE_UNCLEAR] = {"unclear.title", "<p>{{t.unclear.body}}</p>\n"},
	[PAGE_FORGED] = {"forged.title", "<p>{{t.forged.body}}</p>\n"},
	[PAGE_MISSING] = {"missing.title", "<p>{{t.missing.body}}</p>\n"},
	[PAGE_BUSY] = {"busy.title", "<p>{{t.busy.body}}</p>\n"},
	[PAGE_THROTTLED] = {"throttled.title", "<p>{{t.throttled.body}}</p>\n"},
	[PAGE_TOO_LARGE] = {"toolarge.title", "<p>{{t.toolarge.body}}</p>\n"},
	[PAGE_METHOD] = {"method.title", "<p>{{t.method.body}}</p>\n"},
};

void pages_style_hash(struct buf *out)
{
	uint8_t hash[SHA256_BYTES];
	sha256(view_n(style, sizeof style - 1), hash);
	buf_str(out, "sha256-");
	base64_encode(out, view_n(hash, sizeof hash));
}

static void put(struct buf *out, const char *piece, const struct values *values)
{
	struct err err;
	if (template_render(out, view_of(piece), values, &err) < 0)
		fatal(err.text);
}

void page_answer(struct web_request *r, unsigned status, enum page page, const struct value *values, size_t n)
{
	enum language language = language_choose(http_header(r, "Accept-Language"));
	const struct value frame[] = {{"lang", view_of(language_tag(language))},
	    {"title", text_of(view_of(rows[page].title), language)}};
	const struct values in_frame = {frame, sizeof frame / sizeof *frame, language};
	const struct values in_body = {values, n, language};
	struct buf *out = &r->answer.body;
	buf_clear(out);
	buf_reserve(out, PAGE_TYPICAL_BYTES); /* one allocation instead of ten */
	put(out, head, &in_frame);
	buf_str(out, style);
	put(out, after_style, &in_frame);
	put(out, rows[page].body, &in_body);
	buf_str(out, foot);
	ALWAYS(!out->failed);
	r->answer.status = status;
	r->answer.content_type = "text/html; charset=utf-8";
	web_response_header(&r->answer, "Content-Language", language_tag(language));
	web_response_header(&r->answer, "Vary", "Accept-Language");
}
