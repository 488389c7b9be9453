/* screen, screen verify: a list judged, and the certificate of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "lists/screen.h"
#include "tool.h"

#define CERTIFICATE_MAX 65536

struct files {
	struct tool *tool;
	const char *in_name, *out_name;
	int in, out;
	bool shows;
};

static ssize_t read_in(void *arg, void *dst, size_t n, struct err *err)
{
	struct files *f = arg;
	ssize_t got;
	do
		got = read(f->in, dst, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? err_sys(err, "%s", f->in_name) : got;
}

static int write_out(void *arg, struct view bytes, struct err *err)
{
	struct files *f = arg;
	while (bytes.n) {
		ssize_t n = write(f->out, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", f->out_name);
		bytes = view_sub(bytes, (size_t)n, bytes.n);
	}
	return 0;
}

static void show_progress(void *arg, uint64_t rows)
{
	struct files *f = arg;
	if (f->shows)
		fprintf(f->tool->err_out, "\r%12" PRIu64 " rows ", rows);
}

/* ---- the certificate ---- */

static json_t *certificate_make(struct tool *t, const struct files *f, const struct screen_report *r)
{
	json_t *reasons = json_object();
	for (enum reason k = REASON_OBJECTION; k <= REASON_ERASURE; k++)
		if (r->reasons[k])
			json_object_set_new(reasons, reason_word(k), json_integer((json_int_t)r->reasons[k]));
	for (enum rule k = RULE_NONE; k < RULE_COUNT; k++)
		if (r->rules[k])
			json_object_set_new(reasons, rule_word(k), json_integer((json_int_t)r->rules[k]));
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:s}", "what", "optgate screening certificate", "version", 1,
	    "stream", option(&t->args, OPT_STREAM), "in", f->in_name, "out", f->out_name, "in_sha256", hex_json(r->in, sizeof r->in), "out_sha256",
	    hex_json(r->out, sizeof r->out), "rows", (json_int_t)r->rows, "clear", (json_int_t)r->clear, "suppressed", (json_int_t)r->suppressed, "deferred",
	    (json_int_t)r->deferred, "bad", (json_int_t)r->bad, "reasons", reasons, "ledger_position", (json_int_t)r->position, "began", json_time(r->began_ms), "ended",
	    json_time(r->ended_ms), "actor", t->actor);
}

static int certificate_write(struct tool *t, const struct files *f, const struct screen_report *r, struct err *err)
{
	char beside[PATH_MAX];
	const char *path = option(&t->args, OPT_CERTIFICATE);
	if (!path && strcmp(f->out_name, "-") == 0)
		return 0;
	if (!path) {
		int n = snprintf(beside, sizeof beside, "%s.cert", f->out_name);
		if (n < 0 || (size_t)n >= sizeof beside)
			return err_set(err, ERR_LIMIT, "%s: name too long", f->out_name);
		path = beside;
	}
	json_t *c = certificate_make(t, f, r);
	int rc = document_sign(t, c, CERTIFICATE_KEY, err);
	char *text = rc == 0 ? json_dumps(c, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	if (text)
		rc = file_replace(path, view_of(text), 0644, err);
	free(text);
	json_decref(c);
	return rc;
}

/* ---- screen ---- */

static int open_files(struct tool *t, struct files *f, struct err *err)
{
	f->in_name = t->args.operand_count > 0 ? t->args.operands[0] : "-";
	f->out_name = t->args.operand_count > 1 ? t->args.operands[1] : "-";
	f->in = strcmp(f->in_name, "-") == 0 ? 0 : open(f->in_name, O_RDONLY | O_CLOEXEC);
	if (f->in < 0)
		return err_sys(err, "%s", f->in_name);
	f->out = strcmp(f->out_name, "-") == 0 ? 1 : open(f->out_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return f->out < 0 ? err_sys(err, "%s", f->out_name) : 0;
}

static int find_stream(struct tool *t, struct screen_settings *s, struct err *err)
{
	const char *stream = option(&t->args, OPT_STREAM), *topic = option(&t->args, OPT_TOPIC);
	if (need_ledger(t, false, err) < 0)
		return -1;
	s->ledger = t->ledger;
	s->stream = policy_stream(t->config->policy, view_of(stream));
	if (!s->stream)
		return err_set(err, ERR_MISSING, "--stream %s: the settings have no such stream", stream);
	s->topic = topic ? stream_topic(s->stream, view_of(topic)) : NULL;
	return topic && !s->topic ? err_set(err, ERR_MISSING, "--topic %s: the stream has no such topic", topic) : 0;
}

static void tell(struct tool *t, const struct files *f, const struct screen_report *r)
{
	FILE *to = f->out == 1 ? t->err_out : t->out;
	fprintf(to, "%" PRIu64 " rows: %" PRIu64 " clear, %" PRIu64 " suppressed, %" PRIu64 " deferred, %" PRIu64 " without an address\n", r->rows, r->clear, r->suppressed,
	    r->deferred, r->bad);
}

int run_screen(struct tool *t)
{
	struct files f = {.tool = t, .in = -1, .out = -1, .shows = isatty(2)};
	struct screen_settings s = {.clock = &clock_system, .column = option(&t->args, OPT_COLUMN), .only_clear = has_option(&t->args, OPT_CLEAR), .read = read_in,
	    .write = write_out, .progress = show_progress, .arg = &f};
	struct screen_report report;
	struct err err;
	int rc = find_stream(t, &s, &err);
	if (rc == 0)
		rc = open_files(t, &f, &err);
	if (rc == 0)
		rc = screen_list(&s, &report, &err);
	if (f.shows)
		fprintf(t->err_out, "\r\033[K");
	if (rc == 0)
		rc = certificate_write(t, &f, &report, &err);
	if (f.in > 0)
		close(f.in);
	if (f.out > 1 && close(f.out) < 0 && rc == 0)
		rc = err_sys(&err, "%s", f.out_name);
	if (rc < 0)
		return failed(t, &err);
	tell(t, &f, &report);
	return report.deferred ? EXIT_DEFER : EXIT_DONE;
}

/* ---- verify ---- */

static int file_fits(const json_t *c, const char *name, const char *path, struct err *err)
{
	uint8_t sum[SHA256_BYTES];
	char chunk[65536];
	const char *expected = json_string_value(json_object_get(c, name));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "%s", path);
	struct hasher *h = hasher_new();
	ssize_t n;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		hasher_add(h, view_n(chunk, (size_t)n));
	hasher_end(h, sum);
	hasher_free(&h);
	close(fd);
	uint8_t wanted[SHA256_BYTES];
	if (n < 0)
		return err_sys(err, "%s", path);
	if (!expected || !hex_decode(view_of(expected), wanted, sizeof wanted) || memcmp(wanted, sum, sizeof sum) != 0)
		return err_set(err, ERR_CORRUPT, "%s: is not the file of this certificate (%s)", path, name);
	return 0;
}

int run_screen_verify(struct tool *t)
{
	struct err err = {0};
	struct buf text;
	json_error_t why;
	static const char *const names[] = {"in_sha256", "out_sha256"};
	const char *path = t->args.operands[0];
	buf_init(&text, CERTIFICATE_MAX);
	int rc = need_config(t, &err) < 0 ? -1 : file_read(path, &text, &err);
	json_t *c = rc == 0 ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why) : NULL;
	if (rc == 0 && !json_is_object(c))
		rc = err_set(&err, ERR_SYNTAX, "%s: expected a certificate (JSON)", path);
	if (rc == 0 && !document_is_ours(t, c, CERTIFICATE_KEY, NULL))
		rc = err_set(&err, ERR_REFUSED, "%s: the signature is not ours, or the certificate was altered", path);
	for (unsigned i = 0; rc == 0 && i + 1 < t->args.operand_count; i++)
		rc = file_fits(c, names[i], t->args.operands[i + 1], &err);
	json_decref(c);
	buf_free(&text);
	if (rc < 0)
		return failed(t, &err);
	print_safe(t, "%s: ours, and unaltered%s", path, t->args.operand_count > 1 ? "; the files fit" : "");
	return EXIT_DONE;
}
