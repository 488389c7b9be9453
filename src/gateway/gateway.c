/* The rooms in their order. Each row of `rooms` starts one and stops one; what starts last stops first, but for the two
 * that must go on longest: the public listener answers opt-outs until the relay is drained (promise 10), the ledger closes last.
 *
 *   log ─▶ ledger ─▶ spool ─▶ decisions ─▶ intake ─▶ inbox ─▶ admin ─▶ callout ─▶ web ─▶ delivery ─▶ submission ─▶ reports ─▶ doors ─▶ control ─▶ ready
 *
 * A failed start stops what had been started. A failed reload keeps the settings that run. */
#include "gateway/gateway.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "delivery/pass.h"
#include "gateway_internal.h"

static int start_log(struct gateway *g, struct err *err)
{
	log_set_level((enum log_level)g->config->log_level);
	return log_start(err);
}

static void stop_log(struct gateway *g)
{
	(void)g;
	log_stop();
}

static int start_ledger(struct gateway *g, struct err *err)
{
	return ledger_open(&g->ledger, &g->config->ledger, g->clock, err);
}

static void stop_ledger(struct gateway *g)
{
	ledger_close(&g->ledger);
}

static int start_spool(struct gateway *g, struct err *err)
{
	return spool_open(&g->spool, &g->config->spool, g->clock, err);
}

static void stop_spool(struct gateway *g)
{
	spool_close(&g->spool);
}

static int start_decisions(struct gateway *g, struct err *err)
{
	if (!g->config->decisions.keep_ms)
		return 0;
	return decisions_open(&g->decisions, &g->config->decisions, g->clock, err);
}

static void stop_decisions(struct gateway *g)
{
	decisions_close(&g->decisions);
}

static int start_intake(struct gateway *g, struct err *err)
{
	(void)err;
	g->intake = intake_new(g->ledger, g->spool, g->clock);
	intake_record(g->intake, g->decisions);
	intake_use(g->intake, g->config->intake);
	g->config->intake = NULL;
	return 0;
}

static void stop_intake(struct gateway *g)
{
	intake_free(&g->intake);
}

static int start_web(struct gateway *g, struct err *err)
{
	if (!g->config->public_listen)
		return 0;
	struct web_settings *s = g->config->web_settings;
	if (gateway_keep_wordings(g, s, err) < 0)
		return -1;
	g->config->web_settings = NULL;
	const struct web_mailer mailer = {
	    .send = g->spool ? gateway_send_notice : NULL, .opted_out = g->callout ? gateway_opted_out : NULL, .arg = g};
	return web_start(&g->web, g->config->public_listen, &g->config->web, g->ledger, g->clock, &mailer, s, err);
}

static void stop_web(struct gateway *g)
{
	if (g->web)
		web_stop(&g->web, clock_mono(g->clock) + g->config->drain_ms);
}

/* Before anybody else sees them. */
static struct delivery_settings *listen_to(struct gateway *g, struct delivery_settings *s)
{
	s->report = gateway_report;
	s->report_arg = g;
	s->holds = g->holds;
	return s;
}

/* From intake's hands into delivery's. */
static void pass_on(void *arg, const struct intake_passing *p)
{
	const struct gateway *g = arg;
	const struct pass_mail m = {.id = p->id, .envelope = p->envelope, .recipient = p->recipient, .message = p->message, .lane = p->lane,
	    .done = p->done, .arg = p->arg};
	delivery_pass(g->delivery, &m);
}

static int start_delivery(struct gateway *g, struct err *err)
{
	if (holds_open(&g->holds, g->config->holds_file, err) < 0)
		return -1;
	struct delivery_settings *s = listen_to(g, g->config->delivery);
	g->config->delivery = NULL;
	int rc = delivery_start(&g->delivery, g->spool, g->ledger, g->clock, s, err);
	if (rc < 0)
		holds_free(&g->holds);
	else
		intake_pass_to(g->intake, pass_on, g);
	return rc;
}

static void stop_delivery(struct gateway *g)
{
	delivery_stop(&g->delivery, clock_mono(g->clock) + g->config->drain_ms);
	holds_free(&g->holds);
}

static int load_tls(const struct config *c, struct tls_server **ret, struct err *err)
{
	*ret = NULL;
	if (!c->tls_certificate)
		return 0;
	return tls_server_new(ret, c->tls_certificate, c->tls_key, err);
}

static int start_submission(struct gateway *g, struct err *err)
{
	struct config *c = g->config;
	struct tls_server *tls;
	if (load_tls(c, &tls, err) < 0)
		return -1;
	int rc = smtp_server_start(&g->smtp, &c->smtp, (const char *const *)c->submission_listen, c->submission_listen_count,
	    (const char *const *)c->submission_tls_listen, c->submission_tls_listen_count, tls, &intake_verbs, g->intake, g->clock, err);
	tls_server_free(&tls);
	return rc;
}

static void stop_submission(struct gateway *g)
{
	intake_drain(g->intake);
	smtp_server_drain(g->smtp, clock_mono(g->clock) + g->config->drain_ms);
	delivery_pass_stop(g->delivery);
	smtp_server_stop(&g->smtp);
}

static int start_doors(struct gateway *g, struct err *err)
{
	const struct config *c = g->config;
	if (!c->doors_listener_count)
		return 0;
	struct doors_settings *s = g->config->doors;
	g->config->doors = NULL;
	return doors_start(&g->doors, &c->doors_limits, c->doors_listeners, c->doors_listener_count, g->intake, g->clock, s, err);
}

static void stop_doors(struct gateway *g)
{
	doors_stop(&g->doors);
}

static int start_control(struct gateway *g, struct err *err)
{
	return control_start(&g->control, g->config->control_path, gateway_answer, g, err);
}

static void stop_control(struct gateway *g)
{
	control_stop(&g->control);
}

static const struct room {
	const char *name;
	unsigned parts; /* that need it */
	int (*start)(struct gateway *g, struct err *err);
	void (*stop)(struct gateway *g);
} rooms[] = {
    {"log", GATEWAY_ALL, start_log, stop_log},
    {"ledger", GATEWAY_ALL, start_ledger, stop_ledger},
    {"spool", GATEWAY_RELAY, start_spool, stop_spool},
    {"decisions", GATEWAY_RELAY, start_decisions, stop_decisions},
    {"intake", GATEWAY_RELAY, start_intake, stop_intake},
    {"inbox", GATEWAY_RELAY, start_inbox, stop_inbox},
    {"admin", GATEWAY_RELAY, start_admin, stop_admin},
    {"callout", GATEWAY_WEB, start_callout, stop_callout},
    {"web", GATEWAY_WEB, start_web, stop_web},
    {"delivery", GATEWAY_RELAY, start_delivery, stop_delivery},
    {"submission", GATEWAY_RELAY, start_submission, stop_submission},
    {"reports", GATEWAY_RELAY, start_reports, stop_reports},
    {"doors", GATEWAY_RELAY, start_doors, stop_doors},
    {"control", GATEWAY_RELAY, start_control, stop_control},
};
#define ROOM_COUNT (sizeof rooms / sizeof *rooms)

static void stop_rooms(struct gateway *g, size_t started)
{
	while (started--)
		if (rooms[started].parts & g->part)
			rooms[started].stop(g);
}

static int start_rooms(struct gateway *g, struct err *err)
{
	for (size_t i = 0; i < ROOM_COUNT; i++)
		if (rooms[i].parts & g->part && rooms[i].start(g, err) < 0) {
			err_prefix(err, "%s cannot be started", rooms[i].name);
			stop_rooms(g, i);
			return -1;
		}
	return 0;
}

static int reload_relay(struct gateway *g, struct config *fresh, struct err *err)
{
	struct tls_server *tls;
	if (load_tls(fresh, &tls, err) < 0)
		return -1;
	if (tls)
		smtp_server_use_tls(g->smtp, tls);
	tls_server_free(&tls);
	intake_use(g->intake, fresh->intake);
	delivery_use(g->delivery, listen_to(g, fresh->delivery));
	inbox_use(g->inbox, fresh->inbox);
	fresh->inbox = NULL;
	fresh->intake = NULL;
	fresh->delivery = NULL;
	if (g->doors) {
		doors_use(g->doors, fresh->doors);
		fresh->doors = NULL;
	}
	return 0;
}

/* Everything that may change while running goes to its room at once; the rest (ports, directories, limits of listeners)
 * waits for a restart, and says so in the manual. */
static int reload(struct gateway *g, struct err *err)
{
	struct config *fresh;
	if (config_load(&fresh, g->config->file, true, err) < 0)
		return -1;
	if (g->web && gateway_keep_wordings(g, fresh->web_settings, err) < 0) {
		config_free(&fresh);
		return -1;
	}
	if (g->part & GATEWAY_RELAY && reload_relay(g, fresh, err) < 0) {
		config_free(&fresh);
		return -1;
	}
	if (g->admin)
		web_use(g->admin, web_settings_hold(fresh->web_settings));
	reload_callout(g, fresh);
	if (g->web) {
		web_use(g->web, fresh->web_settings);
		fresh->web_settings = NULL;
	}
	log_set_level((enum log_level)fresh->log_level);
	config_free(&fresh);
	return 0;
}

static void on_hangup(struct gateway *g)
{
	struct err err;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono(g->clock) * 1000);
	if (reload(g, &err) < 0)
		log_event(LOG_LEVEL_ERROR, "gateway.reload.fail", "why=\"%s\" kept=\"the settings that run\"", err.text);
	else
		log_event(LOG_LEVEL_INFO, "gateway.reload", "file=%s", g->config->file);
	sd_notify(0, "READY=1");
}

static void say_doors(struct gateway *g)
{
	static const char *const names[DOORS] = {[DOOR_POLICY] = "policy", [DOOR_MILTER] = "milter"};
	struct endpoint at;
	for (size_t i = 0; g->doors && doors_address(g->doors, i, &at); i++) {
		char text[ENDPOINT_TEXT];
		endpoint_text(&at, text);
		log_event(LOG_LEVEL_INFO, "gateway.door", "%s=%s", names[g->config->doors_listeners[i].door], text);
	}
}

static void say_ready(struct gateway *g)
{
	struct endpoint at[16];
	char submission[16 * ENDPOINT_TEXT] = "", public[ENDPOINT_TEXT] = "-";
	size_t n = g->smtp ? smtp_server_addresses(g->smtp, at, 16) : 0;
	for (size_t i = 0; i < n && i < 16; i++) {
		size_t used = strlen(submission);
		char one[ENDPOINT_TEXT];
		endpoint_text(&at[i], one);
		snprintf(submission + used, sizeof submission - used, "%s%s", used ? "," : "", one);
	}
	if (g->web && web_address(g->web, &at[0]) == 0)
		endpoint_text(&at[0], public);
	log_event(LOG_LEVEL_INFO, "gateway.ready", "submission=%s public=%s data=%s pid=%ld", n ? submission : "-", public, g->config->data_dir, (long)getpid());
	sd_notifyf(0, "READY=1\nSTATUS=submission %s, public %s", submission, public);
}

/* Signals are blocked in all threads and waited for here. */
static void wait_for_signals(struct gateway *g, const sigset_t *set)
{
	for (;;) {
		int sig = 0;
		if (sigwait(set, &sig) != 0)
			continue;
		if (sig == SIGHUP) {
			on_hangup(g);
			continue;
		}
		log_event(LOG_LEVEL_INFO, "gateway.drain", "signal=%d at_most_ms=%" PRId64, sig, g->config->drain_ms);
		sd_notify(0, "STOPPING=1\nSTATUS=draining");
		return;
	}
}

/* Before any thread: signals, files that nobody else may read, enough descriptors, and no home for libraries to look into. */
static void prepare_process(sigset_t *waited)
{
	sigemptyset(waited);
	sigaddset(waited, SIGHUP);
	sigaddset(waited, SIGTERM);
	sigaddset(waited, SIGINT);
	pthread_sigmask(SIG_BLOCK, waited, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int gateway_run(const char *config_file, enum gateway_part part, struct err *err)
{
	sigset_t waited;
	prepare_process(&waited);
	struct gateway g = {.clock = &clock_system, .part = part};
	if (config_load(&g.config, config_file, true, err) < 0)
		return -1;
	gateway_fit_descriptors(g.config);
	int rc = start_rooms(&g, err);
	if (rc == 0) {
		say_doors(&g);
		say_ready(&g);
		wait_for_signals(&g, &waited);
		stop_rooms(&g, ROOM_COUNT);
	}
	config_free(&g.config);
	return rc;
}
