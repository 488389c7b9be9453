/* The pages: their HTML, and putting one into an answer in the reader's language. */
#pragma once

#include "http.h"
#include "template.h"

enum page {
	PAGE_ASK, PAGE_DONE, PAGE_UNDONE, PAGE_STILL, PAGE_LATE, PAGE_UNCLEAR,
	PAGE_FORGED, PAGE_MISSING, PAGE_BUSY, PAGE_THROTTLED, PAGE_TOO_LARGE, PAGE_METHOD,
	PAGES
};

/* Fills r->answer with STATUS and the page in the language of Accept-Language. A template that can't be
 * rendered is a bug. */
void page_answer(
    struct web_request *r, unsigned status, enum page page, const struct value *values, size_t n);
/* "sha256-..." of the style sheet, as the Content-Security-Policy wants it. */
void pages_style_hash(struct buf *out);
