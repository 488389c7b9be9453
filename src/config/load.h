/* The steps from the file's structs to the rooms' settings. Each leaves its part whole or NULL. */
#pragma once

#include "config/config.h"
#include "raw.h"

/* raw -> brands, streams, topics with their scopes; references checked. */
int make_policy(const struct raw *raw, struct policy **ret, struct err *err) MUST_CHECK;
/* raw -> clients; c->policy is there. HASHES: content of the password file, may be empty. */
int make_intake(struct config *c, const struct raw *raw, struct view hashes, struct err *err) MUST_CHECK;
/* raw -> next hops, DKIM keys; needs c->policy. */
int make_compose(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err) MUST_CHECK;
/* raw -> the public listener's pages and forms; needs c->policy. */
int make_web(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err) MUST_CHECK;
/* FILE and KEY as settings named NAME; *RET stays when there is no FILE. */
int make_certificate(const struct config *c, const struct raw_text *file, const struct raw_text *key, const char *name, struct certificate **ret, struct err *err) MUST_CHECK;
/* The admin listener; its part of c->web_settings, which is there. */
void make_admin_plain(struct config *c, const struct raw_admin *r);
int make_admin(struct config *c, const struct raw *raw, struct err *err) MUST_CHECK;
int check_admin(const struct raw *raw, struct err *err) MUST_CHECK;
int check_webhooks(const struct raw *raw, const struct policy *p, struct err *err) MUST_CHECK;
/* The tools that are told of opt-outs. */
void make_tool_links_plain(struct config *c, const struct raw_tool_links *r);
int make_tool_links(struct config *c, const struct raw *raw, struct err *err) MUST_CHECK;
char **copy_texts(const struct raw_list *l, size_t *ret_count); /* of raw_text */
char *path_below(const char *dir, const char *name); /* "dir/name", on the heap */
void make_delivery(struct config *c, const struct raw *raw);
/* raw -> routes and throttles of c->delivery. */
int make_traffic(struct config *c, const struct raw *raw, struct err *err) MUST_CHECK;
/* The doors' listeners and limits; their settings, which need c->compose. */
/* The reports listener; its inbox, which needs c->policy. */
void make_reports_plain(struct config *c, const struct raw *raw);
int make_inbox(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err) MUST_CHECK;
void make_doors_plain(struct config *c, const struct raw *raw);
void make_doors(struct config *c, const struct raw *raw);
int check_doors(const struct raw *raw, struct err *err) MUST_CHECK;
/* Each was checked as it was read. */
struct network *copy_networks(const struct raw_list *l, unsigned *ret_count);
/* Everything that is no more than a copy. */
void make_plain(struct config *c, const struct raw *raw);

/* Relations between settings: what goes together, what must differ. */
int check_relations(const struct raw *raw, struct err *err) MUST_CHECK;

/* All of it from TEXT: config_load without the file, for tests and fuzzing. */
int config_from_text(
    struct config **ret, const char *file, struct view text, bool with_keys, struct err *err) MUST_CHECK;

char *text_dup(const struct raw_text *t); /* NULL stays NULL */
/* A path as it is to be opened: a relative one is relative to the directory of the settings file (the main one). NULL stays NULL. */
char *path_dup(const struct config *c, const struct raw_text *t);
static inline const struct raw_text *text_at(const struct raw_list *l, unsigned i)
{
	return (const struct raw_text *)l->at + i;
}
/* A fresh shared value: one reference, the caller's. */
void shared_begin(struct shared *s, void (*free_value)(struct shared *));
