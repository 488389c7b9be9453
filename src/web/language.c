/* Accept-Language against the languages that we have. */
#include "texts.h"

static const char *const tags[LANGUAGES] = {
	[LANGUAGE_EN] = "en",
	[LANGUAGE_CY] = "cy",
	[LANGUAGE_FR] = "fr",
	[LANGUAGE_DE] = "de",
	[LANGUAGE_ES] = "es",
};

const char *language_tag(enum language l)
{
	return tags[l];
}

/* qvalue of RFC 9110 12.4.2 in thousandths; what can't be read counts as 1. */
static unsigned quality(struct view parameters)
{
	struct view part;
	while (view_cut(&parameters, ';', &part)) {
		part = view_trim(part);
		if (!view_istarts(part, V("q=")))
			continue;
		unsigned q = part.n > 2 && part.p[2] == '0' ? 0 : 1000, unit = 100;
		for (size_t i = 4; q < 1000 && i < part.n && ascii_is_digit(part.p[i]); i++, unit /= 10)
			q += (unsigned)(part.p[i] - '0') * unit;
		return q;
	}
	return 1000;
}

/* "de" and "de-AT" both are German. */
static enum language language_of(struct view range)
{
	struct view primary;
	if (!view_cut(&range, '-', &primary))
		return LANGUAGES;
	for (enum language l = 0; l < LANGUAGES; l++)
		if (view_ieq(primary, view_of(tags[l])))
			return l;
	return LANGUAGES;
}

enum language language_choose(struct view accept_language)
{
	enum language best = LANGUAGE_EN;
	unsigned best_q = 0;
	struct view part, range;
	while (view_cut(&accept_language, ',', &part)) {
		if (!view_cut(&part, ';', &range))
			continue;
		enum language l = language_of(view_trim(range));
		unsigned q = l < LANGUAGES ? quality(part) : 0;
		if (q > best_q) {
			best = l;
			best_q = q;
		}
	}
	return best;
}
