/* The rows of the one table of settings, and what a kind of value is. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "raw.h"

enum kind {
	KIND_GROUP,    /* { ... }: its settings lie in the same struct */
	KIND_LIST,     /* ( { ... }, { ... } ): an array of structs of their own */
	KIND_TEXT,     /* struct raw_text */
	KIND_TEXTS,    /* struct raw_list of raw_text; one string stands for a list of one */
	KIND_NUMBER,   /* int64_t, as all below */
	KIND_SIZE,     /* bytes: 4096, "10M" */
	KIND_DURATION, /* milliseconds: "4h", or a number of seconds */
	KIND_FLAG,     /* bool */
	KIND_CHOICE,   /* the value of one word */
	KIND_CHOICES,  /* a bit for each word */
};

struct choice {
	const char *word;
	int value;
};

enum setting_flags {
	SETTING_REQUIRED = 1, /* no default, and nothing works without it */
	SETTING_UNIQUE = 2,   /* no two of one list may have the same */
	SETTING_RESTART = 4,  /* a reload does not change it */
};

/* Says what was expected, without a prefix. */
typedef int text_check(struct view text, struct err *err);

struct setting {
	const char *path;  /* "brands[].streams[].class" */
	enum kind kind;
	unsigned flags;
	size_t offset;     /* in the struct of its list, or in struct raw */
	size_t element;    /* KIND_LIST: bytes of one */
	int64_t lo, hi;    /* numbers in their stored unit; most elements of a list */
	const struct choice *choices;
	text_check *check;
	const char *def;   /* as text; NULL = none */
	const char *sample; /* shown in the sample file in place of the default; NULL: the default, commented out */
	const char *help;  /* for the manual and the sample */
};

extern const struct setting settings[];
extern const size_t settings_count;

/* The name behind the last dot. */
const char *setting_name(const struct setting *row);
/* Directly inside of PREFIX ("" = the top level)? */
bool setting_within(const struct setting *row, const char *prefix);
const struct setting *setting_find(const char *prefix, const char *name);

/* ---- values.c ---- */

/* "a string", "a duration such as \"30s\" or \"4h\"": for messages and the manual. */
const char *kind_words(enum kind k);
bool kind_is_text(enum kind k); /* its default is written in quotes */
/* Reads a scalar of the row's kind from its text into SLOT (TEXT and TEXTS are not for this). Says what was expected. */
int value_read(const struct setting *row, struct view text, int64_t *ret, struct err *err) MUST_CHECK;
bool size_parse(struct view text, int64_t *ret);
/* "expected one of a, b, c". */
int choice_expected(const struct choice *choices, struct err *err);

/* ---- numbers.c ---- */

/* No number in TEXT is one that libconfig would silently cut to 32 bits. */
int numbers_check(const char *file, struct view text, struct err *err) MUST_CHECK;

text_check check_country, check_ip, check_rate, check_date, check_domain_pattern, check_stream_pattern;
text_check check_name, check_domain, check_url, check_endpoint, check_network, check_path, check_title, check_host, check_selector, check_list_id, check_mailbox, check_resolver;
text_check check_purpose, check_link_host;
