/* What a verb works with: settings, ledger, the daemon or the spool itself. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tool.h"

#define CONFIG_DEFAULT "/etc/optgate/optgate.conf"

const char *config_file(const struct tool *t)
{
	const char *file = option(&t->args, OPT_CONFIG), *env = getenv("OPTGATE_CONF");
	return file ? file : env && *env ? env : CONFIG_DEFAULT;
}

int become_owner(struct tool *t, struct err *err)
{
	struct stat st;
	if (geteuid() != 0 || stat(t->config->data_dir, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return err_sys(err, "working as the owner of %s", t->config->data_dir);
	return 0;
}

int need_config(struct tool *t, struct err *err)
{
	if (t->config)
		return 0;
	return config_load(&t->config, config_file(t), false, err) < 0 ? -1 : become_owner(t, err);
}

/* Reading makes nothing, unless there is no ledger yet: then an empty one answers. */
int need_ledger(struct tool *t, bool to_write, struct err *err)
{
	struct err why;
	if (t->ledger && (!to_write || t->ledger_writes))
		return 0;
	ledger_close(&t->ledger);
	if (need_config(t, err) < 0)
		return -1;
	struct ledger_settings s = t->config->ledger;
	s.read_only = !to_write;
	if (!to_write && (ledger_open(&t->ledger, &s, &clock_system, &why) == 0 || why.kind != ERR_MISSING))
		return t->ledger ? 0 : err_set(err, why.kind, "%s", why.text);
	s.read_only = false;
	t->ledger_writes = true;
	return config_make_dirs(t->config, err) < 0 ? -1 : ledger_open(&t->ledger, &s, &clock_system, err);
}

void tool_close(struct tool *t)
{
	ledger_close(&t->ledger);
	config_free(&t->config);
}

/* The person at the keyboard, also behind sudo. */
static void find_actor(char dst[ACTOR_MAX + 1])
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	struct passwd *pw = getpwuid(getuid());
	const char *name = sudo && *sudo ? sudo : pw ? pw->pw_name : NULL;
	if (name)
		snprintf(dst, ACTOR_MAX + 1, "user:%.*s", ACTOR_MAX - 5, name);
	else
		snprintf(dst, ACTOR_MAX + 1, "user:%lu", (unsigned long)getuid());
}

int ask(struct tool *t, const json_t *question, own_answer *own, json_t **ret, struct err *err)
{
	struct err why;
	if (need_config(t, err) < 0)
		return -1;
	if (control_ask(t->config->control_path, question, ret, &why) == 0)
		return 0;
	if (why.kind != ERR_MISSING) {
		*err = why;
		return -1;
	}
	json_t *answer = own(t, question);
	const char *refused = control_text(answer, "error");
	if (!refused) {
		*ret = answer;
		return 0;
	}
	err_set(err, ERR_REFUSED, "%s", refused);
	json_decref(answer);
	return -1;
}

int tool_run(struct tool *t, int argc, char *const *argv)
{
	struct err err;
	if (args_parse(argc, argv, &t->args, &err) < 0)
		return misuse(t, "%s", err.text);
	if (t->args.wants_help) {
		t->args.operands[0] = t->args.help_word;
		t->args.operand_count = t->args.help_word != NULL;
		return run_help(t);
	}
	find_actor(t->actor);
	int code = t->args.verb->run(t);
	tool_close(t);
	if (fflush(t->out) != 0 && code == EXIT_DONE) {
		err_sys(&err, "standard output");
		return failed(t, &err);
	}
	return code;
}

int tool_main(int argc, char *const *argv)
{
	log_set_level(LOG_LEVEL_WARNING); /* the rooms' events are the daemon's to tell */
	struct tool t = {.in = stdin, .out = stdout, .err_out = stderr, .prompts = isatty(STDIN_FILENO)};
	return tool_run(&t, argc, argv);
}
