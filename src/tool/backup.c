/* backup, restore.
 *
 *   DIR/ledger/data.mdb   the copy
 *   DIR/anchor            the line of `journal anchor` as of the copy: what is restored is what was copied
 *   KEYS/...              every file of the key directory, if asked for */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/upkeep.h"
#include "tool.h"

#define KEY_FILE_MAX 65536

/* ---- keys ---- */

/* A file that is there already stays as it is: keys are never overwritten. */
static int copy_key(const char *from, const char *to, struct err *err)
{
	struct buf b;
	struct err why = {0};
	buf_init(&b, KEY_FILE_MAX);
	int rc = file_read(from, &b, &why);
	if (rc == 0)
		rc = file_create(to, buf_view(&b), 0600, &why);
	if (rc < 0 && why.kind == ERR_CONFLICT)
		rc = 0;
	if (b.p)
		mem_wipe(b.p, b.n);
	buf_free(&b);
	if (rc < 0)
		*err = why;
	return rc;
}

/* The files of FROM, and of the directories in it (one level: dkim). */
static int copy_keys(const char *from, const char *to, bool deeper, struct err *err)
{
	DIR *d = opendir(from);
	if (!d)
		return err_sys(err, "%s", from);
	int rc = dir_make(to, 0700, err);
	for (struct dirent *e; rc == 0 && (e = readdir(d));) {
		char source[PATH_MAX], target[PATH_MAX];
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		rc = path_join(source, sizeof source, from, e->d_name, err) < 0 || path_join(target, sizeof target, to, e->d_name, err) < 0 ? -1 : 0;
		if (rc == 0 && lstat(source, &st) == 0 && S_ISREG(st.st_mode))
			rc = copy_key(source, target, err);
		else if (rc == 0 && deeper && S_ISDIR(st.st_mode))
			rc = copy_keys(source, target, false, err);
	}
	closedir(d);
	return rc;
}

/* ---- backup ---- */

static int write_anchor(const char *dir, struct ledger *copy, struct err *err)
{
	char path[PATH_MAX], line[ANCHOR_LINE] = "";
	struct journal_anchor a;
	struct err why;
	if (ledger_journal_anchor(copy, &a, &why) == 0)
		journal_anchor_text(&a, line);
	else if (why.kind != ERR_MISSING)
		return err_set(err, why.kind, "%s", why.text);
	return path_join(path, sizeof path, dir, "anchor", err) < 0 ? -1 : file_replace(path, view_of(line), 0600, err);
}

static int open_copy(struct tool *t, const char *dir, struct ledger **ret, struct err *err)
{
	struct ledger_settings s = t->config->ledger;
	s.dir = dir;
	s.read_only = true;
	return ledger_open(ret, &s, &clock_system, err);
}

static int back_up(struct tool *t, const char *dir, uint64_t *ret_entries, struct err *err)
{
	char ledger[PATH_MAX];
	struct ledger *copy = NULL;
	const char *keys = option(&t->args, OPT_KEYS);
	if (dir_make(dir, 0700, err) < 0 || path_join(ledger, sizeof ledger, dir, "ledger", err) < 0 || ledger_backup(t->ledger, ledger, err) < 0 ||
	    open_copy(t, ledger, &copy, err) < 0)
		return -1;
	/* A copy that nobody has read is none. */
	int rc = ledger_journal_verify(copy, ret_entries, err);
	if (rc == 0)
		rc = write_anchor(dir, copy, err);
	ledger_close(&copy);
	return rc == 0 && keys ? copy_keys(t->config->key_dir, keys, true, err) : rc;
}

int run_backup(struct tool *t)
{
	uint64_t entries = 0;
	struct err err;
	if (need_ledger(t, false, &err) < 0 || back_up(t, t->args.operands[0], &entries, &err) < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:s, s:I}", "dir", t->args.operands[0], "entries", (json_int_t)entries));
	else
		fprintf(t->out, "%s: the ledger up to entry %llu, verified\n", t->args.operands[0], (unsigned long long)entries);
	return EXIT_DONE;
}

/* ---- restore ---- */

static int read_anchor(const char *dir, struct ledger *copy, struct err *err)
{
	char path[PATH_MAX];
	struct buf text;
	struct journal_anchor a;
	buf_init(&text, 1000);
	int rc = path_join(path, sizeof path, dir, "anchor", err) < 0 ? -1 : file_read(path, &text, err);
	struct view line = view_trim(buf_view(&text));
	if (rc == 0 && line.n)
		rc = journal_anchor_parse(line, &a) ? ledger_journal_has(copy, &a, err) : err_set(err, ERR_CORRUPT, "%s: expected an anchor", path);
	buf_free(&text);
	return rc;
}

static int prove_copy(const char *dir, struct ledger *copy, struct err *err)
{
	uint64_t good;
	return ledger_journal_verify(copy, &good, err) < 0 ? -1 : read_anchor(dir, copy, err);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int refuse_beside_daemon(struct tool *t, struct err *err)
{
	struct err why;
	json_t *question = json_pack("{s:s}", "verb", "stats"), *answer = NULL;
	int rc = control_ask(t->config->control_path, question, &answer, &why);
	json_decref(question);
	json_decref(answer);
	return rc < 0 && why.kind == ERR_MISSING ? 0 : err_set(err, ERR_REFUSED, "stop the daemon first: it would go on with the ledger that it has open");
}

static int move_aside(const char *data, struct err *err)
{
	char aside[PATH_MAX], at[TIME_TEXT];
	time_text(clock_wall(&clock_system), at);
	if (snprintf(aside, sizeof aside, "%s.%s", data, at) >= (int)sizeof aside)
		return err_set(err, ERR_LIMIT, "%s: path too long", data);
	return rename(data, aside) < 0 ? err_sys(err, "%s", aside) : 0;
}

/* There is no ledger, or none any more: the copy becomes it. */
static int take_copy(struct tool *t, struct ledger *copy, const char *data, struct err *err)
{
	if (refuse_beside_daemon(t, err) < 0)
		return -1;
	if (access(data, F_OK) == 0 && move_aside(data, err) < 0)
		return -1;
	return ledger_backup(copy, t->config->ledger.dir, err);
}

static int add_blocks(struct tool *t, struct ledger *copy, struct restored *ret, struct err *err)
{
	char source[SOURCE_MAX + 1];
	if (need_ledger(t, true, err) < 0)
		return err_prefix(err, "the present ledger can't be opened (--aside moves it away)");
	snprintf(source, sizeof source, "restore:%.*s", SOURCE_MAX - 8, t->args.operands[0]);
	return ledger_restore(t->ledger, copy, view_of(source), view_of(t->actor), ret, err);
}

static int restore(struct tool *t, struct restored *ret, bool *ret_whole, struct err *err)
{
	char ledger[PATH_MAX], source[PATH_MAX], data[PATH_MAX];
	struct ledger *copy = NULL;
	const char *dir = t->args.operands[0], *keys = option(&t->args, OPT_KEYS);
	if (config_make_dirs(t->config, err) < 0 || path_join(ledger, sizeof ledger, dir, "ledger", err) < 0 ||
	    path_join(source, sizeof source, ledger, "data.mdb", err) < 0 ||
	    path_join(data, sizeof data, t->config->ledger.dir, "data.mdb", err) < 0)
		return -1;
	if (same_file(source, data))
		return err_set(err, ERR_REFUSED, "%s is the present ledger itself", dir);
	if (keys && copy_keys(keys, t->config->key_dir, true, err) < 0)
		return -1;
	if (open_copy(t, ledger, &copy, err) < 0)
		return -1;
	*ret_whole = has_option(&t->args, OPT_ASIDE) || access(data, F_OK) < 0;
	int rc = prove_copy(dir, copy, err);
	if (rc == 0)
		rc = *ret_whole ? take_copy(t, copy, data, err) : add_blocks(t, copy, ret, err);
	ledger_close(&copy);
	return rc;
}

int run_restore(struct tool *t)
{
	struct restored r = {0};
	bool whole = false;
	struct err err;
	if (need_config(t, &err) < 0 || restore(t, &r, &whole, &err) < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:b, s:I, s:I}", "whole", (int)whole, "blocks", (json_int_t)r.blocks, "added", (json_int_t)r.changed));
	else if (whole)
		fprintf(t->out, "the copy is the ledger now\n");
	else
		fprintf(t->out, "%llu blocks in the copy, %llu of them added or made stronger\n", (unsigned long long)r.blocks, (unsigned long long)r.changed);
	return EXIT_DONE;
}
