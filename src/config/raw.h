/* The settings file as C structs, checked value by value, before any room's settings are made from it. Everything lives in .arena. */
#pragma once

#include "base/mem.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/ledger.h"

#define CONFIG_FILE_MAX  (4u << 20)
#define CONFIG_ARENA_MAX (64u << 20)

struct place { /* where it was written, for messages */
	const char *file;
	unsigned line;
};

struct raw_text {
	const char *s; /* NULL = not given and no default */
	struct place at;
};

struct raw_list {
	void *at;
	unsigned count;
};

struct raw_dkim {
	struct raw_text domain, selector, key_file;
};

struct raw_topic {
	struct raw_text name, title;
	bool hidden;
};

struct raw_stream {
	struct raw_text name, title, list_id;
	int64_t class, accepts, corporate_accepts, refusal, tripwire;
	bool cfbl, keep_unsubscribe, shadow, pass_through;
	struct raw_list topics; /* raw_topic */
};

struct raw_form {
	struct raw_text name, brand, title, wording_file, version, privacy_url, privacy_version;
	struct raw_list purposes; /* raw_text */
	int64_t confirm_within_ms;
};

struct raw_reach {
	struct raw_text note;
	int64_t reasons, classes, scopes;
	bool blocks;
};

struct raw_brand {
	struct raw_list reach; /* raw_reach */
	struct raw_text style_file, frame_file, notice_from, notice_stream;
	struct raw_text name, title, bounce_domain, public_url, country;
	struct raw_list from_domains, folding, role_names; /* raw_text */
	bool cfbl;
	int64_t mails_roles, refuses_typos;
	int64_t evidence, life_months[BASIS_LEGAL_OBLIGATION + 1], enquiry_months;
	struct raw_list dkim;         /* raw_dkim */
	struct raw_list streams;      /* raw_stream */
};

struct raw_client {
	struct raw_text name, brand, stream;
	struct raw_list streams, networks; /* raw_text */
	bool plain_auth;
	int64_t max_connections, max_messages_per_minute, max_recipients_per_minute;
	int64_t refusal;
};

struct raw_domain_group {
	struct raw_text name;
	struct raw_list domains; /* raw_text */
};

struct raw_match {
	struct raw_list streams, domains; /* raw_text */
};

struct raw_route_hop {
	struct raw_text name;
	int64_t priority, weight;
};

struct raw_route {
	struct raw_text name, rate;
	struct raw_match match;
	struct raw_list hops; /* raw_route_hop */
	int64_t burst;
};

struct raw_throttle {
	struct raw_text name, rate, warm_up_from;
	struct raw_match match;
	struct raw_list warm_up; /* raw_text */
	bool each_domain;
	int64_t burst;
};

struct raw_hop {
	struct raw_text source;
	bool tls_from_start;
	struct raw_text name, host, tls_name, ca_file, user, password_file;
	int64_t port, tls, connections, messages_per_connection, idle_ms, connect_timeout_ms, attempt_timeout_ms;
};

struct raw_submission {
	struct raw_list listen, tls_listen, proxy_networks, xclient_networks; /* raw_text */
	int64_t proxy_listeners;
	struct raw_text tls_certificate, tls_key;
	int64_t workers, max_connections, max_connections_per_ip, max_errors, max_commands;
	int64_t idle_timeout_ms, data_timeout_ms, session_timeout_ms, min_data_rate;
	int64_t max_message_bytes, max_recipients, max_received, memory_bytes;
};

struct raw_doors {
	struct raw_list policy_listen, milter_listen, networks; /* raw_text */
	struct raw_text client;
	int64_t unknown, workers, max_connections, idle_timeout_ms;
};

struct raw_public {
	struct raw_text listen, url, tls_certificate, tls_key;
	struct raw_list trusted_proxies; /* raw_text */
	int64_t threads, max_connections, max_connections_per_ip, timeout_ms, max_body_bytes;
};

struct raw_admin {
	struct raw_text listen, tls_certificate, tls_key;
	bool plain;
	int64_t threads, max_connections, timeout_ms, max_body_bytes;
};

struct raw_webhook {
	struct raw_text name, stream, key_file, certificates;
	int64_t provider;
};

struct raw_tool_links {
	struct raw_list hosts, private_hosts; /* raw_text */
	struct raw_text ca_file;
	int64_t wait_ms, retry_first_ms, retry_max_ms, give_up_ms, timeout_ms, max_items;
};

struct raw_ledger {
	int64_t map_bytes, max_readers, batch, load_rows;
};

struct raw_spool {
	int64_t segment_bytes, max_bytes, min_free_bytes, max_items, checkpoint_records;
};

struct raw_decisions {
	int64_t keep_ms, max_bytes;
};

struct raw_reports {
	struct raw_list listen, complaint_addresses; /* raw_text */
	struct raw_text own_rules, resolver;
	int64_t keep_ms, soft_days, soft_window_ms;
	int64_t max_connections, max_message_bytes, max_received, idle_timeout_ms;
	bool trust_addresses, verify_complaints;
};

struct raw_tripwire {
	int64_t recipients, window_ms;
};

struct raw_breaker {
	int64_t pause, stop, minimum, window_ms, pause_ms;
};

struct raw_delivery {
	struct raw_breaker breaker;
	int64_t pass_timeout_ms;
	struct raw_list next_hops; /* raw_hop */
	struct raw_list domain_groups, routes, throttles; /* raw_domain_group, raw_route, raw_throttle */
	int64_t expire_class_ms[4]; /* by enum mail_class */
	int64_t retry_first_ms, retry_max_ms, expire_ms;
};

struct raw {
	struct arena arena;
	struct raw_text data_dir, hostname;
	int64_t log_level, drain_ms;
	struct raw_submission submission;
	struct raw_doors doors;
	struct raw_public public;
	struct raw_admin admin;
	struct raw_tool_links tool_links;
	struct raw_ledger ledger;
	struct raw_spool spool;
	struct raw_delivery delivery;
	struct raw_decisions decisions;
	struct raw_tripwire tripwire;
	struct raw_reports reports;
	struct raw_list brands;  /* raw_brand */
	struct raw_list clients; /* raw_client */
	struct raw_list forms;   /* raw_form */
	struct raw_list webhooks; /* raw_webhook */
};

/* Called for every setting once its value is known: NAME with list indices ("brands[0].name"), VALUE in the file's own syntax. */
struct setting;
struct raw_visitor {
	void (*seen)(void *arg, const char *name, const struct setting *row, const char *value, bool is_default);
	void *arg;
};

/* Pure: TEXT is the file's content, FILE its name for messages and the folder that @include is relative to. VISITOR may be NULL.
 * Names, types, ranges, required settings and duplicates are checked; references between settings are policy.c's and rooms.c's part. */
int raw_parse(struct raw *ret, const char *file, struct view text, const struct raw_visitor *visitor, struct err *err) MUST_CHECK;
void raw_free(struct raw *r);

/* "file:line: name: " and what was expected. */
int raw_wrong(struct err *err, const struct place *at, const char *name, const char *fmt, ...) PRINTF(4, 5);
