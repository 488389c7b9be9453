/* A taker of mail that accepts everything and hands it to a callback: `optgate sink`, the demo's next hop, and tests.
 * It can be told to misbehave, by a table of rules.
 *
 * A rule as text, VERB[:PATTERN][@N]=ACTION:
 *     rcpt:bounce=550 5.1.1 No such user     recipients whose address holds "bounce"
 *     commit@3=451 4.3.0 Try again           the first three messages only
 *     mail=drop      commit=stall            close without a word; never answer
 *     commit=delay 500ms                     answer late (a delay at mail or rcpt holds its whole worker)
 * VERB is login, mail, rcpt or commit. The first rule that fits is used. */
#pragma once

#include "base/clock.h"
#include "intake/verbs.h"

enum sink_verb { SINK_LOGIN, SINK_MAIL, SINK_RCPT, SINK_COMMIT };

struct sink_rule {
	enum sink_verb verb;
	char pattern[80]; /* part of the address (commit: of the sender; login: of the user); "" = any */
	unsigned first;   /* acts so many times; 0 = always */
	int64_t delay_ms;
	struct reply reply; /* code 0: the usual answer, after the delay; REPLY_DROP, REPLY_STALL */
};

struct sink_mail {
	struct view peer, helo;
	struct view from; /* as given; "" = null sender */
	const struct view *to;
	size_t to_count;
	struct view envid;
	uint8_t ret, protocol;
	struct view bytes;
};

struct sink_settings {
	uint64_t max_message_bytes;
	const char *user, *password; /* NULL: no AUTH offered */
	const struct sink_rule *rules;
	size_t rule_count;
	/* A message has come whole; on a worker's thread, several at once. Views are good until it returns. */
	void (*deliver)(void *arg, const struct sink_mail *m);
	void *arg;
};

struct sink;
/* Settings are copied, rules too; strings must outlive it. */
int sink_new(struct sink **ret, const struct sink_settings *s, const struct clock *clock, struct err *err) MUST_CHECK;
void sink_free(struct sink **s); /* after the server that uses it has stopped */
int sink_rule_parse(const char *text, struct sink_rule *ret, struct err *err) MUST_CHECK;

/* ctx is a struct sink. */
extern const struct intake_verbs sink_verbs;
