/* The two forms of a token: sealed (link) and open with a MAC (address). Formats: optout/token.h. */
#include "optout/token.h"

#include "base/be.h"
#include "base/codec.h"
#include "base/mem.h"
#include "token_internal.h"

#define VERSION       1
#define VERSION_TOOL  3 /* of links only; 2 is a wish */
#define PREFIX_BYTES  2
#define TIME_BYTES    6
#define LINK_BYTES                                                                                             \
	(PREFIX_BYTES + SEAL_OVERHEAD + 1 + 3 * SCOPE_ID_BYTES + PERSON_KEY_BYTES + TIME_BYTES + 8 +           \
	    1 + TOKEN_MASK_MAX + TOKEN_TOOL_MAX)
#define ADDRESS_MAC   10
#define ADDRESS_PLAIN (PREFIX_BYTES + SCOPE_ID_BYTES + PERSON_KEY_BYTES)
#define ADDRESS_BYTES (ADDRESS_PLAIN + ADDRESS_MAC)

/* A buffer on the caller's stack: never grows, never frees. */
static struct buf on_stack(char *p, size_t n)
{
	return (struct buf){.p = p, .cap = n, .max = n};
}

static struct view id_view(const uint8_t id[SCOPE_ID_BYTES])
{
	return view_n(id, SCOPE_ID_BYTES);
}

static uint8_t form_of(unsigned version, const struct token *t)
{
	return (uint8_t)(version << 4 | t->level);
}

/* The first two bytes of either form. */
static int take_prefix(const struct token_keys *k, struct be_reader *r, struct token *t, unsigned *ret_version,
    const struct token_key **ret_key, struct err *err)
{
	unsigned form = (unsigned)be_take_u(r, 1);
	uint8_t id = (uint8_t)be_take_u(r, 1);
	t->level = form & 15;
	*ret_version = form >> 4;
	if (r->bad || (*ret_version != VERSION && *ret_version != VERSION_TOOL) || (t->level != SCOPE_STREAM && t->level != SCOPE_TOPIC))
		return err_set(err, ERR_SYNTAX, "not a token of a version that we know");
	*ret_key = token_keys_find(k, id);
	if (!*ret_key)
		return err_set(err, ERR_REFUSED, "the token's key, number %u, is not ours", id);
	return 0;
}

static void write_inside(const struct token *t, struct buf *out)
{
	struct view masked = view_of(t->masked), tool = view_of(t->tool);
	bool topic = t->level == SCOPE_TOPIC;
	ALWAYS(masked.n <= TOKEN_MASK_MAX && tool.n <= TOKEN_TOOL_MAX && (topic || t->level == SCOPE_STREAM));
	be_add(out, t->channel, 1);
	buf_add(out, id_view(t->brand_id));
	buf_add(out, id_view(topic ? t->stream_id : t->scope_id));
	if (topic)
		buf_add(out, id_view(t->scope_id));
	buf_add(out, view_n(t->who.b, sizeof t->who.b));
	be_add(out, (uint64_t)t->minted_ms, TIME_BYTES);
	be_add(out, t->message_id, 8);
	if (tool.n)
		be_add(out, masked.n, 1);
	buf_add(out, masked);
	buf_add(out, tool);
}

static void take_bytes(struct be_reader *r, void *to, size_t n)
{
	struct view v = be_take(r, n);
	if (v.p)
		memcpy(to, v.p, n);
}

static bool read_inside(struct view inside, unsigned version, struct token *t)
{
	struct be_reader r = {inside, false};
	t->channel = (enum channel)be_take_u(&r, 1);
	take_bytes(&r, t->brand_id, SCOPE_ID_BYTES);
	take_bytes(&r, t->stream_id, SCOPE_ID_BYTES);
	if (t->level == SCOPE_TOPIC)
		take_bytes(&r, t->scope_id, SCOPE_ID_BYTES);
	else
		memcpy(t->scope_id, t->stream_id, SCOPE_ID_BYTES);
	take_bytes(&r, t->who.b, sizeof t->who.b);
	t->minted_ms = (int64_t)be_take_u(&r, TIME_BYTES);
	t->message_id = be_take_u(&r, 8);
	struct view masked = version == VERSION_TOOL ? be_take_view(&r, 1) : be_take(&r, r.rest.n);
	return !r.bad && t->channel >= CHANNEL_EMAIL && t->channel <= CHANNEL_SOCIAL &&
	    view_str(masked, t->masked, sizeof t->masked) && view_str(r.rest, t->tool, sizeof t->tool);
}

void token_mint_link(const struct token_keys *k, const struct token *t, struct buf *out)
{
	char token_bytes[LINK_BYTES], inside_bytes[LINK_BYTES];
	struct buf token = on_stack(token_bytes, sizeof token_bytes),
		   inside = on_stack(inside_bytes, sizeof inside_bytes);
	uint8_t id;
	const struct token_key *key = token_keys_mint(k, &id);
	be_add(&token, form_of(t->tool[0] ? VERSION_TOOL : VERSION, t), 1);
	be_add(&token, id, 1);
	write_inside(t, &inside);
	seal(key->link, view_n(token.p, PREFIX_BYTES), buf_view(&inside), &token);
	ALWAYS(!token.failed && !inside.failed);
	base64url_encode(out, buf_view(&token));
}

int token_open_link(const struct token_keys *k, struct view text, struct token *ret, struct err *err)
{
	char token_bytes[TOKEN_LINK_TEXT], inside_bytes[TOKEN_LINK_TEXT];
	struct buf token = on_stack(token_bytes, sizeof token_bytes),
		   inside = on_stack(inside_bytes, sizeof inside_bytes);
	if (text.n > TOKEN_LINK_TEXT || !base64url_decode(text, &token))
		return err_set(err, ERR_SYNTAX, "not a token");
	struct token t = {0};
	struct be_reader r = {buf_view(&token), false};
	const struct token_key *key;
	unsigned version;
	if (take_prefix(k, &r, &t, &version, &key, err))
		return -1;
	if (!unseal(key->link, view_n(token.p, PREFIX_BYTES), r.rest, &inside) ||
	    !read_inside(buf_view(&inside), version, &t))
		return err_set(err, ERR_REFUSED, "the token is not one of ours");
	*ret = t;
	return 0;
}

static void address_mac(
    const struct token_key *key, enum token_use use, struct view plain, uint8_t out[SHA256_BYTES])
{
	char letter = (char)use;
	struct view parts[] = {view_n(&letter, 1), plain};
	mac(key->address, parts, 2, out);
}

void token_mint_address(const struct token_keys *k, enum token_use use, const struct token *t, struct buf *out)
{
	char bytes[ADDRESS_BYTES];
	struct buf token = on_stack(bytes, sizeof bytes);
	uint8_t id, whole_mac[SHA256_BYTES];
	const struct token_key *key = token_keys_mint(k, &id);
	ALWAYS(t->channel == CHANNEL_EMAIL && (t->level == SCOPE_STREAM || t->level == SCOPE_TOPIC));
	be_add(&token, form_of(VERSION, t), 1);
	be_add(&token, id, 1);
	buf_add(&token, id_view(t->scope_id));
	buf_add(&token, view_n(t->who.b, sizeof t->who.b));
	address_mac(key, use, buf_view(&token), whole_mac);
	buf_add(&token, view_n(whole_mac, ADDRESS_MAC));
	base32_encode(out, buf_view(&token));
}

int token_open_address(
    const struct token_keys *k, enum token_use use, struct view text, struct token *ret, struct err *err)
{
	char bytes[TOKEN_ADDRESS_TEXT];
	struct buf token = on_stack(bytes, sizeof bytes);
	if (text.n > TOKEN_ADDRESS_TEXT || !base32_decode(text, &token) || token.n != ADDRESS_BYTES)
		return err_set(err, ERR_SYNTAX, "not a token");
	struct token t = {.channel = CHANNEL_EMAIL};
	struct be_reader r = {buf_view(&token), false};
	const struct token_key *key;
	unsigned version;
	if (take_prefix(k, &r, &t, &version, &key, err))
		return -1;
	uint8_t whole_mac[SHA256_BYTES];
	address_mac(key, use, view_n(token.p, ADDRESS_PLAIN), whole_mac);
	if (version != VERSION || !equal_in_constant_time(whole_mac, token.p + ADDRESS_PLAIN, ADDRESS_MAC))
		return err_set(err, ERR_REFUSED, "the token is not one of ours");
	take_bytes(&r, t.scope_id, SCOPE_ID_BYTES);
	take_bytes(&r, t.who.b, sizeof t.who.b);
	if (t.level == SCOPE_STREAM)
		memcpy(t.stream_id, t.scope_id, SCOPE_ID_BYTES);
	*ret = t;
	return 0;
}
