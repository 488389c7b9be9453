/* The public listener as the web room wants it. */
#include <stdlib.h>

#include "base/file.h"
#include "ledger/wording.h"
#include "load.h"

#define CONTENT       "{{content}}"
#define PAGE_FILE_MAX (64 * 1024)

/* Each was checked as it was read. */
static void copy_proxies(struct web_settings *w, const struct raw_list *l)
{
	w->proxies = mem_zero((l->count + 1) * sizeof *w->proxies);
	for (; w->proxy_count < l->count; w->proxy_count++)
		ALWAYS(network_parse(text_at(l, w->proxy_count)->s, &w->proxies[w->proxy_count], NULL) == 0);
}

int make_certificate(const struct config *c, const struct raw_text *file, const struct raw_text *key, const char *name, struct certificate **ret, struct err *err)
{
	struct err why;
	if (!file->s)
		return 0;
	char *path = path_dup(c, file), *key_path = path_dup(c, key);
	int rc = certificate_load(ret, path, key_path, &why);
	free(path);
	free(key_path);
	return rc < 0 ? raw_wrong(err, &file->at, name, "%s", why.text) : 0;
}

static int read_file(struct config *c, const struct raw_text *path, const char *name, struct buf *out, struct err *err)
{
	struct err why;
	char *file = path_dup(c, path);
	buf_init(out, PAGE_FILE_MAX);
	int rc = file_read(file, out, &why);
	free(file);
	if (rc == 0 && out->n && !memchr(out->p, 0, out->n))
		return 0;
	buf_free(out);
	return raw_wrong(err, &path->at, name, "%s", rc < 0 ? why.text : "expected a file of text");
}

static int read_style(struct config *c, struct web_brand *b, const struct raw_brand *r, struct err *err)
{
	struct buf css;
	if (!r->style_file.s)
		return 0;
	if (read_file(c, &r->style_file, "brands[].style_file", &css, err) < 0)
		return -1;
	b->style = view_dup(buf_view(&css));
	buf_free(&css);
	return 0;
}

static int read_frame(struct config *c, struct web_brand *b, const struct raw_brand *r, struct err *err)
{
	struct buf html;
	if (!r->frame_file.s)
		return 0;
	if (read_file(c, &r->frame_file, "brands[].frame_file", &html, err) < 0)
		return -1;
	struct view v = buf_view(&html);
	size_t at = view_ifind(v, V(CONTENT));
	struct view after = view_sub(v, at + sizeof CONTENT - 1, v.n);
	bool good = at < v.n && view_ifind(after, V(CONTENT)) == after.n;
	if (good) {
		b->before = view_dup(view_sub(v, 0, at));
		b->after = view_dup(after);
	}
	buf_free(&html);
	return good ? 0 : raw_wrong(err, &r->frame_file.at, "brands[].frame_file", "expected " CONTENT " in it, once");
}

static int make_notices(struct web_brand *b, const struct raw_brand *r, struct err *err)
{
	if (!r->notice_from.s && !r->notice_stream.s)
		return 0;
	if (!r->notice_from.s || !r->notice_stream.s)
		return raw_wrong(err, r->notice_from.s ? &r->notice_from.at : &r->notice_stream.at, "brands[].notice_from",
		    "expected together with brands[].notice_stream");
	b->notice_stream = brand_stream(b->brand, view_of(r->notice_stream.s));
	if (!b->notice_stream || b->notice_stream->class != CLASS_SERVICE)
		return raw_wrong(err, &r->notice_stream.at, "brands[].notice_stream", "expected a stream of the brand, of class service");
	struct view from = view_of(r->notice_from.s);
	if (!brand_owns_domain(b->brand, view_sub(from, view_find(from, 0, '@') + 1, from.n)))
		return raw_wrong(err, &r->notice_from.at, "brands[].notice_from", "expected an address below one of brands[].from_domains");
	b->notice_from = text_dup(&r->notice_from);
	return 0;
}

static int make_brands(struct config *c, struct web_settings *w, const struct raw *raw, struct err *err)
{
	const struct raw_brand *r = raw->brands.at;
	w->brands = mem_zero((raw->brands.count + 1) * sizeof *w->brands);
	for (unsigned i = 0; i < raw->brands.count; i++, r++) {
		struct web_brand *b = &w->brands[w->brand_count++];
		b->brand = &c->policy->brands[i];
		if (make_notices(b, r, err) < 0 || read_style(c, b, r, err) < 0 || read_frame(c, b, r, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- forms ---- */

static int make_purpose(struct web_form *f, const struct raw_text *t, struct err *err)
{
	struct view rest = view_of(t->s), stream;
	struct web_purpose *p = &f->purposes[f->purpose_count++];
	view_cut(&rest, '/', &stream);
	p->stream = brand_stream(f->brand->brand, stream);
	p->topic = p->stream && rest.n ? stream_topic(p->stream, rest) : NULL;
	if (!p->stream || (rest.n && !p->topic))
		return raw_wrong(err, &t->at, "forms[].purposes", "expected streams or topics of the brand: %s is none", t->s);
	return 0;
}

static int read_wording(struct config *c, struct web_form *f, const struct raw_form *r, struct err *err)
{
	struct buf text, words;
	struct err why;
	if (read_file(c, &r->wording_file, "forms[].wording_file", &text, err) < 0)
		return -1;
	buf_init(&words, WORDING_TEXT_MAX);
	int rc = wording_normalise(buf_view(&text), &words, &why);
	if (rc == 0) {
		f->wording = view_dup(buf_view(&words));
		wording_id(buf_view(&words), f->wording_id);
	}
	buf_free(&words);
	buf_free(&text);
	return rc < 0 ? raw_wrong(err, &r->wording_file.at, "forms[].wording_file", "%s", why.text) : 0;
}

static int make_form(struct config *c, struct web_settings *w, const struct raw_form *r, struct err *err)
{
	struct web_form *f = &w->forms[w->form_count++];
	for (unsigned i = 0; i < w->brand_count; i++)
		if (strcmp(w->brands[i].brand->name, r->brand.s) == 0)
			f->brand = &w->brands[i];
	if (!f->brand || !f->brand->notice_from)
		return raw_wrong(err, &r->brand.at, "forms[].brand", "expected a brand with brands[].notice_from");
	f->name = text_dup(&r->name);
	f->title = text_dup(&r->title);
	f->version = text_dup(&r->version);
	f->privacy_url = text_dup(&r->privacy_url);
	f->privacy_version = text_dup(&r->privacy_version);
	f->confirm_within_ms = r->confirm_within_ms;
	for (unsigned i = 0; i < r->purposes.count; i++)
		if (make_purpose(f, text_at(&r->purposes, i), err) < 0)
			return -1;
	return read_wording(c, f, r, err);
}

static int make_forms(struct config *c, struct web_settings *w, const struct raw *raw, struct err *err)
{
	const struct raw_form *r = raw->forms.at;
	w->forms = mem_zero((raw->forms.count + 1) * sizeof *w->forms);
	for (unsigned i = 0; i < raw->forms.count; i++)
		if (make_form(c, w, &r[i], err) < 0)
			return -1;
	return 0;
}

int make_web(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err)
{
	struct web_settings *w = mem_zero(sizeof *w);
	shared_begin(&w->shared, web_settings_free);
	c->web_settings = w;
	w->policy = c->policy;
	shared_hold(&w->policy->shared);
	w->tokens = token_keys_hold(tokens);
	copy_proxies(w, &raw->public.trusted_proxies);
	if (make_brands(c, w, raw, err) < 0 || make_forms(c, w, raw, err) < 0)
		return -1;
	return make_certificate(c, &raw->public.tls_certificate, &raw->public.tls_key, "public.tls_certificate", &w->certificate, err);
}
