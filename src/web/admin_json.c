/* JSON in and out: errors name the field and what was expected. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "base/log.h"
#include "ledger/address.h"

enum web_when json_answer(struct web_request *r, unsigned status, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	ALWAYS(text);
	plain_answer(r, status, view_of(text));
	buf_byte(&r->answer.body, '\n');
	r->answer.content_type = "application/json";
	free(text);
	if (r->answer.body.failed) { /* more than an answer may have */
		buf_clear(&r->answer.body);
		plain_answer(r, 500, V("{\"error\":\"the answer is too large; ask for less\"}\n"));
		r->answer.content_type = "application/json";
	}
	return WEB_NOW;
}

enum web_when json_refuse(struct web_request *r, unsigned status, const char *field, const char *fmt, ...)
{
	char text[400], safe[400];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	log_safe(safe, sizeof safe, text, n > 0 ? strnlen(text, sizeof text) : 0);
	return json_answer(r, status, field ? json_pack("{s:s, s:s}", "error", safe, "field", field) : json_pack("{s:s}", "error", safe));
}

enum web_when json_failed(struct web_request *r, const struct err *err)
{
	bool theirs = err->kind == ERR_REFUSED || err->kind == ERR_CONFLICT || err->kind == ERR_SYNTAX || err->kind == ERR_LIMIT;
	if (!theirs)
		web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
	return json_refuse(r, theirs ? 409 : 503, NULL, "%s", err->text);
}

json_t *json_body(struct web_request *r)
{
	json_error_t why;
	json_t *o = json_loadb(r->body.p ? r->body.p : "", r->body.n, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(o))
		return o;
	if (o)
		json_refuse(r, 400, NULL, "expected a JSON object");
	else
		json_refuse(r, 400, NULL, "expected a JSON object: line %d, column %d: %s", why.line, why.column, why.text);
	json_decref(o);
	return NULL;
}

struct view json_text_of(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	return json_is_string(v) ? view_n(json_string_value(v), json_string_length(v)) : V("");
}

struct view actor_of(const struct web_request *r, char *dst)
{
	int n = snprintf(dst, ACTOR_MAX + 1, "key:%s", r->key ? r->key->name : "-");
	return view_n(dst, (size_t)n);
}

bool party_of(struct web *w, struct web_request *r, struct view channel, struct view address, struct view scope, struct party *ret)
{
	struct scope where = {.level = SCOPE_GLOBAL};
	struct err err;
	ret->channel = channel.n ? channel_of(channel) : CHANNEL_EMAIL;
	if (!ret->channel) {
		json_refuse(r, 400, "channel", "expected email, sms, phone, post or social");
		return false;
	}
	if (scope.n && scope_parse(scope, &where, &err) < 0) {
		json_refuse(r, 400, "scope", "%s", err.text);
		return false;
	}
	if (channel_address_parse(ret->channel, address, policy_country(settings_of(r)->policy, &where), &ret->address, &err) < 0) {
		json_refuse(r, 400, "address", "%s", err.text);
		return false;
	}
	ledger_person_key(w->ledger, ret->channel, view_of(ret->address.text), &ret->who);
	return true;
}

const struct stream *stream_of(struct web_request *r, struct view name, const struct topic **ret_topic)
{
	const struct policy *p = settings_of(r)->policy;
	struct view rest = name, brand, stream;
	char both[SCOPE_NAME_MAX + 1];
	*ret_topic = NULL;
	bool cut = view_cut(&rest, '/', &brand) && view_cut(&rest, '/', &stream);
	const struct stream *s = cut && view_str(view_sub(name, 0, brand.n + 1 + stream.n), both, sizeof both) ? policy_stream(p, view_of(both)) : NULL;
	if (s && rest.n)
		*ret_topic = stream_topic(s, rest);
	if (s && (*ret_topic || !rest.n))
		return s;
	json_refuse(r, 400, "stream", "expected BRAND/STREAM or BRAND/STREAM/TOPIC of the settings, found \"%.*s\"", VFMT(view_sub(name, 0, 100)));
	return NULL;
}
