/* One thread: accept, read one line, answer one line, close. One conversation at a time, each bounded in bytes and time. */
#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "socket.h"

struct control {
	pthread_t thread;
	int listener, wake;
	char *path;
	control_answer *answer;
	void *arg;
};

json_t *control_error(const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_t *o = json_object();
	json_object_set_new(o, "error", json_stringn_nocheck(text, strlen(text)));
	return o;
}

const char *control_text(const json_t *question, const char *name)
{
	return json_string_value(json_object_get(question, name));
}

/* Appends the object as one line. */
static int dump_into(const char *bytes, size_t n, void *arg)
{
	struct buf *out = arg;
	buf_add(out, view_n(bytes, n));
	return out->failed ? -1 : 0;
}

static int write_object(int fd, const json_t *o, size_t max, struct err *err)
{
	struct buf line;
	buf_init(&line, max);
	int rc = json_dump_callback(o, dump_into, &line, JSON_COMPACT);
	buf_byte(&line, '\n');
	if (rc < 0 || line.failed)
		rc = err_set(err, ERR_LIMIT, "more than %zu bytes: ask for less", max);
	else
		rc = line_write(fd, buf_view(&line), CONTROL_TURN_MS, err);
	buf_free(&line);
	return rc;
}

static json_t *read_object(int fd, size_t max, int64_t timeout_ms, struct err *err)
{
	struct buf line;
	json_error_t why;
	json_t *o = NULL;
	buf_init(&line, max);
	if (line_read(fd, &line, timeout_ms, err) == 0) {
		o = json_loadb(line.p ? line.p : "", line.n, JSON_REJECT_DUPLICATES, &why);
		if (!json_is_object(o)) {
			err_set(err, ERR_SYNTAX, "expected a JSON object on one line");
			json_decref(o);
			o = NULL;
		}
	}
	buf_free(&line);
	return o;
}

static void converse(struct control *c, int fd)
{
	struct err err;
	json_t *question = read_object(fd, CONTROL_QUESTION_MAX, CONTROL_TURN_MS, &err);
	json_t *answer = question ? c->answer(c->arg, question) : control_error("%s", err.text);
	if (!answer)
		answer = control_error("no answer");
	if (write_object(fd, answer, CONTROL_ANSWER_MAX, &err) < 0) {
		struct err again;
		json_t *sorry = control_error("the answer could not be given: %s", err.text);
		if (err.kind != ERR_LIMIT || write_object(fd, sorry, CONTROL_QUESTION_MAX, &again) < 0)
			log_event(LOG_LEVEL_WARNING, "control.answer.fail", "why=\"%s\"", err.text);
		json_decref(sorry);
	}
	json_decref(answer);
	json_decref(question);
}

static void *serve(void *arg)
{
	struct control *c = arg;
	for (;;) {
		struct pollfd p[] = {{.fd = c->wake, .events = POLLIN}, {.fd = c->listener, .events = POLLIN}};
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			fatal("control: poll failed");
		if (p[0].revents)
			return NULL;
		int fd = p[1].revents ? accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
		if (fd < 0)
			continue;
		converse(c, fd);
		close(fd);
	}
}

static void release(struct control *c)
{
	if (c->listener >= 0)
		close(c->listener);
	if (c->wake >= 0)
		close(c->wake);
	free(c->path);
	free(c);
}

int control_start(struct control **ret, const char *path, control_answer *answer, void *arg, struct err *err)
{
	struct control *c = mem_zero(sizeof *c);
	c->path = mem_strdup(path);
	c->answer = answer;
	c->arg = arg;
	c->listener = -1;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = c->wake < 0 ? err_sys(err, "eventfd") : unix_listen(path, &c->listener, err);
	if (rc == 0 && (errno = pthread_create(&c->thread, NULL, serve, c)) != 0) {
		rc = err_sys(err, "control thread");
		unlink(path);
	}
	if (rc < 0) {
		release(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void control_stop(struct control **cp)
{
	struct control *c = *cp;
	if (!c)
		return;
	ALWAYS(eventfd_write(c->wake, 1) == 0);
	pthread_join(c->thread, NULL);
	unlink(c->path);
	release(c);
	*cp = NULL;
}

int control_ask(const char *path, const json_t *question, json_t **ret_answer, struct err *err)
{
	int fd;
	if (unix_connect(path, &fd, err) < 0)
		return -1;
	json_t *answer = NULL;
	if (write_object(fd, question, CONTROL_QUESTION_MAX, err) == 0)
		answer = read_object(fd, CONTROL_ANSWER_MAX, CONTROL_ANSWER_MS, err);
	close(fd);
	if (!answer) {
		if (err && err->kind == ERR_MISSING)
			err->kind = ERR_UNAVAILABLE; /* it was there: not "no daemon" */
		return err_prefix(err, "the daemon");
	}
	const char *refused = control_text(answer, "error");
	if (refused) {
		err_set(err, ERR_REFUSED, "%s", refused);
		json_decref(answer);
		return -1;
	}
	*ret_answer = answer;
	return 0;
}
