/* Between reading the rows (rules.c) and asking them (rules_find.c). */
#pragma once

#include "internal.h"

#define PROVIDERS_MAX 200
#define SUFFIXES_MAX 16
#define EVERYBODY UINT16_MAX

struct rule {
	enum meaning meaning;
	struct view reason;
	struct view status; /* "5.2.1", "5.7.*"; empty = any */
	struct view literals[RULES_MAX_LITERALS];
	uint8_t literal_count;
	bool at_start, at_end, at_rcpt;
	uint16_t provider;
	unsigned line;
};

struct provider {
	struct view name;
	struct view suffixes[SUFFIXES_MAX]; /* domains; those that start with "=" are words of the text */
	unsigned count;
};

struct rule_list {
	struct rule *rows;
	size_t count, cap;
};

struct rule_file {
	const char *name;
	char *text; /* lower-cased copy that all views point into */
	struct rule_list lists[RULE_KINDS];
	struct provider *providers;
	unsigned provider_count;
};

struct bounce_rules {
	struct shared shared;
	struct rule_file own, shipped;
};
