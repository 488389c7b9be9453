/* key new | rotate: keys are made and added, never overwritten. */
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/mem.h"
#include "tool.h"

#define PEM_MAX 65536
#define TXT_MAX 255 /* bytes of one string of a TXT record (RFC 1035 3.3.14) */
#define RECORD_MAX 4096

void dkim_record(struct buf *out, const struct sign_key *key)
{
	struct buf bytes;
	struct err err;
	buf_init(&bytes, RECORD_MAX);
	buf_fmt(out, "v=DKIM1; k=%s; p=", sign_key_kind(key) == SIGN_RSA ? "rsa" : "ed25519");
	if (sign_key_public(key, &bytes, &err) < 0)
		out->failed = true;
	base64_encode(out, buf_view(&bytes));
	buf_free(&bytes);
}

/* A line for the zone file, and where the private part is as a comment. */
static void print_record(
    struct tool *t, const char *domain, const char *selector, const struct buf *record, const char *path)
{
	fprintf(t->out, "%s._domainkey.%s. IN TXT (", selector, domain);
	for (size_t at = 0; at < record->n; at += TXT_MAX) {
		struct view part = view_sub(buf_view(record), at, at + TXT_MAX);
		fprintf(t->out, " \"%.*s\"", VFMT(part));
	}
	fprintf(t->out, " )\n; private key: %s\n", path);
}

static int save_dkim(const struct sign_key *key, const char *path, struct err *err)
{
	struct buf pem;
	buf_init(&pem, PEM_MAX);
	int rc = sign_key_pem(key, &pem, err);
	if (rc == 0)
		rc = file_create(path, buf_view(&pem), 0600, err);
	if (pem.p)
		mem_wipe(pem.p, pem.n);
	buf_free(&pem);
	return rc;
}

static int report_dkim(
    struct tool *t, const struct sign_key *key, const char *domain, const char *selector, const char *path)
{
	struct buf record;
	buf_init(&record, RECORD_MAX);
	dkim_record(&record, key);
	if (as_json(t))
		print_json(t, json_pack("{s:s, s:s, s:s, s:o, s:s}", "key", "dkim", "domain", domain, "selector",
				  selector, "record", json_view(buf_view(&record)), "file", path));
	else
		print_record(t, domain, selector, &record, path);
	buf_free(&record);
	return EXIT_DONE;
}

/* operands: dkim DOMAIN SELECTOR KIND */
static int make_dkim(struct tool *t)
{
	const char *const *o = t->args.operands;
	char domain[DOMAIN_MAX + 1], path[CONFIG_PATH_MAX];
	struct sign_key *key;
	struct err err;
	if (t->args.operand_count != 4 || (strcmp(o[3], "rsa") != 0 && strcmp(o[3], "ed25519") != 0))
		return misuse(t, "key %s dkim: expected DOMAIN SELECTOR rsa|ed25519", t->args.verb->sub);
	if (domain_canonical(view_of(o[1]), domain, &err) < 0 || config_selector_check(o[2], &err) < 0 ||
	    need_config(t, &err) < 0 || config_make_dirs(t->config, &err) < 0 ||
	    config_dkim_path(t->config, domain, o[2], path, &err) < 0 ||
	    sign_key_new(&key, o[3][0] == 'r' ? SIGN_RSA : SIGN_ED25519, &err) < 0)
		return failed(t, &err);
	int rc = save_dkim(key, path, &err);
	int code = rc < 0 ? failed(t, &err) : report_dkim(t, key, domain, o[2], path);
	sign_key_free(&key);
	return code;
}

static int report_made(struct tool *t, const char *kind, const char *what)
{
	if (as_json(t))
		print_json(t, json_pack("{s:s, s:s}", "key", kind, "made", what));
	else
		fprintf(t->out, "%s: %s in %s\n", kind, what, t->config->key_dir);
	return EXIT_DONE;
}

static bool key_exists(const struct tool *t, const char *name)
{
	char path[CONFIG_PATH_MAX];
	return path_join(path, sizeof path, t->config->key_dir, name, NULL) == 0 && access(path, F_OK) == 0;
}

static int make_ledger(struct tool *t)
{
	struct err err;
	if (need_config(t, &err) < 0)
		return failed(t, &err);
	if (key_exists(t, "ledger.key")) {
		err_set(&err, ERR_CONFLICT, "%s/ledger.key is there already: another one would find nobody",
		    t->config->key_dir);
		return failed(t, &err);
	}
	return need_ledger(t, true, &err) < 0 ? failed(t, &err) : report_made(t, "ledger", "ledger.key, person.key");
}

static int make_token(struct tool *t)
{
	struct token_keys *keys;
	struct err err;
	if (need_config(t, &err) < 0 || config_make_dirs(t->config, &err) < 0)
		return failed(t, &err);
	if (key_exists(t, "token-001.key")) {
		err_set(&err, ERR_CONFLICT, "%s has token keys already: `optgate key rotate token` adds one",
		    t->config->key_dir);
		return failed(t, &err);
	}
	if (token_keys_load(&keys, t->config->key_dir, &err) < 0)
		return failed(t, &err);
	token_keys_free(&keys);
	return report_made(t, "token", "token-001.key");
}

static int rotate_token(struct tool *t)
{
	unsigned id;
	char name[40];
	struct err err;
	if (need_config(t, &err) < 0 || config_make_dirs(t->config, &err) < 0 ||
	    token_keys_rotate(t->config->key_dir, &id, &err) < 0)
		return failed(t, &err);
	snprintf(name, sizeof name, "token-%03u.key", id);
	return report_made(t, "token", name);
}

static int rotate_ledger(struct tool *t)
{
	struct err err;
	err_set(&err, ERR_REFUSED, "the ledger key can't be rotated: erased people are known by it alone");
	return failed(t, &err);
}

static int make_receipt(struct tool *t)
{
	struct sign_key *key = NULL;
	struct err err;
	if (need_config(t, &err) < 0)
		return failed(t, &err);
	if (key_exists(t, RECEIPT_KEY)) {
		err_set(&err, ERR_CONFLICT, "%s/" RECEIPT_KEY " is there already: receipts that were given name it", t->config->key_dir);
		return failed(t, &err);
	}
	if (document_key(t, RECEIPT_KEY, true, &key, &err) < 0)
		return failed(t, &err);
	sign_key_free(&key);
	return report_made(t, "receipt", RECEIPT_KEY);
}

static int rotate_receipt(struct tool *t)
{
	struct err err;
	err_set(&err, ERR_REFUSED, "the receipt key can't be rotated: receipts that were given name it");
	return failed(t, &err);
}

static int dispatch(struct tool *t, bool rotates)
{
	static const struct {
		const char *kind;
		int (*make)(struct tool *t);
		int (*rotate)(struct tool *t);
		unsigned operands;
	} kinds[] = {{"ledger", make_ledger, rotate_ledger, 1}, {"token", make_token, rotate_token, 1},
	    {"receipt", make_receipt, rotate_receipt, 1}, {"dkim", make_dkim, make_dkim, 4}};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].kind, t->args.operands[0]) == 0 && t->args.operand_count <= kinds[i].operands)
			return (rotates ? kinds[i].rotate : kinds[i].make)(t);
	return misuse(t, "key %s: expected %s", t->args.verb->sub, t->args.verb->operands);
}

int run_key_new(struct tool *t)
{
	return dispatch(t, false);
}

int run_key_rotate(struct tool *t)
{
	return dispatch(t, true);
}
