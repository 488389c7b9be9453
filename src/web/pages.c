/* The pages: one frame, a body each. No script, no outside request, no cookie; readable by keyboard, screen
 * reader, phone, light and dark. */
#include "pages.h"

#include "base/codec.h"
#include "crypto/hash.h"
#include "pieces.h"

#define PAGE_TYPICAL_BYTES 8192

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
	"a{color:var(--act)}"
	"fieldset{border:0;margin:0 0 1.25rem;padding:0}"
	"legend{font-size:1.25rem;font-weight:600;padding:0;margin:0 0 .5rem}"
	".box{display:flex;gap:.75rem;align-items:flex-start;margin:0;padding:.5rem 0}"
	".box input{flex:none;width:1.5rem;height:1.5rem;margin:0;accent-color:var(--act)}"
	".box small{display:block;color:var(--soft);font-size:.9375rem}"
	".field{margin:0 0 1.25rem}"
	".field input{display:block;font:inherit;width:100%;min-height:3rem;margin-top:.25rem;padding:.5rem .75rem;"
	"border:1px solid var(--soft);border-radius:.5rem;background:transparent;color:inherit}"
	".field small{color:var(--soft);font-size:.9375rem}"
	".trap{position:absolute;left:-200vw}"
	"button:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid var(--ink);outline-offset:3px}";

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
	"{{?own}}<link rel=\"stylesheet\" href=\"../style/{{own}}\">\n{{/own}}"
	"</head>\n"
	"<body>\n";

static const char before_content[] = "<main>\n<h1>{{title}}</h1>\n";
static const char after_content[] = "</main>\n";
static const char foot[] =
	"</body>\n"
	"</html>\n";

#define MAILS "{{?stops}}{{stops}}{{/stops}}{{!stops}}{{t.word.these_mails}}{{/stops}}"
#define ALL   "{{?brand}}{{t.word.all_of_brand}}{{/brand}}{{!brand}}{{t.word.all_of_sender}}{{/brand}}"
#define FACTS                                                                       \
	"<dl>\n" PERSON DATUM("label.stops", "{{?all}}" ALL "{{/all}}{{!all}}" MAILS "{{/all}}") \
	"</dl>\n"

#define STOP  FORM(BUTTON("{{?quiet}}" QUIET "{{/quiet}}", "unsubscribe", "{{t.ask.button}}"))

/* Undo only for the opt-out that this page has just made; wider choices always in view. */
#define UNDO                                                                                   \
	"{{?ticket}}<p>{{t.undo.explain}}</p>\n"                                               \
	FORM("<input type=\"hidden\" name=\"ticket\" value=\"{{ticket}}\">\n"                  \
	    BUTTON(QUIET, "undo", "{{t.undo.button}}"))                                        \
	"{{/ticket}}"
#define PAUSE                                                         \
	"<h2>{{t.pause.title}}</h2>\n"                                \
	FORM(BUTTON(QUIET, "pause-30", "{{t.pause.30}}") BUTTON(QUIET, "pause-90", "{{t.pause.90}}"))
#define LINKS                                                                                    \
	"<p><a href=\"../p/{{token}}\">{{t.choose.link}}</a></p>\n"                             \
	"{{?mails}}<p><a href=\"../data/{{mails}}\">{{t.data.link}}</a></p>\n{{/mails}}"
#define REASON(word) \
	"<label class=\"box\"><input type=\"radio\" name=\"reason\" value=\"" word "\">{{t.reason." word "}}</label>\n"
#define WHY                                                                                        \
	"{{?ticket}}" FORM("<fieldset><legend>{{t.reason.title}}</legend>\n"                      \
	    REASON("too-many") REASON("not-relevant") REASON("never-asked") REASON("other") "</fieldset>\n" \
	    BUTTON(QUIET, "reason", "{{t.reason.button}}")) "{{/ticket}}"
#define LOST                                                                  \
	"{{?mails}}<h2>{{t.lost.title}}</h2>\n" TEXT("lost.body")            \
	"<form method=\"post\" action=\"../lost/{{mails}}\">\n" ADDRESS_FIELDS   \
	"<button type=\"submit\">{{t.lost.button}}</button>\n</form>\n{{/mails}}"
#define RIGHT(word) \
	"<label class=\"box\"><input type=\"radio\" name=\"right\" value=\"" word "\" required>{{t.data." word "}}</label>\n"
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
	[PAGE_ASK] = {"ask.title", FACTS "<p>{{t.ask.nothing_yet}}</p>\n" STOP PAUSE LINKS},
	[PAGE_DONE] = {"done.title", FACTS "<p>{{t.done.body}}</p>\n<p>{{t.done.service}}</p>\n" UNDO MORE WHY LINKS},
	[PAGE_UNDONE] = {"undone.title",
		"<dl>\n" PERSON DATUM("undone.label", MAILS) "</dl>\n<p>{{t.undone.body}}</p>\n" STOP},
	[PAGE_STILL] = {"still.title", "<p>{{t.still.body}}</p>\n"},
	[PAGE_LATE] = {"late.title", "<p>{{t.late.body}}</p>\n"},
	[PAGE_UNCLEAR] = {"unclear.title", "<p>{{t.unclear.body}}</p>\n"},
	[PAGE_FORGED] = {"forged.title", "<p>{{t.forged.body}}</p>\n" LOST},
	[PAGE_MISSING] = {"missing.title", "<p>{{t.missing.body}}</p>\n"},
	[PAGE_BUSY] = {"busy.title", "<p>{{t.busy.body}}</p>\n"},
	[PAGE_THROTTLED] = {"throttled.title", "<p>{{t.throttled.body}}</p>\n"},
	[PAGE_TOO_LARGE] = {"toolarge.title", "<p>{{t.toolarge.body}}</p>\n"},
	[PAGE_METHOD] = {"method.title", "<p>{{t.method.body}}</p>\n"},
	[PAGE_PAUSED] = {"paused.title", FACTS TEXT("paused.body") STOP LINKS},
	[PAGE_THANKS] = {"thanks.title", TEXT("thanks.body")},
	[PAGE_CHOSEN] = {"chosen.title", TEXT("chosen.body") "<p><a href=\"../p/{{token}}\">{{t.choose.link}}</a></p>\n"},
	[PAGE_BAD_NUMBER] = {"badnumber.title", TEXT("badnumber.body")},
	[PAGE_LOST] = {"lost.title", TEXT("lost.body") "<form method=\"post\">\n" ADDRESS_FIELDS
		"<button type=\"submit\">{{t.lost.button}}</button>\n</form>\n"},
	[PAGE_SENT] = {"sent.title", TEXT("sent.body")},
	[PAGE_BAD_ADDRESS] = {"badaddress.title", TEXT("badaddress.body")},
	[PAGE_OFTEN] = {"often.title", TEXT("often.body")},
	[PAGE_NOTHING] = {"nothing.title", TEXT("nothing.body")},
	[PAGE_EXPIRED] = {"expired.title", TEXT("expired.body")},
	[PAGE_JOINED] = {"joined.title", TEXT("joined.body")},
	[PAGE_JOINED_STILL] = {"joined.title", TEXT("joined.still")},
	[PAGE_DATA] = {"data.title", TEXT("data.body") "<form method=\"post\">\n<fieldset><legend>{{t.data.legend}}</legend>\n"
		RIGHT("access") RIGHT("rectify") RIGHT("erase") RIGHT("restrict") RIGHT("object") "</fieldset>\n"
		ADDRESS_FIELDS "<button type=\"submit\">{{t.data.button}}</button>\n</form>\n"},
	[PAGE_OPENED] = {"opened.title", TEXT("opened.body")},
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

enum language page_language(const struct web_request *r)
{
	return language_choose(http_header(r, "Accept-Language"));
}

static void put_own(struct buf *out, const char *html)
{
	if (html)
		buf_str(out, html);
}

void page_begin_titled(struct web_request *r, unsigned status, struct view title)
{
	const struct web_brand *brand = r->brand;
	enum language language = page_language(r);
	const struct value frame[] = {{"lang", view_of(language_tag(language))}, {"title", title},
	    {"own", view_of(brand && brand->style ? brand->brand->name : NULL)}};
	const struct values in_frame = {frame, sizeof frame / sizeof *frame, language};
	struct buf *out = &r->answer.body;
	buf_clear(out);
	buf_reserve(out, PAGE_TYPICAL_BYTES); /* one allocation instead of ten */
	put(out, head, &in_frame);
	buf_str(out, style);
	put(out, after_style, &in_frame);
	put_own(out, brand ? brand->before : NULL);
	put(out, before_content, &in_frame);
	r->answer.status = status;
	r->answer.content_type = "text/html; charset=utf-8";
	web_response_header(&r->answer, "Content-Language", language_tag(language));
	web_response_header(&r->answer, "Vary", "Accept-Language");
}

void page_begin(struct web_request *r, unsigned status, const char *title)
{
	page_begin_titled(r, status, text_of(view_of(title), page_language(r)));
}

void page_piece(struct web_request *r, const char *piece, const struct value *values, size_t n)
{
	const struct values all = {values, n, page_language(r)};
	put(&r->answer.body, piece, &all);
}

void page_end(struct web_request *r)
{
	struct buf *out = &r->answer.body;
	buf_str(out, after_content);
	put_own(out, r->brand ? r->brand->after : NULL);
	buf_str(out, foot);
	ALWAYS(!out->failed);
}

void page_answer(struct web_request *r, unsigned status, enum page page, const struct value *values, size_t n)
{
	page_begin(r, status, rows[page].title);
	page_piece(r, rows[page].body, values, n);
	page_end(r);
}
