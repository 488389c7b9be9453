/* config, stats, version, help: short verbs. */
#include <string.h>

#include "config/version.h"
#include "tool.h"

#define TEXT_MAX (4u << 20)

static int check_tls(const struct config *c, struct err *err)
{
	struct tls_server *tls = NULL;
	if (c->tls_certificate && tls_server_new(&tls, c->tls_certificate, c->tls_key, err) < 0)
		return err_prefix(err, "submission.tls_certificate");
	tls_server_free(&tls);
	return 0;
}

static int check_keys(struct tool *t, struct err *err)
{
	struct config *c = NULL;
	int rc = config_load(&c, config_file(t), true, err);
	if (rc == 0)
		rc = check_tls(c, err);
	config_free(&c);
	return rc;
}

int run_config_check(struct tool *t)
{
	struct err err;
	int rc = need_config(t, &err);
	if (rc == 0 && !has_option(&t->args, OPT_NO_KEYS))
		rc = check_keys(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:b, s:s?}", "ok", rc == 0, "error", rc < 0 ? err.text : NULL));
	if (rc < 0)
		return failed(t, &err);
	if (!as_json(t))
		fprintf(t->out, "%s: ok\n", config_file(t));
	return EXIT_DONE;
}

static int print_written(struct tool *t, void (*write)(struct buf *out))
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	write(&b);
	fwrite(b.p, 1, b.n, t->out);
	buf_free(&b);
	return EXIT_DONE;
}

int run_config_show(struct tool *t)
{
	struct buf b;
	struct err err;
	buf_init(&b, TEXT_MAX);
	int rc = config_show(config_file(t), as_json(t), &b, &err);
	if (rc == 0)
		fwrite(b.p, 1, b.n, t->out);
	buf_free(&b);
	return rc < 0 ? failed(t, &err) : EXIT_DONE;
}

int run_config_sample(struct tool *t)
{
	return print_written(t, config_write_sample);
}

int run_config_manual(struct tool *t)
{
	return print_written(t, config_write_manual);
}

/* ---- stats ---- */

static json_t *own_stats(struct tool *t, const json_t *question)
{
	(void)question;
	struct spool *s = NULL;
	struct err err;
	if (need_ledger(t, false, &err) < 0 || config_make_dirs(t->config, &err) < 0 ||
	    spool_open(&s, &t->config->spool, &clock_system, &err) < 0)
		return control_error("%s", err.text);
	json_t *o = stats_answer(t->ledger, s, false);
	spool_close(&s);
	return o;
}

static void print_figures(struct tool *t, const json_t *answer)
{
	const char *part, *name;
	json_t *figures, *value;
	struct grid *g = grid_new(2);
	json_object_foreach((json_t *)answer, part, figures) json_object_foreach(figures, name, value)
	{
		char scratch[64], label[200];
		snprintf(label, sizeof label, "%s%s%s", strcmp(part, "counters") == 0 ? "" : part,
		    strcmp(part, "counters") == 0 ? "" : ".", name);
		grid_row(g, (const char *const[]){label, member(figures, name, scratch)});
	}
	grid_print(g, t->out);
	grid_free(&g);
}

int run_stats(struct tool *t)
{
	struct err err;
	json_t *question = json_pack("{s:s}", "verb", "stats"), *answer = NULL;
	int rc = ask(t, question, own_stats, &answer, &err);
	json_decref(question);
	if (rc < 0)
		return failed(t, &err);
	if (as_json(t)) {
		print_json(t, answer);
		return EXIT_DONE;
	}
	print_figures(t, answer);
	json_decref(answer);
	return EXIT_DONE;
}

/* ---- about the tool itself ---- */

int run_version(struct tool *t)
{
	if (as_json(t))
		print_json(t, json_pack("{s:s}", "version", OPTGATE_VERSION));
	else
		fprintf(t->out, "optgate %s\n", OPTGATE_VERSION);
	return EXIT_DONE;
}

int run_help(struct tool *t)
{
	if (has_option(&t->args, OPT_MANUAL))
		return print_written(t, help_manual);
	if (!t->args.operand_count) {
		help_all(t->out);
		return EXIT_DONE;
	}
	return help_verb(t->out, t->args.operands[0]) ? EXIT_DONE
						      : misuse(t, "%s: there is no such verb", t->args.operands[0]);
}
