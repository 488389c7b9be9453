/* client add | remove | list: passwords, hashed at once and kept apart from the settings. */
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/passwords.h"
#include "crypto/password.h"
#include "tool.h"

#define PASSWORD_MIN 8
#define PASSWORD_MAX 500

static const struct client *find_client(struct tool *t, const char *name, struct err *err)
{
	const struct intake_settings *s = t->config->intake;
	for (unsigned i = 0; i < s->client_count; i++)
		if (strcmp(s->clients[i].name, name) == 0)
			return &s->clients[i];
	err_set(err, ERR_MISSING, "%s: the settings have no client of that name", name);
	return NULL;
}

/* One line, without its end. */
static int read_line(struct tool *t, char dst[PASSWORD_MAX + 2], struct err *err)
{
	if (!fgets(dst, PASSWORD_MAX + 2, t->in))
		return err_set(err, ERR_MISSING, "no password was given");
	size_t n = strcspn(dst, "\r\n");
	if (!dst[n] && n > PASSWORD_MAX)
		return err_set(err, ERR_LIMIT, "a password of more than %d bytes", PASSWORD_MAX);
	dst[n] = 0;
	return 0;
}

/* Asked for on the terminal, with echo off. */
static int prompt_line(struct tool *t, const char *words, char dst[PASSWORD_MAX + 2], struct err *err)
{
	struct termios was, quiet;
	bool is_terminal = tcgetattr(STDIN_FILENO, &was) == 0;
	fprintf(t->err_out, "%s: ", words);
	fflush(t->err_out);
	if (is_terminal) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	int rc = read_line(t, dst, err);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', t->err_out);
	return rc;
}

static int read_password(struct tool *t, char dst[PASSWORD_MAX + 2], struct err *err)
{
	char again[PASSWORD_MAX + 2];
	int rc = t->prompts ? prompt_line(t, "Password", dst, err) : read_line(t, dst, err);
	if (rc == 0 && strlen(dst) < PASSWORD_MIN)
		rc = err_set(err, ERR_REFUSED, "a password needs %d bytes at least", PASSWORD_MIN);
	if (rc == 0 && t->prompts) {
		rc = prompt_line(t, "Once more", again, err);
		if (rc == 0 && strcmp(dst, again) != 0)
			rc = err_set(err, ERR_REFUSED, "the two differ");
		mem_wipe(again, sizeof again);
	}
	return rc;
}

static int report(struct tool *t, const char *name, const char *what)
{
	if (as_json(t))
		print_json(t, json_pack("{s:s, s:s}", "client", name, "password", what));
	else
		fprintf(t->out, "%s: password %s; a running daemon takes it with SIGHUP\n", name, what);
	return EXIT_DONE;
}

int run_client_add(struct tool *t)
{
	const char *name = t->args.operands[0];
	char password[PASSWORD_MAX + 2] = "", hash[PASSWORD_TEXT];
	struct err err;
	if (need_config(t, &err) < 0 || !find_client(t, name, &err) || config_make_dirs(t->config, &err) < 0)
		return failed(t, &err);
	int rc = read_password(t, password, &err);
	if (rc == 0)
		rc = password_hash(view_of(password), hash, &err);
	mem_wipe(password, sizeof password);
	if (rc == 0)
		rc = passwords_set(t->config->password_file, view_of(name), view_of(hash), &err);
	return rc < 0 ? failed(t, &err) : report(t, name, "set");
}

/* Also for a client that the settings have forgotten. */
int run_client_remove(struct tool *t)
{
	const char *name = t->args.operands[0];
	struct err err;
	if (need_config(t, &err) < 0 || passwords_set(t->config->password_file, view_of(name), V(""), &err) < 0)
		return failed(t, &err);
	return report(t, name, "removed");
}

static json_t *client_json(const struct client *c, bool has_password)
{
	json_t *streams = json_array();
	for (unsigned i = 0; i < c->stream_count; i++)
		json_array_append_new(streams, json_text(c->streams[i]->name));
	return json_pack("{s:s, s:s, s:s, s:o, s:i, s:b, s:b}", "client", c->name, "brand", c->brand->name, "stream",
	    c->default_stream->name, "streams", streams, "networks", (int)c->network_count, "password",
	    (int)has_password, "plain_auth", (int)c->plain_auth);
}

static void print_clients(struct tool *t, const json_t *rows)
{
	static const char *const columns[] = {"client", "brand", "stream", "networks", "password", "plain_auth"};
	struct grid *g = grid_new(6);
	grid_row(g, columns);
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row)
	{
		const char *cells[6];
		char scratch[6][64];
		for (unsigned c = 0; c < 6; c++)
			cells[c] = member(row, columns[c], scratch[c]);
		grid_row(g, cells);
	}
	grid_print(g, t->out);
	grid_free(&g);
}

int run_client_list(struct tool *t)
{
	struct buf hashes;
	struct err err;
	buf_init(&hashes, PASSWORD_FILE_MAX);
	if (need_config(t, &err) < 0 || passwords_read(t->config->password_file, &hashes, &err) < 0) {
		buf_free(&hashes);
		return failed(t, &err);
	}
	const struct intake_settings *s = t->config->intake;
	json_t *rows = json_array();
	for (unsigned i = 0; i < s->client_count; i++)
		json_array_append_new(rows,
		    client_json(&s->clients[i], passwords_find(buf_view(&hashes), view_of(s->clients[i].name)).n > 0));
	if (hashes.p)
		mem_wipe(hashes.p, hashes.n);
	buf_free(&hashes);
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	print_clients(t, rows);
	json_decref(rows);
	return EXIT_DONE;
}
