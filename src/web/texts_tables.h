/* The tables that texts.c looks into; each ends with a row without a key. */
#pragma once

#include "texts.h"

struct text {
	const char *key;
	const char *in[LANGUAGES];
};

extern const struct text texts_optout[], texts_choices[], texts_forms[], texts_mails[];
