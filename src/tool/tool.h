/* What the verbs share: the parsed command line, the stores opened on first use, and how results are told.
 *
 *   argv ─▶ args (verbs.c, args.c) ─▶ verb->run ─▶ json_t result ─▶ --json, or the verb's own aligned text */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "answers/answers.h"
#include "config/config.h"
#include "control/queue.h"

#define OPERANDS_MAX 16384 /* classify takes as many files as a shell hands over */
#define REPEATS_MAX  16

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SUPPRESS = 3, EXIT_DEFER = 4 };

enum option_id {
	OPT_CONFIG, OPT_JSON, OPT_HELP,
	OPT_SCOPE, OPT_REASON, OPT_CHANNEL, OPT_NOTE, OPT_SOURCE, OPT_EXPIRES, OPT_AT,
	OPT_PURPOSE, OPT_BASIS, OPT_WORDING, OPT_EVIDENCE,
	OPT_STREAM, OPT_TOPIC,
	OPT_CAMPAIGN, OPT_ROUTE, OPT_DOMAIN, OPT_CLIENT, OPT_ID, OPT_STATE, OPT_LIMIT, OPT_ALL,
	OPT_FROM, OPT_FOLLOW, OPT_COUNT, OPT_NO_KEYS,
	OPT_LISTEN, OPT_DIR, OPT_PRINT_HEAD, OPT_RULE, OPT_MAX_SIZE,
	OPT_REF, OPT_SINCE, OPT_UNTIL, OPT_AGAINST, OPT_THEN,
	OPT_ANCHOR, OPT_OLDER_THAN, OPT_PERSON, OPT_KEYS, OPT_ASIDE,
	OPT_MANUAL, OPT_RULES,
	OPT_KEYWORD,
	OPT_ALLOW,
	OPT_FORMAT, OPT_DRY_RUN, OPT_REJECTS, OPT_COLUMN, OPT_CLEAR, OPT_CERTIFICATE,
	OPTION_COUNT
};

struct option_row {
	const char *name;  /* without "--" */
	char letter;       /* 0 = none */
	const char *value; /* "FILE"; NULL = a flag */
	bool repeats;
	const char *help;
};
extern const struct option_row option_rows[OPTION_COUNT];

struct tool;
struct verb {
	const char *verb, *sub;   /* sub "" = none */
	const char *operands;     /* "ADDRESS", "[NAME]" */
	unsigned min, max;        /* operands */
	uint64_t options;         /* bits of option_id; the common ones are meant always */
	uint64_t needs;           /* of these, which must be given */
	const char *help;         /* one line */
	const char *more;         /* for `help VERB` and the manual; NULL = nothing */
	int (*run)(struct tool *t);
};
extern const struct verb verbs[];
extern const size_t verbs_count;

#define BIT(option) (1ull << (option))
#define COMMON_OPTIONS (BIT(OPT_CONFIG) | BIT(OPT_JSON) | BIT(OPT_HELP))

struct args {
	const struct verb *verb; /* NULL with .wants_help: the list of all */
	const char *help_word;   /* help for this verb's family; NULL = all */
	bool wants_help;
	const char *operands[OPERANDS_MAX];
	unsigned operand_count;
	struct {
		const char *at[REPEATS_MAX];
		unsigned count;
	} options[OPTION_COUNT];
};

/* ERR: what was wrong and what was expected; the caller adds where to find help. */
int args_parse(int argc, char *const *argv, struct args *ret, struct err *err) MUST_CHECK;
static inline bool has_option(const struct args *a, enum option_id o)
{
	return a->options[o].count > 0;
}
/* The option's value, NULL when not given. */
static inline const char *option(const struct args *a, enum option_id o)
{
	return a->options[o].count ? a->options[o].at[0] : NULL;
}

void help_all(FILE *out);
bool help_verb(FILE *out, const char *verb); /* false: no such verb */
void help_manual(struct buf *out);           /* optgate(1), mdoc */

struct tool {
	struct args args;
	FILE *in, *out, *err_out;
	bool prompts; /* a terminal is there to ask */
	struct config *config;
	struct ledger *ledger;
	bool ledger_writes;
	char actor[ACTOR_MAX + 1]; /* "user:anna" */
};

/* The whole program. */
int tool_main(int argc, char *const *argv);
/* With streams given: for tests. */
int tool_run(struct tool *t, int argc, char *const *argv);

/* ---- open.c ---- */

/* Each opens on first use; closed by tool_close. */
int need_config(struct tool *t, struct err *err) MUST_CHECK;
int need_ledger(struct tool *t, bool to_write, struct err *err) MUST_CHECK;
void tool_close(struct tool *t);
/* Root works as the owner of the data directory: what is written there must stay readable for the daemon. */
int become_owner(struct tool *t, struct err *err) MUST_CHECK;
const char *config_file(const struct tool *t);
/* The running daemon's answer, or OWN's when no daemon runs. */
typedef json_t *own_answer(struct tool *t, const json_t *question);
int ask(struct tool *t, const json_t *question, own_answer *own, json_t **ret, struct err *err) MUST_CHECK;

/* ---- parsing of operands and options; all say what was expected ---- */

int read_channel(const struct args *a, enum channel *ret, struct err *err) MUST_CHECK;
/* TEXT in the channel's canonical form: see ledger/address.h. */
int read_address(struct tool *t, enum channel c, const char *text, struct address *ret, struct err *err) MUST_CHECK;
/* The first operand. */
int read_person(struct tool *t, enum channel c, struct address *ret_address, struct person_key *ret, struct err *err) MUST_CHECK;
int read_when(const struct args *a, enum option_id o, int64_t *ret_ms, struct err *err) MUST_CHECK; /* a time, or a duration from now */
int read_count(const struct args *a, enum option_id o, uint64_t max, uint64_t fallback, uint64_t *ret, struct err *err) MUST_CHECK;
/* A scope that the settings know: a typing mistake would block nobody. */
int read_known_scope(struct tool *t, const char *name, struct scope *ret, struct err *err) MUST_CHECK;

/* A time or a duration before now; FALLBACK when not given. */
int read_past(const struct args *a, enum option_id o, int64_t fallback, int64_t *ret_ms, struct err *err) MUST_CHECK;

/* suppress.c: what suppress and consent verbs have in common, before the change and after it. NAME: where a domain or digest may be named
 * instead of a person; NULL = a person only. */
struct block_name;
int change_begin(struct tool *t, struct change *c, struct address *address, struct err *err) MUST_CHECK;
int change_begin_about(struct tool *t, struct change *c, struct address *address, struct block_name *name, struct err *err) MUST_CHECK;
int change_report(struct tool *t, const struct change *c, const char *what, const struct change_result *r, const char *done_word, const char *stood_word);

/* ROWS as columns of text. COLUMNS: names of members, ended by NULL; the first line says them. */
void print_objects(struct tool *t, const json_t *rows, const char *const *columns);
/* A global scope has an empty name; in text that would be a dash. */
void name_global(json_t *rows, const char *name);

/* key.c: the text of a DKIM record. */
void dkim_record(struct buf *out, const struct sign_key *key);

/* document.c: signed JSON. FILE is the key's in the key directory; made at first use. */
#define CERTIFICATE_KEY "certificate.pem"
#define RECEIPT_KEY     "receipt.pem"
int document_key(struct tool *t, const char *file, bool may_make, struct sign_key **ret, struct err *err) MUST_CHECK;
json_t *document_public_json(const struct sign_key *key); /* base64 of the 32 bytes */
int document_sign(struct tool *t, json_t *document, const char *file, struct err *err) MUST_CHECK;
/* Signed by FILE's key, or by that of PUBLIC_KEY (base64, as key list prints it), and unaltered? */
bool document_is_ours(struct tool *t, const json_t *document, const char *file, const char *public_key);

/* ---- print.c ---- */

int failed(struct tool *t, const struct err *err);                    /* says it; EXIT_FAILED */
int misuse(struct tool *t, const char *fmt, ...) PRINTF(2, 3);      /* says it and where to find help; EXIT_USAGE */
bool as_json(const struct tool *t);
void print_json(struct tool *t, json_t *o);                         /* takes over O */
/* Rows of texts under a title line, columns aligned; NULL title = none. */
struct grid;
struct grid *grid_new(unsigned columns);
void grid_row(struct grid *g, const char *const *cells);
void grid_print(struct grid *g, FILE *out);
void grid_free(struct grid **g);
const char *member(const json_t *o, const char *name, char scratch[64]); /* any scalar as text, "-" for none */
void print_safe(struct tool *t, const char *fmt, ...) PRINTF(2, 3); /* one line, without control bytes */

/* ---- the verbs ---- */

int run_suppress_add(struct tool *t);
int run_suppress_remove(struct tool *t);
int run_suppress_approve(struct tool *t);
int run_suppress_show(struct tool *t);
int run_suppress_list(struct tool *t);
int run_suppress_families(struct tool *t);
int run_allow_add(struct tool *t);
int run_allow_remove(struct tool *t);
int run_allow_list(struct tool *t);
int run_consent_grant(struct tool *t);
int run_consent_withdraw(struct tool *t);
int run_consent_show(struct tool *t);
int run_consent_receipt(struct tool *t);
int run_consent_verify(struct tool *t);
int run_person_corporate(struct tool *t);
int run_person_individual(struct tool *t);
int run_person_link(struct tool *t);
int run_person_unlink(struct tool *t);
int run_person_show(struct tool *t);
int run_wording_add(struct tool *t);
int run_wording_list(struct tool *t);
int run_wording_show(struct tool *t);
int run_explain(struct tool *t);
int run_optout(struct tool *t);
int run_explain_ref(struct tool *t);
int run_shadow_report(struct tool *t);
int run_replay(struct tool *t);
int run_queue(struct tool *t);
int run_journal_tail(struct tool *t);
int run_journal_verify(struct tool *t);
int run_journal_anchor(struct tool *t);
int run_journal_prune(struct tool *t);
int run_backup(struct tool *t);
int run_restore(struct tool *t);
int run_key_new(struct tool *t);
int run_key_rotate(struct tool *t);
int run_key_list(struct tool *t);
int run_client_add(struct tool *t);
int run_client_list(struct tool *t);
int run_client_remove(struct tool *t);
int run_admin_add(struct tool *t);
int run_admin_list(struct tool *t);
int run_admin_remove(struct tool *t);
int run_config_check(struct tool *t);
int run_config_show(struct tool *t);
int run_config_sample(struct tool *t);
int run_config_manual(struct tool *t);
int run_stats(struct tool *t);
int run_sink(struct tool *t);
int run_classify(struct tool *t);
int run_import(struct tool *t);
int run_import_formats(struct tool *t);
int run_import_list(struct tool *t);
int run_import_undo(struct tool *t);
int run_import_approve(struct tool *t);
int run_export(struct tool *t);
int run_screen(struct tool *t);
int run_screen_verify(struct tool *t);
int run_version(struct tool *t);
int run_help(struct tool *t);
