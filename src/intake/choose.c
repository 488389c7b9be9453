/* What a message says it is: the control headers, the From domain, the loop check. */
#include "intake_internal.h"
#include "mail/header.h"

#define CONTROL_TEXT 128

/* The one value of a control header; "" when absent. */
static int control_value(struct intake_tx *tx, const struct head *h, const char *name, struct view *ret, struct reply *refused)
{
	*ret = V("");
	const struct field *f = head_find(h, view_of(name));
	if (!f)
		return 0;
	if (head_next(h, f, view_of(name))) {
		reply_set(refused, 550, "5.6.0", "%s stands more than once", name);
		return -1;
	}
	struct buf text;
	buf_init(&text, CONTROL_TEXT);
	field_text(f, &text);
	bool fits = !text.failed;
	for (size_t i = 0; fits && i < text.n; i++)
		fits = (unsigned char)text.p[i] >= 0x20 && (unsigned char)text.p[i] < 0x7f;
	if (fits)
		*ret = arena_view(&tx->arena, buf_view(&text));
	buf_free(&text);
	if (!fits || !ret->p) {
		reply_set(refused, 550, "5.6.0", "%s: expected at most %d printable ASCII characters", name, CONTROL_TEXT);
		return -1;
	}
	return 0;
}

static bool is_allowed(const struct client *c, const struct stream *s)
{
	if (s == c->default_stream)
		return true;
	for (unsigned i = 0; i < c->stream_count; i++)
		if (c->streams[i] == s)
			return true;
	return false;
}

/* "offers" or "acme/offers". */
static const struct stream *named_stream(const struct client *c, struct view name)
{
	size_t slash = view_find(name, 0, '/');
	if (slash < name.n) {
		if (!view_eq(view_sub(name, 0, slash), view_of(c->brand->name)))
			return NULL;
		name = view_sub(name, slash + 1, name.n);
	}
	return brand_stream(c->brand, name);
}

int choose_stream(struct intake_tx *tx, const struct head *h, struct choice *ret, struct reply *refused)
{
	struct view stream, topic;
	if (control_value(tx, h, "X-Optgate-Stream", &stream, refused) < 0 || control_value(tx, h, "X-Optgate-Topic", &topic, refused) < 0 ||
	    control_value(tx, h, "X-Optgate-Campaign", &ret->campaign, refused) < 0)
		return -1;
	ret->stream = stream.n ? named_stream(tx->client, stream) : tx->client->default_stream;
	if (!ret->stream || !is_allowed(tx->client, ret->stream)) {
		reply_set(refused, 550, "5.7.1", "X-Optgate-Stream: %.*s is not a stream that client %s may use", VFMT(stream), tx->client->name);
		return -1;
	}
	ret->topic = topic.n ? stream_topic(ret->stream, topic) : NULL;
	if (topic.n && !ret->topic) {
		reply_set(refused, 550, "5.7.1", "X-Optgate-Topic: %.*s is not a topic of stream %s", VFMT(topic), ret->stream->name);
		return -1;
	}
	watch_stream(tx, h, ret);
	return 0;
}

struct origin {
	const struct brand *brand;
	struct address foreign;
	bool bad;
	unsigned count;
};

static bool is_brands(void *arg, const struct address *a)
{
	struct origin *o = arg;
	o->count++;
	if (brand_owns_domain(o->brand, address_domain(a)))
		return true;
	o->foreign = *a;
	o->bad = true;
	return false;
}

static int check_from(const struct intake_tx *tx, const struct head *h, struct reply *refused)
{
	const struct field *from = head_find(h, V("From"));
	struct origin o = {.brand = tx->client->brand};
	if (!from || head_next(h, from, V("From"))) {
		reply_set(refused, 550, "5.6.0", "Expected exactly one From field (RFC 5322 3.6)");
		return -1;
	}
	struct err err;
	if (field_mailboxes(from, is_brands, &o, &err) < 0 || o.count == 0) {
		reply_set(refused, 550, "5.6.0", "From: expected a mailbox");
		return -1;
	}
	if (o.bad) {
		struct view domain = address_domain(&o.foreign);
		reply_set(refused, 550, "5.7.1", "From domain %.*s does not belong to brand %s", VFMT(domain), o.brand->name);
		return -1;
	}
	return 0;
}

int check_origin(struct intake_tx *tx, const struct head *h, struct reply *refused)
{
	if (head_count(h, V("Received")) > tx->settings->max_received) {
		reply_set(refused, 554, "5.4.6", "More than %u Received fields: a mail loop", tx->settings->max_received);
		return -1;
	}
	return check_from(tx, h, refused);
}
