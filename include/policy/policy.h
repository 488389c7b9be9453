/* Who may be sent what: brands, streams, classes, and the rules in their order. A policy is frozen once made (settings on reload
 * make another one) and shared by reference. */
#pragma once

#include "base/shared.h"
#include "ledger/blocks.h"

enum mail_class { CLASS_MARKETING = 1, CLASS_SERVICE, CLASS_LEGAL };
const char *mail_class_word(enum mail_class c);
enum mail_class mail_class_of(struct view word);

struct topic {
	char *name, *title;
	bool hidden; /* not offered on recipients' pages (staff, tests); opt-outs reach it like any other */
	struct scope scope;
};

/* What a client is told of a recipient that may not be sent this. */
enum refusal_way {
	REFUSAL_UNSET,  /* of a stream: refuse; of a client: what the stream says */
	REFUSAL_REFUSE, /* 550 */
	REFUSAL_DROP,   /* yes, and the recipient is not kept: for tools that choke on a refusal */
	REFUSAL_HOLD,   /* yes, and kept for a person to look at; released, it is judged again */
};
/* What becomes of mail of another class that looks like marketing. */
enum tripwire { TRIPWIRE_OFF, TRIPWIRE_REPORT, TRIPWIRE_HOLD, TRIPWIRE_MARKETING };

struct brand;
struct stream {
	char *name, *title;
	const struct brand *brand;
	enum mail_class class;
	unsigned accepts;      /* bit (1 << basis) for each basis of which one must be on record; 0 = none is asked for */
	unsigned corporate_accepts; /* further ones that will do where the person is a corporate subscriber */
	char *list_id;         /* "offers.lists.example.com"; NULL = none */
	bool pass_through;     /* handed to the next hop while the client waits for its answer; never queued */
	bool cfbl;             /* complaint addresses, where the brand has them (marketing only) */
	bool keep_unsubscribe; /* keep the tool's own List-Unsubscribe instead of ours (service class only) */
	enum refusal_way refusal;
	enum tripwire tripwire; /* not for marketing */
	bool shadow;           /* on trial: only what is_firm (rules.c) says blocks, the rest is allowed and marked */
	struct topic *topics;
	unsigned topic_count;
	struct scope scope;
};

/* What a brand's settings say of one cell of the verdict table (src/policy/reach.c): bit (1 << mail_class) for each class that suppressions of
 * a reason, made at a level, reach beside those of the shipped table, or reach no longer. */
struct reach_change {
	uint8_t wider, narrower;
};

struct brand {
	char *name, *title;
	char **from_domains; /* canonical; a From domain must be one of them or lie below one */
	unsigned from_domain_count;
	char *bounce_domain; /* domain of VERP return paths, mailto opt-outs and complaint addresses */
	bool cfbl;           /* marketing carries CFBL-Address (RFC 9477) */
	char *country;       /* calling code ("44") that national telephone numbers are read by; NULL = they are refused */
	char *public_url;    /* "https://u.example.com", no slash at the end */
	struct stream *streams;
	unsigned stream_count;
	char **folding;    /* providers' domains: there, what is said of one form of an address blocks all its forms (mail/fold.h) */
	unsigned folding_count;
	bool mails_roles;  /* marketing may go to role accounts (RULE_ROLE) */
	char **role_names; /* local parts of role accounts; none: those of src/policy/role.c */
	unsigned role_name_count;
	unsigned evidence;       /* bit (1 << evidence_part) for each part that a grant of basis consent must have */
	unsigned life_months[BASIS_LEGAL_OBLIGATION + 1]; /* of a grant by its basis, in calendar months since it was given; 0 = no end */
	unsigned enquiry_months; /* the same of a soft opt-in that rests on an enquiry alone */
	bool refuses_typos; /* marketing to mistyped domains (RULE_TYPO) */
	struct reach_change reach[REASON_ERASURE + 1][SCOPE_TOPIC + 1];
	struct scope scope;
};

struct policy {
	struct shared shared;
	struct brand *brands;
	unsigned brand_count;
};

void policy_free(struct shared *p);
const struct brand *policy_brand(const struct policy *p, struct view name);
const struct stream *brand_stream(const struct brand *b, struct view name);
const struct topic *stream_topic(const struct stream *s, struct view name);
/* "acme/offers". */
const struct stream *policy_stream(const struct policy *p, struct view brand_slash_stream);
/* The stream whose scope id is ID, of any brand; NULL. */
const struct stream *policy_stream_by_id(const struct policy *p, const uint8_t id[SCOPE_ID_BYTES]);
/* By whose calling code a national number is read at this scope: the brand's; at no brand's, the one of all brands if they have the same. Empty:
 * by none. */
struct view policy_country(const struct policy *p, const struct scope *scope);
/* What the brand of this purpose demands of a consent (struct change, .demands). */
unsigned policy_demands(const struct policy *p, const struct scope *purpose);
bool brand_owns_domain(const struct brand *b, struct view domain);
/* Do all forms of this canonical address count as one for the brand? */
bool brand_folds(const struct brand *b, struct view address);
/* Is it a role's (abuse@, postmaster@: RFC 2142) and not a person's? */
bool brand_is_role(const struct brand *b, struct view address);
/* Is its domain a large provider's, mistyped? */
bool domain_is_typo(struct view address);

/* The verdict table as the brand has it: does a suppression of this reason, made at this level, speak against mail of this class? */
bool brand_reaches(const struct brand *b, enum reason r, enum scope_level level, enum mail_class c);
/* May a brand's settings take this class out of the reason's reach? NULL: yes; else why not. Any cell may be made to block. */
const char *reach_firm_why(enum reason r, enum mail_class c);

enum verdict_kind { VERDICT_ALLOW, VERDICT_SUPPRESS, VERDICT_DEFER };

/* verdict.rule names the row of the rules that answered. Values are kept in the decision log: never renumber. */
enum rule {
	RULE_NONE,            /* nothing spoke against it */
	RULE_LEDGER,          /* the ledger can't be read: defer (promise 3) */
	RULE_SUPPRESSION,     /* a suppression reaches this class and scope */
	RULE_WITHDRAWN,       /* consent for this purpose was withdrawn, and no newer grant stands */
	RULE_NO_BASIS,        /* the stream asks for a basis and none is on record, or it has expired */
	RULE_ROLE,            /* marketing for a role account, and nobody there has given consent */
	RULE_TYPO,            /* marketing for a mistyped domain, and nobody there has given consent */
	RULE_COUNT,
};
const char *rule_word(enum rule r);      /* "suppression" */
const char *rule_sentence(enum rule r);  /* for a person */

/* A row reaches a question when its scope is global or is the question's brand, stream or topic: a row about a topic says nothing on
 * the stream asked as a whole. Which reason reaches which class is one table (src/policy/reach.c), tried out line by line in
 * tests/unit/policy_cases.txt. Withdrawals reach marketing, and any stream that asks for a basis; only a later grant of basis `consent` for
 * the same purpose or a narrower one lifts them.
 *
 * Rows of the address's domain, of the domains above it and of its digests count as the person's own do; where the brand folds its provider,
 * so do suppressions (nothing else) of the address's other forms. An allow row that reaches the question lets a seed or test address pass
 * where no basis is on record and where a stop by hand, a bounce or its being a role account speaks against it (.lifted of reach.c). What a
 * person, a register or the law has said it never lifts: objection, complaint, unsubscribe, erasure, register, legal, withdrawal. */
struct question {
	const struct stream *stream;
	const struct topic *topic; /* NULL = the stream as a whole */
	enum channel channel;
	struct person_key who;
	struct view address; /* canonical; what is said of addresses by their domain, form or digest is matched by it. May be empty when only
	                        the key is known (a token): then the ledger's own record of the person is asked, if there is one */
	int64_t now_ms;
};

struct verdict {
	enum verdict_kind kind;
	enum rule rule;
	enum reason reason;      /* with RULE_SUPPRESSION */
	enum scope_level level;  /* where it was said */
	uint64_t seq;            /* journal entry of the row that decided; 0 = none */
	bool shadow;             /* with VERDICT_ALLOW: the stream is on trial; .rule and the rest say what would have spoken against it */
	uint64_t allow_seq;      /* entry of an allow row that reaches the question; 0 = none. Limits on being kind don't hold for it */
};
const char *verdict_word(enum verdict_kind k); /* allow, suppress, defer */

/* Whom the ledger is asked about: the person, and by their address whatever else counts for this question. */
struct asked policy_asked(const struct question *q);

/* The same question put to the ledger as it was when LAST_SEQ was its last entry, as far as today's rows tell: what came later does not
 * count; GONE are rows about this person or address that have been removed since (.reason 0: allow rows). Consents count by their times. */
struct verdict policy_decide_then(
    struct ledger *l, const struct question *q, uint64_t last_seq, const struct suppression_row *gone, size_t gone_count);

/* Never fails: what can't be known is VERDICT_DEFER. A few microseconds, no allocation. */
struct verdict policy_decide(struct ledger *l, const struct question *q);

/* The stable word for a refusal: the reason's word, or "no-consent", "withdrawn", "role-account", "typo-domain", "unavailable". */
const char *verdict_reason_word(const struct verdict *v);

/* Explanation: every row looked at and what it means for this question. */
struct finding {
	enum rule rule;
	bool decides;                 /* this is the one that the verdict names */
	bool blocks;                  /* speaks against sending */
	const struct suppression *suppression; /* one of these, or none */
	const struct consent *consent;
	int64_t ends_ms;              /* when the consent's grant ends or has ended, also by the life of its basis; 0 = never */
	const struct suppression *allow;
	struct view about;            /* whose row it is when not the person's: "@example.com"; empty */
	bool by_settings;             /* the brand's own verdict table says so, not the shipped one */
	const char *why;              /* "unsubscribe does not reach service mail" */
};
struct explanation {
	struct verdict verdict;
	struct finding *findings;
	unsigned count;
};
int policy_explain(struct ledger *l, const struct question *q, struct arena *arena, struct explanation *ret, struct err *err) MUST_CHECK;
