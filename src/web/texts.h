/* What the pages say, in the languages that we ship. */
#pragma once

#include "base/view.h"

enum language { LANGUAGE_EN, LANGUAGE_CY, LANGUAGE_FR, LANGUAGE_DE, LANGUAGE_ES, LANGUAGES };

const char *language_tag(enum language l); /* "en": BCP 47, for lang= and Content-Language */
/* The best of ours for an Accept-Language value (RFC 9110 12.5.4): highest q, then first named; English
 * when none fits. Pure. */
enum language language_choose(struct view accept_language);
/* .p == NULL for an unknown key. */
struct view text_of(struct view key, enum language l);
/* Every key, for tests: NULL at the end. */
const char *text_key(size_t i);
