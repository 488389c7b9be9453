/* key list: files, kinds and public records; never a secret. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/passwords.h"
#include "tool.h"

#define PEM_MAX 65536
#define RECORD_MAX 4096

static int is_key(const struct dirent *e)
{
	struct view name = view_of(e->d_name);
	return view_ends(name, V(".key")) || view_ends(name, V(".pem"));
}

static void add_row(json_t *rows, const char *kind, const char *name, const char *use)
{
	json_array_append_new(rows, json_pack("{s:s, s:o, s:s}", "key", kind, "file", json_text(name), "use", use));
}

static void add_dkim(json_t *rows, const char *dir, const char *name)
{
	char path[CONFIG_PATH_MAX];
	struct buf pem, record;
	struct sign_key *key;
	struct err err;
	buf_init(&pem, PEM_MAX);
	buf_init(&record, RECORD_MAX);
	if (path_join(path, sizeof path, dir, name, &err) < 0 || private_file_read(path, &pem, &err) < 0 ||
	    sign_key_load(&key, buf_view(&pem), &err) < 0) {
		add_row(rows, "dkim", name, "can't be read");
	} else {
		dkim_record(&record, key);
		json_array_append_new(
		    rows, json_pack("{s:s, s:o, s:s, s:o}", "key", "dkim", "file", json_text(name), "use",
			      sign_key_kind(key) == SIGN_RSA ? "signs messages (RSA)" : "signs messages (Ed25519)",
			      "record", json_view(buf_view(&record))));
		sign_key_free(&key);
	}
	if (pem.p)
		mem_wipe(pem.p, pem.n);
	buf_free(&pem);
	buf_free(&record);
}

static void add_signing(json_t *rows, const char *dir, const char *name, const char *kind, const char *use)
{
	char path[CONFIG_PATH_MAX];
	struct buf pem;
	struct sign_key *key;
	struct err err;
	buf_init(&pem, PEM_MAX);
	if (path_join(path, sizeof path, dir, name, &err) < 0 || private_file_read(path, &pem, &err) < 0 || sign_key_load(&key, buf_view(&pem), &err) < 0) {
		add_row(rows, kind, name, "can't be read");
	} else {
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:o}", "key", kind, "file", name, "use", use, "public", document_public_json(key)));
		sign_key_free(&key);
	}
	if (pem.p)
		mem_wipe(pem.p, pem.n);
	buf_free(&pem);
}

static void add_own(json_t *rows, const char *dir, const char *name)
{
	struct view v = view_of(name);
	if (view_eq(v, V(RECEIPT_KEY)))
		add_signing(rows, dir, name, "receipt", "signs receipts of consent");
	else if (view_eq(v, V(CERTIFICATE_KEY)))
		add_signing(rows, dir, name, "certificate", "signs certificates of screening");
	else if (view_starts(v, V("token-")))
		add_row(rows, "token", name, "links and return paths; the highest number makes new ones");
	else
		add_row(rows,
		    view_eq(v, V("ledger.key"))   ? "ledger"
		    : view_eq(v, V("person.key")) ? "person"
						  : "other",
		    name,
		    view_eq(v, V("ledger.key"))   ? "finds people; back it up"
		    : view_eq(v, V("person.key")) ? "seals addresses; back it up"
						  : "unknown");
}

static void each_key(json_t *rows, const char *dir, void (*add)(json_t *rows, const char *dir, const char *name))
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_key, alphasort);
	for (int i = 0; i < n; i++) {
		add(rows, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

int run_key_list(struct tool *t)
{
	char dkim[CONFIG_PATH_MAX];
	struct err err;
	if (need_config(t, &err) < 0 || path_join(dkim, sizeof dkim, t->config->key_dir, "dkim", &err) < 0)
		return failed(t, &err);
	json_t *rows = json_array();
	each_key(rows, t->config->key_dir, add_own);
	each_key(rows, dkim, add_dkim);
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	struct grid *g = grid_new(4);
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row) grid_row(
	    g, (const char *const[]){control_text(row, "key"), control_text(row, "file"), control_text(row, "use"),
		   control_text(row, "public") ? control_text(row, "public") : ""});
	grid_print(g, t->out);
	grid_free(&g);
	json_decref(rows);
	return EXIT_DONE;
}
