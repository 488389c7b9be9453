/* file -> raw -> rooms' settings, in order. A half-built config is freed whole. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "config/passwords.h"
#include "mail/address.h"
#include "table.h"

char *text_dup(const struct raw_text *t)
{
	return mem_strdup(t->s);
}

char *path_dup(const struct config *c, const struct raw_text *t)
{
	const char *slash = strrchr(c->file, '/');
	if (!t->s || t->s[0] == '/' || !slash)
		return text_dup(t);
	size_t dir = (size_t)(slash - c->file) + 1, size = dir + strlen(t->s) + 1;
	char *path = mem_alloc(size);
	snprintf(path, size, "%.*s%s", (int)dir, c->file, t->s);
	return path;
}

void shared_begin(struct shared *s, void (*free_value)(struct shared *))
{
	atomic_store(&s->refs, 1);
	s->free = free_value;
}

char *path_below(const char *dir, const char *name)
{
	char *path = mem_alloc(strlen(dir) + strlen(name) + 2);
	snprintf(path, strlen(dir) + strlen(name) + 2, "%s/%s", dir, name);
	return path;
}

int config_dkim_path(
    const struct config *c, const char *domain, const char *selector, char dst[CONFIG_PATH_MAX], struct err *err)
{
	int n = snprintf(dst, CONFIG_PATH_MAX, "%s/dkim/%s.%s.pem", c->key_dir, domain, selector);
	return n < 0 || n >= CONFIG_PATH_MAX ? err_set(err, ERR_LIMIT, "%s/dkim/...: path too long", c->key_dir) : 0;
}

int config_selector_check(const char *selector, struct err *err)
{
	return check_selector(view_of(selector), err);
}

int config_make_dirs(const struct config *c, struct err *err)
{
	char *dkim = path_below(c->key_dir, "dkim");
	const char *const dirs[] = {c->data_dir, c->key_dir, dkim, c->ledger_dir, c->spool_dir};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof dirs / sizeof *dirs; i++)
		rc = dir_make(dirs[i], 0700, err);
	free(dkim);
	return rc;
}

/* ---- what is no more than a copy ---- */

char **copy_texts(const struct raw_list *l, size_t *ret_count)
{
	char **texts = mem_zero((l->count + 1) * sizeof *texts);
	for (unsigned i = 0; i < l->count; i++)
		texts[i] = text_dup(text_at(l, i));
	*ret_count = l->count;
	return texts;
}

struct network *copy_networks(const struct raw_list *l, unsigned *ret_count)
{
	struct network *networks = mem_zero((l->count + 1) * sizeof *networks);
	for (unsigned i = 0; i < l->count; i++)
		ALWAYS(network_parse(text_at(l, i)->s, &networks[i], NULL) == 0);
	*ret_count = l->count;
	return networks;
}

static char *system_hostname(void)
{
	char name[256] = "", canonical[DOMAIN_MAX + 1];
	gethostname(name, sizeof name - 1);
	return mem_strdup(domain_canonical(view_of(name), canonical, NULL) == 0 ? canonical : "localhost");
}

static void copy_submission(struct config *c, const struct raw_submission *r)
{
	c->submission_listen = copy_texts(&r->listen, &c->submission_listen_count);
	c->submission_tls_listen = copy_texts(&r->tls_listen, &c->submission_tls_listen_count);
	c->tls_certificate = path_dup(c, &r->tls_certificate);
	c->tls_key = path_dup(c, &r->tls_key);
	c->smtp = (struct smtp_settings){.hostname = c->hostname,
	    .workers = (unsigned)r->workers,
	    .max_connections = (unsigned)r->max_connections,
	    .max_connections_per_ip = (unsigned)r->max_connections_per_ip,
	    .max_errors = (unsigned)r->max_errors,
	    .max_commands = (unsigned)r->max_commands,
	    .idle_timeout_ms = r->idle_timeout_ms,
	    .data_timeout_ms = r->data_timeout_ms,
	    .min_data_rate = (unsigned)r->min_data_rate,
	    .session_timeout_ms = r->session_timeout_ms};
	c->smtp.proxy_on = r->proxy_listeners ? (unsigned)r->proxy_listeners : PROXY_ON_LISTEN | PROXY_ON_TLS_LISTEN;
	c->smtp.proxy_networks = copy_networks(&r->proxy_networks, &c->smtp.proxy_network_count);
	c->smtp.xclient_networks = copy_networks(&r->xclient_networks, &c->smtp.xclient_network_count);
}

static void copy_stores(struct config *c, const struct raw *raw)
{
	const struct raw_spool *s = &raw->spool;
	c->ledger_dir = path_below(c->data_dir, "ledger");
	c->spool_dir = path_below(c->data_dir, "spool");
	c->key_dir = path_below(c->data_dir, "keys");
	c->decisions_dir = path_below(c->data_dir, "decisions");
	c->reports_dir = path_below(c->data_dir, "reports");
	c->decisions = (struct decisions_settings){
	    .dir = c->decisions_dir, .keep_ms = raw->decisions.keep_ms, .max_bytes = (uint64_t)raw->decisions.max_bytes};
	c->control_path = path_below(c->data_dir, "control.sock");
	c->holds_file = path_below(c->data_dir, "holds");
	c->password_file = path_below(c->data_dir, "passwords");
	c->admin_key_file = path_below(c->data_dir, "admin-keys");
	c->ledger = (struct ledger_settings){.dir = c->ledger_dir,
	    .key_dir = c->key_dir,
	    .map_bytes = (uint64_t)raw->ledger.map_bytes,
	    .max_readers = (unsigned)raw->ledger.max_readers,
	    .batch = (unsigned)raw->ledger.batch,
	    .load_rows = (unsigned)raw->ledger.load_rows};
	c->spool = (struct spool_settings){.dir = c->spool_dir,
	    .segment_bytes = (uint64_t)s->segment_bytes,
	    .max_bytes = (uint64_t)s->max_bytes,
	    .min_free_bytes = (uint64_t)s->min_free_bytes,
	    .max_items = (uint64_t)s->max_items,
	    .checkpoint_records = (uint32_t)s->checkpoint_records};
}

static void copy_public(struct config *c, const struct raw_public *r)
{
	c->public_listen = text_dup(&r->listen);
	c->web = (struct web_limits){.threads = (unsigned)r->threads,
	    .max_connections = (unsigned)r->max_connections,
	    .max_connections_per_ip = (unsigned)r->max_connections_per_ip,
	    .timeout_s = (unsigned)((r->timeout_ms + 999) / 1000),
	    .max_body_bytes = (size_t)r->max_body_bytes};
}

void make_plain(struct config *c, const struct raw *raw)
{
	c->data_dir = path_dup(c, &raw->data_dir);
	c->hostname = raw->hostname.s ? text_dup(&raw->hostname) : system_hostname();
	c->log_level = (enum log_word)raw->log_level;
	c->drain_ms = raw->drain_ms;
	copy_submission(c, &raw->submission);
	make_doors_plain(c, raw);
	make_reports_plain(c, raw);
	copy_public(c, &raw->public);
	make_admin_plain(c, &raw->admin);
	make_tool_links_plain(c, &raw->tool_links);
	copy_stores(c, raw);
}

/* ---- the steps ---- */

static int make_clients(struct config *c, const struct raw *raw, bool with_keys, struct err *err)
{
	struct buf hashes;
	buf_init(&hashes, PASSWORD_FILE_MAX);
	int rc = with_keys ? passwords_read(c->password_file, &hashes, err) : 0;
	if (rc == 0)
		rc = make_intake(c, raw, buf_view(&hashes), err);
	if (hashes.p)
		mem_wipe(hashes.p, hashes.n);
	buf_free(&hashes);
	return rc;
}

static int make_keyed(struct config *c, const struct raw *raw, struct err *err)
{
	struct token_keys *tokens = NULL;
	if (token_keys_load(&tokens, c->key_dir, err) < 0)
		return -1;
	int rc = make_web(c, raw, tokens, err);
	if (rc == 0)
		rc = make_admin(c, raw, err);
	if (rc == 0)
		rc = make_tool_links(c, raw, err);
	if (rc == 0)
		rc = make_compose(c, raw, tokens, err);
	if (rc == 0)
		rc = make_inbox(c, raw, tokens, err);
	if (rc == 0) {
		make_delivery(c, raw);
		rc = make_traffic(c, raw, err);
		make_doors(c, raw);
	}
	token_keys_free(&tokens);
	return rc;
}

static int build(struct config *c, const struct raw *raw, bool with_keys, struct err *err)
{
	make_plain(c, raw);
	if (check_relations(raw, err) < 0 || make_policy(raw, &c->policy, err) < 0 || check_webhooks(raw, c->policy, err) < 0)
		return -1;
	if (with_keys && config_make_dirs(c, err) < 0)
		return -1;
	if (make_clients(c, raw, with_keys, err) < 0)
		return -1;
	return with_keys ? make_keyed(c, raw, err) : 0;
}

int config_from_text(struct config **ret, const char *file, struct view text, bool with_keys, struct err *err)
{
	struct raw raw;
	if (raw_parse(&raw, file, text, NULL, err) < 0)
		return -1;
	struct config *c = mem_zero(sizeof *c);
	c->file = mem_strdup(file);
	int rc = build(c, &raw, with_keys, err);
	raw_free(&raw);
	if (rc < 0)
		config_free(&c);
	else
		*ret = c;
	return rc;
}

int config_load(struct config **ret, const char *file, bool with_keys, struct err *err)
{
	struct buf text;
	buf_init(&text, CONFIG_FILE_MAX);
	int rc = file_read(file, &text, err);
	if (rc == 0)
		rc = config_from_text(ret, file, buf_view(&text), with_keys, err);
	buf_free(&text);
	return rc;
}

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void release_rooms(struct config *c)
{
	shared_release(c->web_settings ? &c->web_settings->shared : NULL);
	shared_release(c->callout ? &c->callout->shared : NULL);
	shared_release(c->delivery ? &c->delivery->shared : NULL);
	shared_release(c->doors ? &c->doors->shared : NULL);
	shared_release(c->inbox ? &c->inbox->shared : NULL);
	shared_release(c->compose ? &c->compose->shared : NULL);
	shared_release(c->intake ? &c->intake->shared : NULL);
	shared_release(c->policy ? &c->policy->shared : NULL);
}

void config_free(struct config **cp)
{
	struct config *c = *cp;
	if (!c)
		return;
	release_rooms(c);
	for (size_t i = 0; i < c->doors_listener_count; i++)
		free((char *)c->doors_listeners[i].at);
	free(c->doors_listeners);
	free(c->doors_limits.networks);
	free(c->smtp.proxy_networks);
	free(c->smtp.xclient_networks);
	free_texts(c->reports_listen, c->reports_listen_count);
	free_texts(c->submission_listen, c->submission_listen_count);
	free_texts(c->submission_tls_listen, c->submission_tls_listen_count);
	char *const texts[] = {c->file, c->data_dir, c->hostname, c->tls_certificate, c->tls_key, c->public_listen,
	    c->ledger_dir, c->spool_dir, c->key_dir, c->decisions_dir, c->reports_dir, c->control_path, c->holds_file, c->password_file,
	    c->admin_key_file, c->admin_listen, c->callout_dir};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	free(c);
	*cp = NULL;
}
