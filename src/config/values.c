/* Kinds of values, and the checks of texts: each says what it expected. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mail/address.h"
#include "net/endpoint.h"
#include "table.h"

#define NAME_MAX_BYTES 60
#define TITLE_MAX_BYTES 120
#define URL_MAX_BYTES 120
#define PATH_MAX_BYTES 1024

static const struct {
	const char *words;
	bool is_text;
} kinds[] = {
    [KIND_GROUP] = {"a group { ... }", false},
    [KIND_LIST] = {"a list of groups ( { ... }, { ... } )", false},
    [KIND_TEXT] = {"a string", true},
    [KIND_TEXTS] = {"a string or a list of strings", true},
    [KIND_NUMBER] = {"a whole number", false},
    [KIND_SIZE] = {"a size such as 4096, \"512K\" or \"10M\"", true},
    [KIND_DURATION] = {"a duration such as \"30s\" or \"4h\", or a number of seconds", true},
    [KIND_FLAG] = {"true or false", false},
    [KIND_CHOICE] = {"a word", true},
    [KIND_CHOICES] = {"a word or a list of words", true},
};

const char *kind_words(enum kind k)
{
	return kinds[k].words;
}

bool kind_is_text(enum kind k)
{
	return kinds[k].is_text;
}

bool size_parse(struct view text, int64_t *ret)
{
	static const struct {
		char letter;
		int shift;
	} units[] = {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}};
	int shift = 0;
	for (size_t i = 0; text.n && i < sizeof units / sizeof *units; i++)
		if (text.p[text.n - 1] == units[i].letter)
			shift = units[i].shift;
	uint64_t n;
	if (!view_u64(view_sub(text, 0, text.n - (shift ? 1 : 0)), (uint64_t)INT64_MAX >> shift, &n))
		return false;
	*ret = (int64_t)(n << shift);
	return true;
}

int choice_expected(const struct choice *choices, struct err *err)
{
	char words[200] = "";
	for (const struct choice *c = choices; c->word; c++) {
		size_t n = strlen(words);
		snprintf(words + n, sizeof words - n, "%s%s", n ? ", " : "", c->word);
	}
	return err_set(err, ERR_SYNTAX, "expected one of %s", words);
}

static bool choice_value(const struct choice *choices, struct view word, int64_t *ret)
{
	for (const struct choice *c = choices; c->word; c++)
		if (view_eq(word, view_of(c->word))) {
			*ret = c->value;
			return true;
		}
	return false;
}

static bool read_number(struct view text, int64_t *ret)
{
	uint64_t n;
	bool negative = text.n && text.p[0] == '-';
	if (!view_u64(negative ? view_sub(text, 1, text.n) : text, INT64_MAX, &n))
		return false;
	*ret = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool read_duration(struct view text, int64_t *ret)
{
	return duration_parse(text.p, text.n, ret);
}

static bool read_flag(struct view text, int64_t *ret)
{
	*ret = view_eq(text, V("true"));
	return *ret || view_eq(text, V("false"));
}

/* A limit in the unit in which people write it. */
static void limit_text(enum kind k, int64_t n, char dst[40])
{
	static const char *const letters[] = {"", "K", "M", "G", "T"};
	if (k == KIND_DURATION) {
		char t[24];
		duration_text(n, t);
		snprintf(dst, 40, "\"%s\"", t);
		return;
	}
	size_t unit = 0;
	for (; k == KIND_SIZE && n && n % 1024 == 0 && unit < 4; n /= 1024)
		unit++;
	snprintf(dst, 40, unit ? "\"%lld%s\"" : "%lld%s", (long long)n, letters[unit]);
}

int value_read(const struct setting *row, struct view text, int64_t *ret, struct err *err)
{
	static bool (*const readers[])(struct view, int64_t *) = {
	    [KIND_NUMBER] = read_number,
	    [KIND_SIZE] = size_parse,
	    [KIND_DURATION] = read_duration,
	    [KIND_FLAG] = read_flag,
	};
	int64_t n;
	if (row->kind == KIND_CHOICE || row->kind == KIND_CHOICES) {
		if (!choice_value(row->choices, text, &n))
			return choice_expected(row->choices, err);
	} else if (!readers[row->kind](text, &n)) {
		return err_set(err, ERR_SYNTAX, "expected %s", kind_words(row->kind));
	} else if (row->kind != KIND_FLAG && (n < row->lo || n > row->hi)) {
		char lo[40], hi[40];
		limit_text(row->kind, row->lo, lo);
		limit_text(row->kind, row->hi, hi);
		return err_set(err, ERR_SYNTAX, "expected a value from %s to %s", lo, hi);
	}
	*ret = n;
	return 0;
}

/* ---- checks of texts ---- */

static bool all_of(struct view text, const char *others)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && (!c || !strchr(others, c)))
			return false;
	}
	return text.n > 0;
}

static bool has_control(struct view text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return true;
	return false;
}

/* Length of the UTF-8 sequence (RFC 3629) at P, 0 when it is none. */
static size_t sequence(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char mask, lead, bytes;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
	for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
		if ((p[0] & forms[f].mask) != forms[f].lead || n < forms[f].bytes)
			continue;
		uint32_t c = p[0] & (unsigned char)~forms[f].mask;
		for (size_t i = 1; i < forms[f].bytes; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		bool surrogate = c >= 0xd800 && c < 0xe000;
		return c >= forms[f].least && c <= 0x10ffff && !surrogate ? forms[f].bytes : 0;
	}
	return 0;
}

static bool is_utf8(struct view text)
{
	for (size_t i = 0, n; i < text.n; i += n)
		if (!(n = sequence((const unsigned char *)text.p + i, text.n - i)))
			return false;
	return true;
}

int check_name(struct view text, struct err *err)
{
	if (all_of(text, "._-") && text.n <= NAME_MAX_BYTES)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a name of 1 to %d of a-z 0-9 . _ -", NAME_MAX_BYTES);
}

int check_domain(struct view text, struct err *err)
{
	char canonical[DOMAIN_MAX + 1];
	if (domain_canonical(text, canonical, NULL) == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a domain such as example.com");
}

int check_list_id(struct view text, struct err *err)
{
	char canonical[DOMAIN_MAX + 1];
	if (domain_canonical(text, canonical, NULL) == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a list identifier such as offers.lists.example.com (RFC 2919)");
}

int check_selector(struct view text, struct err *err)
{
	if (all_of(text, ".-") && text.n <= NAME_MAX_BYTES)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a DKIM selector of a-z 0-9 . -");
}

int check_purpose(struct view text, struct err *err)
{
	struct view stream = text, topic = V("x");
	size_t slash = view_find(text, 0, '/');
	if (slash < text.n) {
		topic = view_sub(text, slash + 1, text.n);
		stream = view_sub(text, 0, slash);
	}
	if (check_name(stream, err) == 0 && check_name(topic, err) == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected STREAM or STREAM/TOPIC");
}

int check_url(struct view text, struct err *err)
{
	struct view rest = view_starts(text, V("https://"))  ? view_sub(text, 8, text.n)
			   : view_starts(text, V("http://")) ? view_sub(text, 7, text.n)
							     : V("");
	bool plain =
	    rest.n && rest.p[0] != '/' && text.n <= URL_MAX_BYTES && !has_control(text) && text.p[text.n - 1] != '/';
	for (size_t i = 0; plain && i < rest.n; i++)
		plain = (unsigned char)rest.p[i] < 0x7f && !strchr(" <>\"?#,\\^`{|}", rest.p[i]);
	if (plain)
		return 0;
	return err_set(err, ERR_SYNTAX,
	    "expected a URL such as https://u.example.com, no slash at the end, at most %d bytes", URL_MAX_BYTES);
}

int check_endpoint(struct view text, struct err *err)
{
	char s[ENDPOINT_TEXT];
	struct endpoint e;
	if (view_str(text, s, sizeof s) &&
	    (view_starts(text, V("systemd:")) ? text.n > 8 : endpoint_parse(s, &e, NULL) == 0))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected ADDRESS:PORT, [ADDRESS]:PORT, unix:PATH or systemd:NAME");
}

int check_network(struct view text, struct err *err)
{
	char s[ENDPOINT_TEXT];
	struct network n;
	if (view_str(text, s, sizeof s) && network_parse(s, &n, NULL) == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a network such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32");
}

int check_title(struct view text, struct err *err)
{
	if (text.n && text.n <= TITLE_MAX_BYTES && !has_control(text) && is_utf8(text))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected 1 to %d bytes of text on one line", TITLE_MAX_BYTES);
}

int check_path(struct view text, struct err *err)
{
	if (text.n && text.n < PATH_MAX_BYTES && !has_control(text) && is_utf8(text))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a path of 1 to %d bytes", PATH_MAX_BYTES - 1);
}

int check_host(struct view text, struct err *err)
{
	bool ok = text.n && text.n <= DOMAIN_MAX;
	if (text.n && text.p[0] == '/')
		return check_path(text, err);
	for (size_t i = 0; ok && i < text.n; i++)
		ok = ascii_is_alnum(text.p[i]) || (text.p[i] && strchr(".-:_", text.p[i]));
	if (ok)
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a host name or an IP address, without a port");
}
