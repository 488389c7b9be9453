/* What providers report by JSON -> the same report as a bounce or complaint by mail. Pure: whether it may be believed is
 * asked before. One table says what each provider calls things (src/inbound/webhook.c). */
#pragma once

#include "inbound/classify.h"

#define WEBHOOK_MAX_BYTES (4 << 20)
#define WEBHOOK_MAX_EVENTS 1000

enum webhook_provider {
	WEBHOOK_SES,
	WEBHOOK_SENDGRID,
	WEBHOOK_POSTMARK,
	WEBHOOK_MAILGUN,
	WEBHOOK_SPARKPOST,
	WEBHOOK_PROVIDERS
};
const char *webhook_provider_word(enum webhook_provider p);

struct webhook_event {
	enum report_kind kind; /* REPORT_OTHER: delivered, opened... */
	enum arf_type feedback;
	struct report_recipient recipient;
};
struct webhook {
	struct webhook_event *events;
	unsigned count;
};

/* Views lie in the arena or in the rules. Events that no row knows are left out. ERR_SYNTAX for what is no JSON of this
 * provider, ERR_LIMIT past the limits above. */
int webhook_parse(const struct bounce_rules *rules, struct arena *a, enum webhook_provider provider, struct view body,
    struct webhook *ret, struct err *err) MUST_CHECK;
