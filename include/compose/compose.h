/* A kept message and one recipient -> what is sent: final head, body as it is, return path.
 *
 *   head index -> drop control headers, Bcc, Return-Path, old List-Unsubscribe(-Post), stale DKIM-Signature that covered them
 *              -> Received on top, missing Date/Message-ID supplied
 *              -> marketing: List-Unsubscribe (https, mailto), List-Unsubscribe-Post, List-Id, Feedback-ID
 *              -> DKIM: RSA and/or Ed25519, over-signing (RFC 6376 5.4, RFC 8463)
 *              -> return path bounce+TOKEN@bounce domain (VERP)
 * The body is never copied or changed. */
#pragma once

#include "crypto/sign.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "optout/token.h"
#include "policy/policy.h"

/* Signing keys of one domain. */
struct dkim_key {
	char *domain, *selector;
	struct sign_key *key;
};

struct compose_settings { /* frozen, shared */
	struct shared shared;
	char *hostname;           /* of Received and Message-ID */
	struct dkim_key *keys;    /* all keys of a domain sign */
	unsigned key_count;
	struct token_keys *tokens;
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
	uint64_t message_id;    /* of the spool */
	unsigned item;          /* recipient number, for the Received id */
	struct view message;    /* as received */
	int64_t now_ms;
};

struct composed {
	struct view head;          /* final header with the empty line; valid until the composer's next call */
	struct view body;          /* points into job->message */
	char return_path[ADDRESS_MAX + 1];
	bool signed_by_us;
};

/* ERR_SYNTAX for a message that can't be composed (no From, head too large): permanent, 5.6.0. */
int compose(struct composer *c, const struct compose_job *job, struct composed *ret, struct err *err) MUST_CHECK;

/* Names that steer optgate and never leave it ("X-Optgate-Stream"...). */
bool compose_is_control_header(struct view name);
