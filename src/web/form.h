/* Form bodies as HTML and RFC 8058 send them: application/x-www-form-urlencoded and multipart/form-data
 * (RFC 7578). Pure.
 *
 * A missing or unknown content type is judged by the body itself: an opt-out must not fail because a client
 * forgot a field. */
#pragma once

#include "base/view.h"

#define FORM_FIELDS_MAX 64

struct form_field {
	struct view name, value;
};

struct form {
	struct form_field fields[FORM_FIELDS_MAX];
	unsigned count;
};

enum form_status {
	FORM_OK,
	FORM_TOO_MANY, /* more than FORM_FIELDS_MAX fields */
	FORM_BROKEN,   /* multipart without a boundary line */
};

/* Decodes BODY in place; the fields of *RET are views of it. What was read before a failure stands in *RET. */
enum form_status form_parse(struct form *ret, struct view content_type, char *body, size_t n);
/* The first field of that name (exact case); .p == NULL when there is none. */
struct view form_value(const struct form *f, struct view name);
/* Some field of that name has exactly that value. */
bool form_has(const struct form *f, struct view name, struct view value);

/* %XX in place (and '+' as a blank when PLUS); %00 and broken escapes stay as they are. Gives the
 * new length. */
size_t percent_decode(char *p, size_t n, bool plus);
/* A parameter of a header value: `form-data; name="x"`. .p == NULL when there is none. */
struct view header_parameter(struct view value, struct view name);
