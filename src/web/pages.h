/* The pages: their HTML, and putting one into an answer in the reader's language. */
#pragma once

#include "http.h"
#include "template.h"

enum page {
	PAGE_ASK, PAGE_DONE, PAGE_UNDONE, PAGE_STILL, PAGE_LATE, PAGE_UNCLEAR,
	PAGE_FORGED, PAGE_MISSING, PAGE_BUSY, PAGE_THROTTLED, PAGE_TOO_LARGE, PAGE_METHOD,
	PAGE_PAUSED, PAGE_THANKS, PAGE_CHOSEN, PAGE_BAD_NUMBER,
	PAGE_LOST, PAGE_SENT, PAGE_BAD_ADDRESS, PAGE_OFTEN, PAGE_NOTHING, PAGE_EXPIRED, PAGE_JOINED, PAGE_JOINED_STILL, PAGE_DATA, PAGE_OPENED,
	PAGES
};

/* Fills r->answer with STATUS and the page in the language of Accept-Language. A template that can't be
 * rendered is a bug. */
void page_answer(
    struct web_request *r, unsigned status, enum page page, const struct value *values, size_t n);
/* The same in parts, for pages with lists: begin, any number of pieces, end. TITLE: a key of texts.h. */
void page_begin(struct web_request *r, unsigned status, const char *title);
void page_piece(struct web_request *r, const char *piece, const struct value *values, size_t n);
void page_end(struct web_request *r);
/* A page's title when it is no sentence of ours. */
void page_begin_titled(struct web_request *r, unsigned status, struct view title);
enum language page_language(const struct web_request *r);
/* "sha256-..." of the style sheet, as the Content-Security-Policy wants it. */
void pages_style_hash(struct buf *out);
