/* Servers say it in many ways; the words before the number are what tells a delay from a size, a queue id or an address:
 *
 *   451 4.7.1 Greylisted, please try again in 300 seconds      452 4.2.2 retry after 00:05:00
 *   421 4.7.0 Try again later in 2 hours                       450 4.7.1 Greylisting in action, wait 4m 30s */
#include "hint.h"

static const struct view leads[] = {V("again"), V("retry"), V("retrying"), V("resend"), V("wait"), V("greylisted"), V("graylisted"),
    V("greylisting"), V("graylisting"), V("delayed"), V("deferred"), V("back")};
/* May stand between those and the number. */
static const struct view fillers[] = {V("in"), V("after"), V("for"), V("at"), V("least"), V("later"), V("within"), V("about"), V("another"),
    V("please"), V("try"), V("the"), V("next"), V("action")};

static const struct unit {
	struct view word;
	int64_t ms;
} units[] = {
    {V("s"), 1000}, {V("sec"), 1000}, {V("secs"), 1000}, {V("second"), 1000}, {V("seconds"), 1000},
    {V("m"), 60000}, {V("min"), 60000}, {V("mins"), 60000}, {V("minute"), 60000}, {V("minutes"), 60000},
    {V("h"), 3600000}, {V("hr"), 3600000}, {V("hrs"), 3600000}, {V("hour"), 3600000}, {V("hours"), 3600000},
    {V("d"), 86400000}, {V("day"), 86400000}, {V("days"), 86400000}};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FILLERS_MAX 6

static bool is_letter(char c)
{
	return ascii_is_alpha(c);
}

static size_t run(struct view v, size_t at, bool (*is)(char))
{
	while (at < v.n && is(v.p[at]))
		at++;
	return at;
}

static size_t skip(struct view v, size_t at)
{
	while (at < v.n && !ascii_is_alnum(v.p[at]))
		at++;
	return at;
}

static bool one_of(const struct view *words, size_t n, struct view word)
{
	for (size_t i = 0; i < n; i++)
		if (view_ieq(words[i], word))
			return true;
	return false;
}

static int64_t unit_ms(struct view word)
{
	for (size_t i = 0; i < COUNT(units); i++)
		if (view_ieq(units[i].word, word))
			return units[i].ms;
	return 0;
}

/* Digits at AT; past the end of them in *RET_END. */
static bool number(struct view v, size_t at, size_t *ret_end, uint64_t *ret)
{
	*ret_end = run(v, at, ascii_is_digit);
	return view_u64(view_sub(v, at, *ret_end), 10000000, ret);
}

/* "0:05:00" or "05:00", from the number already read. */
static bool clock_form(struct view v, size_t at, uint64_t first, int64_t *ret_ms)
{
	uint64_t total = first, next;
	unsigned parts = 1;
	while (parts < 3 && at + 1 < v.n && v.p[at] == ':' && number(v, at + 1, &at, &next) && next < 60) {
		total = total * 60 + next;
		parts++;
	}
	*ret_ms = (int64_t)total * 1000;
	return parts > 1;
}

/* "4m 30s", "5 minutes", "300": the sum. */
static bool amount(struct view v, size_t at, int64_t *ret_ms)
{
	int64_t sum = 0;
	uint64_t n;
	size_t end;
	for (unsigned parts = 0; parts < 3 && number(v, at, &end, &n); parts++) {
		if (parts == 0 && clock_form(v, end, n, ret_ms))
			return *ret_ms > 0;
		size_t word = end;
		while (word < v.n && (v.p[word] == ' ' || v.p[word] == '-'))
			word++;
		size_t word_end = run(v, word, is_letter);
		int64_t ms = unit_ms(view_sub(v, word, word_end));
		bool joined = end + 1 < v.n && (!v.p[end] || strchr("./@:-_", v.p[end])); /* "4.7.1", "192.0.2.1" */
		bool bare = parts == 0 && !joined;
		if (!ms && !bare)
			break;
		sum += (int64_t)n * (ms ? ms : 1000);
		if (!ms)
			break;
		for (at = word_end; at < v.n && (v.p[at] == ' ' || v.p[at] == ','); at++)
			;
	}
	*ret_ms = sum;
	return sum > 0;
}

/* The number behind a lead that ends at AT, past words that may stand between. */
static bool behind(struct view v, size_t at, int64_t *ret_ms)
{
	for (unsigned i = 0; i <= FILLERS_MAX; i++) {
		at = skip(v, at);
		if (at < v.n && ascii_is_digit(v.p[at]))
			return amount(v, at, ret_ms);
		size_t end = run(v, at, is_letter);
		struct view word = view_sub(v, at, end);
		if (!one_of(fillers, COUNT(fillers), word) && !one_of(leads, COUNT(leads), word))
			return false;
		at = end;
	}
	return false;
}

bool retry_hint(struct view text, int64_t *ret_ms)
{
	int64_t ms;
	for (size_t at = 0, end; at < text.n; at = end) {
		end = run(text, at, is_letter);
		if (end == at) {
			end = at + 1;
			continue;
		}
		if (!one_of(leads, COUNT(leads), view_sub(text, at, end)) || !behind(text, end, &ms))
			continue;
		*ret_ms = ms < HINT_MAX_MS ? ms : HINT_MAX_MS;
		return true;
	}
	return false;
}
