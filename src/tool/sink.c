/* sink: a next hop to look at. The smtp room's server with the sink's verbs; each message becomes a line and, if asked for, a file. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "smtp/sink.h"
#include "tool.h"

#define LISTEN_DEFAULT "127.0.0.1:2525"
#define DRAIN_MS 2000
#define SIZE_DEFAULT (64ull << 20)
#define SIZE_MAX_BYTES (1ull << 30)

struct receiver {
	struct tool *t;
	pthread_mutex_t lock; /* several workers deliver at once */
	const char *dir;
	uint64_t received, wanted; /* wanted 0 = no end */
};

/* Written aside and renamed: whoever looks sees whole messages only. */
static int save(const struct receiver *r, struct view bytes, struct err *err)
{
	char tmp[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX];
	int n = snprintf(tmp, sizeof tmp, "%s/.%06llu.part", r->dir, (unsigned long long)r->received);
	int m = snprintf(path, sizeof path, "%s/%06llu.eml", r->dir, (unsigned long long)r->received);
	if (n < 0 || m < 0 || (size_t)n >= sizeof tmp || (size_t)m >= sizeof path)
		return err_set(err, ERR_LIMIT, "%s: path too long", r->dir);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "%s", tmp);
	int rc = write_all_at(fd, bytes, 0, err);
	close(fd);
	return rc == 0 && rename(tmp, path) < 0 ? err_sys(err, "%s", path) : rc;
}

static void print_head(FILE *out, struct view bytes)
{
	struct view line;
	while (view_cut(&bytes, '\n', &line)) {
		line = view_n(line.p, line.n && line.p[line.n - 1] == '\r' ? line.n - 1 : line.n);
		if (line.n == 0)
			break;
		fprintf(out, "    %.*s\n", VFMT(line));
	}
}

static void print_message(struct receiver *r, const struct sink_mail *m)
{
	char first[300];
	snprintf(first, sizeof first, "%.*s", m->to_count ? (int)m->to[0].n : 0, m->to_count ? m->to[0].p : "");
	if (as_json(r->t)) {
		json_t *o = json_pack("{s:I, s:o, s:o, s:I, s:I}", "number", (json_int_t)r->received, "from",
		    json_view(m->from), "to", json_text(first), "recipients", (json_int_t)m->to_count, "bytes",
		    (json_int_t)m->bytes.n);
		json_dumpf(o, r->t->out, JSON_COMPACT);
		fputc('\n', r->t->out);
		json_decref(o);
	} else {
		print_safe(r->t, "%llu from=<%.*s> to=<%s> recipients=%zu bytes=%zu", (unsigned long long)r->received,
		    VFMT(m->from), first, m->to_count, m->bytes.n);
	}
	if (has_option(&r->t->args, OPT_PRINT_HEAD))
		print_head(r->t->out, m->bytes);
	fflush(r->t->out);
}

static void deliver(void *arg, const struct sink_mail *m)
{
	struct receiver *r = arg;
	struct err err;
	pthread_mutex_lock(&r->lock);
	r->received++;
	if (r->dir && save(r, m->bytes, &err) < 0)
		failed(r->t, &err);
	print_message(r, m);
	if (r->received == r->wanted)
		kill(getpid(), SIGTERM); /* main waits for it */
	pthread_mutex_unlock(&r->lock);
}

static int read_rules(const struct tool *t, struct sink_rule rules[REPEATS_MAX], struct err *err)
{
	for (unsigned i = 0; i < t->args.options[OPT_RULE].count; i++)
		if (sink_rule_parse(t->args.options[OPT_RULE].at[i], &rules[i], err) < 0)
			return err_prefix(err, "--rule");
	return 0;
}

static void say_where(struct tool *t, const struct smtp_server *server)
{
	struct endpoint at[REPEATS_MAX];
	size_t n = smtp_server_addresses(server, at, REPEATS_MAX);
	for (size_t i = 0; i < n && i < REPEATS_MAX; i++) {
		char text[ENDPOINT_TEXT];
		endpoint_text(&at[i], text);
		fprintf(t->out, "listening on %s\n", text);
	}
	fflush(t->out);
}

static int serve(struct tool *t, struct sink *sink, struct err *err)
{
	static const char *const usual[] = {LISTEN_DEFAULT};
	static char hostname[] = "sink.invalid";
	const struct smtp_settings s = {.hostname = hostname,
	    .workers = 2,
	    .max_connections = 1000,
	    .max_connections_per_ip = 1000,
	    .max_errors = 1000,
	    .max_commands = 1000000,
	    .idle_timeout_ms = 300000,
	    .data_timeout_ms = 180000};
	const char *const *listen = has_option(&t->args, OPT_LISTEN) ? t->args.options[OPT_LISTEN].at : usual;
	unsigned count = has_option(&t->args, OPT_LISTEN) ? t->args.options[OPT_LISTEN].count : 1;
	struct smtp_server *server;
	sigset_t ends;
	int sig;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before there are threads */
	if (smtp_server_start(&server, &s, listen, count, NULL, 0, NULL, &sink_verbs, sink, &clock_system, err) < 0)
		return -1;
	say_where(t, server);
	while (sigwait(&ends, &sig) != 0)
		continue;
	smtp_server_drain(server, clock_mono(&clock_system) + DRAIN_MS);
	smtp_server_stop(&server);
	return 0;
}

int run_sink(struct tool *t)
{
	struct receiver r = {.t = t, .lock = PTHREAD_MUTEX_INITIALIZER, .dir = option(&t->args, OPT_DIR)};
	struct sink_rule rules[REPEATS_MAX];
	struct sink_settings s = {
	    .rules = rules, .rule_count = t->args.options[OPT_RULE].count, .deliver = deliver, .arg = &r};
	struct sink *sink = NULL;
	struct err err;
	if (read_count(&t->args, OPT_COUNT, INT64_MAX, 0, &r.wanted, &err) < 0 ||
	    read_count(&t->args, OPT_MAX_SIZE, SIZE_MAX_BYTES, SIZE_DEFAULT, &s.max_message_bytes, &err) < 0 ||
	    read_rules(t, rules, &err) < 0 || (r.dir && dir_make(r.dir, 0755, &err) < 0) ||
	    sink_new(&sink, &s, &clock_system, &err) < 0)
		return failed(t, &err);
	signal(SIGPIPE, SIG_IGN);
	int rc = serve(t, sink, &err);
	sink_free(&sink);
	return rc < 0 ? failed(t, &err) : EXIT_DONE;
}
