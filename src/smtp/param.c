/* Each extension's parameter is a row: its name and what reads its value. A parameter that is unknown, doubled or badly
 * formed refuses the command (RFC 5321 4.1.1.11). */
#include "param.h"

#include "base/codec.h"

struct row {
	const char *name;
	bool (*read)(void *params, struct view value, struct reply *reply);
};

static bool bad(struct reply *reply, const char *sentence)
{
	reply_set(reply, 501, "5.5.4", "%s", sentence);
	return false;
}

int xtext_decode(struct view text, char *dst, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '+') {
			if (i + 2 >= text.n || !hex_decode(view_sub(text, i + 1, i + 3), &c, 1))
				return -1;
			if (c < 0x20 || c > 0x7e)
				return -1;
			i += 2;
		} else if (c < 0x21 || c > 0x7e || c == '=') {
			return -1;
		}
		if (n == size)
			return -1;
		dst[n++] = (char)c;
	}
	return (int)n;
}

/* SIZE=1*20DIGIT (RFC 1870) */
static bool read_size(void *params, struct view value, struct reply *reply)
{
	struct mail_params *p = params;
	return view_u64(value, UINT64_MAX / 2, &p->size) || bad(reply, "SIZE must be a number");
}

/* BODY=7BIT | 8BITMIME (RFC 6152) */
static bool read_body(void *params, struct view value, struct reply *reply)
{
	(void)params;
	return view_ieq(value, V("7BIT")) || view_ieq(value, V("8BITMIME")) ||
	       bad(reply, "BODY must be 7BIT or 8BITMIME");
}

/* AUTH=xtext (RFC 4954 5): who the client says submitted it. It is believed of nobody. */
static bool read_auth(void *params, struct view value, struct reply *reply)
{
	char who[256];
	(void)params;
	return xtext_decode(value, who, sizeof who) >= 0 || bad(reply, "AUTH must be xtext");
}

/* RET=FULL | HDRS (RFC 3461 4.3) */
static bool read_ret(void *params, struct view value, struct reply *reply)
{
	struct mail_params *p = params;
	p->ret = view_ieq(value, V("FULL")) ? 1 : view_ieq(value, V("HDRS")) ? 2 : 0;
	return p->ret || bad(reply, "RET must be FULL or HDRS");
}

/* ENVID=xtext (RFC 3461 4.4) */
static bool read_envid(void *params, struct view value, struct reply *reply)
{
	struct mail_params *p = params;
	int n = xtext_decode(value, p->envid, sizeof p->envid);
	if (n <= 0)
		return bad(reply, "ENVID must be xtext of at most 100 characters");
	p->envid_n = (size_t)n;
	return true;
}

static bool read_utf8(void *params, struct view value, struct reply *reply)
{
	(void)params;
	(void)value;
	reply_set(reply, 555, "5.6.7", "SMTPUTF8 is not supported: local parts must be ASCII");
	return false;
}

/* NOTIFY=NEVER | 1#(SUCCESS | FAILURE | DELAY) (RFC 3461 4.1) */
static bool read_notify(void *params, struct view value, struct reply *reply)
{
	static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
	struct rcpt_params *p = params;
	struct view word;
	if (value.n == 0 || value.p[value.n - 1] == ',')
		return bad(reply, "NOTIFY must name NEVER, or some of SUCCESS, FAILURE, DELAY");
	while (view_cut(&value, ',', &word)) {
		unsigned bit = 0;
		for (unsigned i = 0; i < 4; i++)
			if (view_ieq(word, view_of(words[i])))
				bit = 1u << i;
		if (!bit)
			return bad(reply, "NOTIFY must name NEVER, or some of SUCCESS, FAILURE, DELAY");
		p->notify |= (uint8_t)bit;
	}
	return !(p->notify & 1) || p->notify == 1 || bad(reply, "NOTIFY=NEVER stands alone");
}

/* ORCPT=atom;xtext (RFC 3461 4.2) */
static bool read_orcpt(void *params, struct view value, struct reply *reply)
{
	struct rcpt_params *p = params;
	char decoded[ORCPT_MAX];
	size_t semicolon = view_find(value, 0, ';');
	bool good = semicolon > 0 && semicolon + 1 < value.n && value.n <= ORCPT_MAX;
	for (size_t i = 0; good && i < semicolon; i++)
		good = ascii_is_alnum(value.p[i]) || value.p[i] == '-';
	if (!good || xtext_decode(view_sub(value, semicolon + 1, value.n), decoded, sizeof decoded) < 0)
		return bad(reply, "ORCPT must be a type, a semicolon and xtext");
	p->orcpt = value;
	return true;
}

static const struct row mail_rows[] = {{"SIZE", read_size}, {"BODY", read_body}, {"AUTH", read_auth}, {"RET", read_ret},
    {"ENVID", read_envid}, {"SMTPUTF8", read_utf8}, {NULL, NULL}};
static const struct row rcpt_rows[] = {{"NOTIFY", read_notify}, {"ORCPT", read_orcpt}, {NULL, NULL}};

static bool parse(const struct row *rows, struct view text, void *params, struct reply *reply)
{
	unsigned seen = 0;
	struct view word;
	while (view_word(&text, &word)) {
		size_t equals = view_find(word, 0, '='), i = 0;
		while (rows[i].name && !view_ieq(view_of(rows[i].name), view_sub(word, 0, equals)))
			i++;
		if (!rows[i].name) {
			reply_set(reply, 555, "5.5.4", "Parameter not known");
			return false;
		}
		if (seen & 1u << i)
			return bad(reply, "A parameter is given twice");
		seen |= 1u << i;
		if (!rows[i].read(params, view_sub(word, equals + 1, word.n), reply))
			return false;
	}
	return true;
}

bool mail_params_parse(struct view text, struct mail_params *ret, struct reply *reply)
{
	*ret = (struct mail_params){0};
	return parse(mail_rows, text, ret, reply);
}

bool rcpt_params_parse(struct view text, struct rcpt_params *ret, struct reply *reply)
{
	*ret = (struct rcpt_params){0};
	return parse(rcpt_rows, text, ret, reply);
}
