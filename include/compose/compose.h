/* A kept message and one recipient -> what is sent: final head, body as it is, return path.
 *
 *   Received             on top (RFC 5321 4.4)
 *   DKIM-Signature       RSA and/or Ed25519, over-signing (RFC 6376 5.4, RFC 8463); every key of the most specific domain that is the From
 *                        domain or above it; none when there is no such key. Where complaints go to an unrelated domain, its keys sign, too
 *   the tool's fields    in their order, byte for byte, less these:
 *                          X-Optgate-*, Bcc, Resent-Bcc, Return-Path (and what libesmtp would strip: Original-Recipient, Resent-Reply-To)
 *                          second copies of a field that RFC 5322 3.6 allows once, which libesmtp would drop behind our signature
 *                          marketing: List-Unsubscribe, List-Unsubscribe-Post, and List-Id when the stream has its own
 *                          DKIM-Signature fields whose h= names a field that we dropped or added: they no longer verify
 *   ours                 Date, Message-ID where missing; marketing: List-Unsubscribe (https, mailto), List-Unsubscribe-Post, List-Id,
 *                        Feedback-ID when the tool set none, and CFBL-Address and CFBL-Feedback-ID (RFC 9477) when the brand says so
 *
 * Service and legal mail: the tool's own List-* fields pass as they are (what is not ours is not touched), and none are added.
 * The return path is b+TOKEN@bounce domain (VERP); a null sender stays null, so that a report never causes a report.
 * Date and Message-ID that we supply are the same at every attempt. The body is never copied or changed. */
#pragma once

#include "crypto/sign.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "optout/token.h"
#include "policy/policy.h"

#define COMPOSE_HEAD_MAX (512 * 1024) /* bytes of a final head */

/* Signing keys of one domain. */
struct dkim_key {
	char *brand; /* whose mail it signs: never another brand's, even below the same domain; NULL = anybody's */
	char *domain, *selector;
	struct sign_key *key;
};

struct compose_settings { /* frozen, shared */
	struct shared shared;
	char *hostname;           /* of Received and Message-ID */
	struct dkim_key *keys;    /* all keys of a domain sign */
	unsigned key_count;
	struct token_keys *tokens;
	char **tool_hosts;        /* mail/tool_link.h: a tool's own one-click link travels in ours when its host fits one of these */
	size_t tool_host_count;
};
void compose_settings_free(struct shared *s);

/* One worker's memory between calls (buffers, and the body hash of the message at hand). */
struct composer;
struct composer *composer_new(void);
void composer_free(struct composer **c);

struct compose_job {
	const struct compose_settings *settings;
	const struct stream *stream;
	const struct topic *topic;
	const struct envelope *envelope;
	const struct address *rcpt;
	struct person_key who;
	uint64_t message_id;    /* of the spool: unique; the body hash is kept for the next recipient of the same one (0: not kept) */
	struct view id_text;    /* the same as people see it, for Received; empty = hex digits */
	unsigned item;          /* recipient number, for the Received id */
	struct view message;    /* as received */
	int64_t now_ms;
};

struct composed {
	struct view head;          /* final header with the empty line; valid until the composer's next call */
	struct view body;          /* points into job->message */
	char return_path[ADDRESS_MAX + 1]; /* "" = null sender */
	bool signed_by_us;
};

/* ERR_SYNTAX for a message that can't be composed (no From, or two; too many or too large fields): permanent, 5.6.0.
 * ERR_MISSING: the brand has no public URL for a marketing stream. ERR_UNAVAILABLE: OpenSSL made no signature; nothing goes out unsigned. */
int compose(struct composer *c, const struct compose_job *job, struct composed *ret, struct err *err) MUST_CHECK;

/* The same as changes to a head that somebody else keeps (a milter's MTA, which adds its own Received). */
struct compose_edits {
	struct view signatures;  /* to stand on top, in this order, each with its CRLF */
	const struct head *head; /* as received */
	const bool *gone;        /* for each of its fields */
	struct view added;       /* to stand at the end, each with its CRLF */
	char return_path[ADDRESS_MAX + 1];
};
/* Valid until the composer's next call; fails as compose does. */
int compose_edits(struct composer *c, const struct compose_job *job, struct compose_edits *ret, struct err *err) MUST_CHECK;

/* Names that steer optgate and never leave it ("X-Optgate-Stream"...). */
bool compose_is_control_header(struct view name);
