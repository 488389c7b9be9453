/* The admin HTTP listener: the ledger's questions and changes as JSON, provider webhooks, metrics. A socket of its own with limits of its own;
 * recipients never meet it.
 *
 *   Authorization: Bearer NAME.SECRET  ─▶ key ─▶ has it the route's role? ─▶ handler ─▶ JSON
 *   POST /hooks/NAME                   ─▶ the provider's signature, or a key ─▶ ledger commit ─▶ 200
 *
 * Routes are one table (src/web/admin.c); GET /v1/ lists them. Every change carries "key:NAME" as its actor. */
#pragma once

#include "crypto/hash.h"
#include "inbound/inbox.h"
#include "inbound/webhook.h"
#include "web/web.h"

enum admin_role { ADMIN_READ = 1, ADMIN_CHECK = 2, ADMIN_OPTOUT = 4, ADMIN_LISTS = 8, ADMIN_HOOKS = 16, ADMIN_APPROVE = 32 };
/* "read", or several joined by commas. 0: a word that is none. */
unsigned admin_roles_of(struct view words);
void admin_roles_text(unsigned roles, struct buf *out);

#define ADMIN_NAME_MAX    40  /* [a-z0-9-]; the actor is "key:NAME" */
#define ADMIN_SECRET_TEXT 100 /* "NAME.SECRET" and the NUL */
#define ADMIN_STORED_TEXT 200

struct admin_key {
	char name[ADMIN_NAME_MAX + 1];
	unsigned roles;
	uint8_t hash[SHA256_BYTES]; /* of the secret: 256 random bits need no slow hash */
};
/* A new one: SECRET is shown once, STORED goes into the file of keys (config/passwords.h). ERR_SYNTAX for a name that isn't one. */
int admin_key_make(struct view name, unsigned roles, char secret[ADMIN_SECRET_TEXT], char stored[ADMIN_STORED_TEXT], struct err *err) MUST_CHECK;
/* From what was stored; false for what admin_key_make never wrote. */
bool admin_key_read(struct view name, struct view stored, struct admin_key *ret);

struct admin_hook { /* where a provider's events come in */
	char *name;
	enum webhook_provider provider;
	const struct stream *stream; /* whose mail went by that provider */
	char *key;                   /* what its signature is verified by; NULL: a key of role "hooks" is asked for instead */
	char *certificates;          /* SES: the directory of SNS certificates; NULL: as above */
};

/* Holds SETTINGS too. IN: where events are counted; must outlive the listener, as L. */
int admin_start(struct web **ret, const char *listen, const struct web_limits *limits, struct ledger *l, const struct clock *clock,
    struct inbox *in, struct web_settings *settings, struct err *err) MUST_CHECK;
