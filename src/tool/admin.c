/* admin add | remove | list: keys of the admin listener. What is kept can't be turned back into a key. */
#include <string.h>

#include "base/mem.h"
#include "config/passwords.h"
#include "tool.h"

static int report(struct tool *t, const char *name, const char *what, const char *secret)
{
	if (as_json(t)) {
		print_json(t, json_pack("{s:s, s:s, s:s?}", "name", name, "is", what, "key", secret));
		return EXIT_DONE;
	}
	if (secret)
		fprintf(t->out, "%s\n", secret);
	fprintf(t->err_out, "%s: key %s; a running daemon takes it with SIGHUP\n", name, what);
	return EXIT_DONE;
}

int run_admin_add(struct tool *t)
{
	const char *name = t->args.operands[0];
	unsigned roles = admin_roles_of(view_of(t->args.operands[1]));
	char secret[ADMIN_SECRET_TEXT], stored[ADMIN_STORED_TEXT];
	struct err err;
	if (!roles)
		return misuse(t, "admin add: expected roles of read, check, optout, lists, approve, hooks, joined by commas, found \"%s\"", t->args.operands[1]);
	if (need_config(t, &err) < 0 || config_make_dirs(t->config, &err) < 0 || admin_key_make(view_of(name), roles, secret, stored, &err) < 0)
		return failed(t, &err);
	int code = passwords_set(t->config->admin_key_file, view_of(name), view_of(stored), &err) < 0 ? failed(t, &err) : report(t, name, "made", secret);
	mem_wipe(secret, sizeof secret);
	return code;
}

int run_admin_remove(struct tool *t)
{
	const char *name = t->args.operands[0];
	struct buf lines;
	struct err err;
	buf_init(&lines, PASSWORD_FILE_MAX);
	int rc = need_config(t, &err);
	if (rc == 0)
		rc = passwords_read(t->config->admin_key_file, &lines, &err);
	if (rc == 0 && !passwords_find(buf_view(&lines), view_of(name)).n)
		rc = err_set(&err, ERR_MISSING, "%s: there is no key of that name", name);
	if (rc == 0)
		rc = passwords_set(t->config->admin_key_file, view_of(name), V(""), &err);
	buf_free(&lines);
	return rc < 0 ? failed(t, &err) : report(t, name, "removed", NULL);
}

static json_t *key_json(struct view name, struct view stored)
{
	struct view roles;
	view_cut(&stored, ' ', &roles);
	return json_pack("{s:o, s:o}", "name", json_view(name), "roles", json_view(roles));
}

static void print_keys(struct tool *t, const json_t *rows)
{
	struct grid *g = grid_new(2);
	grid_row(g, (const char *const[]){"name", "roles"});
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row)
		grid_row(g, (const char *const[]){control_text(row, "name"), control_text(row, "roles")});
	grid_print(g, t->out);
	grid_free(&g);
}

int run_admin_list(struct tool *t)
{
	struct buf lines;
	struct err err;
	buf_init(&lines, PASSWORD_FILE_MAX);
	if (need_config(t, &err) < 0 || passwords_read(t->config->admin_key_file, &lines, &err) < 0) {
		buf_free(&lines);
		return failed(t, &err);
	}
	struct view rest = buf_view(&lines), line, name;
	json_t *rows = json_array();
	while (view_cut(&rest, '\n', &line))
		if (view_cut(&line, ':', &name))
			json_array_append_new(rows, key_json(name, view_trim(line)));
	buf_free(&lines);
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	print_keys(t, rows);
	json_decref(rows);
	return EXIT_DONE;
}
