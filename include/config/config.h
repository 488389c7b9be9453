/* Settings: one table of names, types, ranges, defaults and manual text (config/table.c). From it come the parser, `config show`,
 * the sample conf/optgate.conf and the manual page, so they cannot disagree. Each room's settings struct is filled here; rooms never see a file.
 * A wrong file is told as "file:line: name: what was expected". */
#pragma once

#include "callout/callout.h"
#include "compose/compose.h"
#include "decisions/decisions.h"
#include "delivery/delivery.h"
#include "doors/doors.h"
#include "inbound/inbox.h"
#include "intake/intake.h"
#include "smtp/server.h"
#include "web/admin.h"

struct config {
	char *file;
	char *data_dir;
	enum log_word { CONFIG_LOG_ERROR = 3, CONFIG_LOG_WARNING = 4, CONFIG_LOG_INFO = 6, CONFIG_LOG_DEBUG = 7 } log_level;
	char *hostname;
	char **submission_listen, **submission_tls_listen;
	size_t submission_listen_count, submission_tls_listen_count;
	char *tls_certificate, *tls_key; /* both or neither */
	char *public_listen;
	char *admin_listen; /* NULL: none */
	int64_t drain_ms;
	/* inside of the data directory */
	char *ledger_dir, *spool_dir, *key_dir, *decisions_dir;
	char *control_path;  /* the daemon's socket: control/control.h */
	char *holds_file;    /* delivery/holds.h */
	char *password_file; /* config/passwords.h */
	char *admin_key_file; /* the same form; web/admin.h */
	struct ledger_settings ledger;
	struct spool_settings spool;
	char *callout_dir;
	struct spool_settings callout_queue;
	struct decisions_settings decisions; /* .keep_ms 0: none are kept */
	struct smtp_settings smtp;
	char **reports_listen; /* none: no listener for reports */
	size_t reports_listen_count;
	struct smtp_settings reports_smtp;
	char *reports_dir;
	unsigned soft_window_days;
	struct doors_limits doors_limits;
	struct doors_listener *doors_listeners;
	size_t doors_listener_count; /* 0: no doors */
	struct web_limits web, admin;
	/* The reloadable parts. Each has one reference, config's; a room that takes one over gets that reference: set it NULL here then.
	 * References among them (intake holds policy...) are their own. */
	struct policy *policy;
	struct intake_settings *intake;
	struct compose_settings *compose;   /* NULL without keys */
	struct delivery_settings *delivery; /* NULL without keys */
	struct inbox_settings *inbox;       /* NULL without keys */
	struct web_settings *web_settings;  /* NULL without keys */
	struct callout_settings *callout;   /* NULL without keys */
	struct doors_settings *doors;       /* NULL without keys */
};

/* Reads and checks everything. WITH_KEYS: makes the data directory and what belongs into it, loads DKIM keys, token keys and password hashes.
 * Without: for tools that only need names (config check on another machine). */
int config_load(struct config **ret, const char *file, bool with_keys, struct err *err) MUST_CHECK;
void config_free(struct config **c);

/* The data directory and the directories in it, mode 0700, unless they are there. */
int config_make_dirs(const struct config *c, struct err *err) MUST_CHECK;
#define CONFIG_PATH_MAX 1400
/* What dkim[].selector may be; ERR_SYNTAX says what was expected. */
int config_selector_check(const char *selector, struct err *err) MUST_CHECK;
/* Where a DKIM key is kept when the settings don't say. */
int config_dkim_path(const struct config *c, const char *domain, const char *selector, char dst[CONFIG_PATH_MAX], struct err *err) MUST_CHECK;

void config_write_sample(struct buf *out);             /* conf/optgate.conf */
void config_write_manual(struct buf *out);             /* optgate.conf(5), mdoc */
int config_show(const char *file, bool json, struct buf *out, struct err *err) MUST_CHECK; /* every setting with its value and whether it is the default */
