/* control: a conversation over the socket, its limits, and the queue's answers from a real spool. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/queue.h"
#include "mail/envelope.h"

static char dir[64], path[100];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/optgate-control-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/control.sock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static json_t *echo(void *arg, const json_t *question)
{
	(void)arg;
	if (control_text(question, "refuse"))
		return control_error("refused: %s", control_text(question, "refuse"));
	return json_pack("{s:O}", "you said", (json_t *)question);
}

static struct control *start(void)
{
	struct control *c;
	struct err err;
	if (control_start(&c, path, echo, NULL, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void questions_are_answered(void **state)
{
	(void)state;
	struct err err;
	struct stat st;
	json_t *answer = NULL, *question = json_pack("{s:s}", "verb", "greet");
	assert_int_equal(control_ask(path, question, &answer, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	struct control *c = start();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(control_ask(path, question, &answer, &err), 0);
		assert_true(json_equal(json_object_get(answer, "you said"), question));
		json_decref(answer);
	}
	json_object_set_new(question, "refuse", json_string("no"));
	assert_int_equal(control_ask(path, question, &answer, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.text, "refused: no");
	struct control *second;
	assert_int_equal(control_start(&second, path, echo, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	control_stop(&c);
	assert_int_equal(access(path, F_OK), -1);
	json_decref(question);
}

static int dial(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

/* What is said to bytes that are no question; the server goes on. */
static void expect_error(const char *bytes, size_t n, const char *part)
{
	char answer[1000] = "";
	int fd = dial();
	size_t sent = 0;
	while (sent < n) {
		ssize_t k = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL);
		if (k < 0)
			break; /* it has heard enough */
		sent += (size_t)k;
	}
	shutdown(fd, SHUT_WR);
	recv(fd, answer, sizeof answer - 1, MSG_WAITALL);
	close(fd);
	if (!strstr(answer, part))
		fail_msg("said: %s", answer);
}

static void nonsense_is_answered_too(void **state)
{
	(void)state;
	struct control *c = start();
	static char big[CONTROL_QUESTION_MAX + 100];
	memset(big, ' ', sizeof big);
	expect_error("nonsense\n", 9, "expected a JSON object");
	expect_error("[1]\n", 4, "expected a JSON object");
	expect_error("{\"a\":1,\"a\":2}\n", 14, "expected a JSON object");
	expect_error("{", 1, "closed");
	expect_error(big, CONTROL_QUESTION_MAX + 1, "a line of more than");
	expect_error("{}\n", 3, "you said");
	control_stop(&c);
}

static void a_socket_left_behind_is_replaced(void **state)
{
	(void)state;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	close(fd);
	struct control *c = start();
	control_stop(&c);
}

/* ---- the queue ---- */

struct wait {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
};

static void kept(void *arg, const struct err *err)
{
	struct wait *w = arg;
	assert_null(err);
	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static void submit(struct spool *s, const char *client, const char *lane_a, const char *lane_b)
{
	struct buf envelope, to;
	buf_init(&envelope, 1000);
	buf_init(&to, 1000);
	envelope_write(&(struct envelope){.client = view_of(client), .brand = V("acme"), .stream = V("offers"), .arrived_ms = 1}, &envelope);
	recipient_write(&(struct recipient){.address = V("ann@a.test")}, &to);
	const struct spool_new_item items[] = {{view_of(lane_a), buf_view(&to), false}, {view_of(lane_b), buf_view(&to), false}};
	const struct spool_submission sub = {buf_view(&envelope), V("Subject: x\r\n\r\ny\r\n"), items, 2, false};
	struct wait w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
	spool_submit(s, spool_new_id(s), &sub, kept, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	buf_free(&envelope);
	buf_free(&to);
}

/* QUESTION as JSON; the number in FIELD of the answer. */
static json_int_t answer_number(struct spool *s, const char *question, const char *field)
{
	json_t *q = json_loads(question, 0, NULL);
	json_t *a = queue_answer(s, NULL, q);
	if (json_object_get(a, "error"))
		fail_msg("%s: %s", question, control_text(a, "error"));
	json_int_t n = json_integer_value(json_object_get(a, field));
	json_decref(a);
	json_decref(q);
	return n;
}

static void queue_error(struct spool *s, const char *question, const char *part)
{
	json_t *q = json_loads(question, 0, NULL);
	json_t *a = queue_answer(s, NULL, q);
	const char *text = control_text(a, "error");
	if (!text || !strstr(text, part))
		fail_msg("%s: %s", question, text ? text : "done");
	json_decref(a);
	json_decref(q);
}

static void show_first(struct spool *s)
{
	char question[200];
	json_t *q = json_loads("{\"action\":\"list\",\"limit\":1}", 0, NULL);
	json_t *a = queue_answer(s, NULL, q);
	const json_t *row = json_array_get(json_object_get(a, "items"), 0);
	snprintf(question, sizeof question, "{\"action\":\"show\",\"id\":\"%s\"}", control_text(row, "message"));
	json_decref(q);
	q = json_loads(question, 0, NULL);
	json_t *shown = queue_answer(s, NULL, q);
	assert_string_equal(control_text(json_object_get(shown, "message"), "client"), "crm");
	assert_int_equal(json_array_size(json_object_get(shown, "items")), 2);
	assert_string_equal(control_text(json_array_get(json_object_get(shown, "items"), 0), "recipient"), "ann@a.test");
	snprintf(question, sizeof question, "{\"action\":\"drop\",\"id\":\"%s\"}", control_text(row, "id"));
	assert_int_equal(answer_number(s, question, "count"), 1);
	json_decref(shown);
	json_decref(a);
	json_decref(q);
}

static void the_queue_answers(void **state)
{
	(void)state;
	struct spool_settings settings = {.dir = dir};
	struct spool *s;
	struct err err;
	if (spool_open(&s, &settings, &clock_system, &err) < 0)
		fail_msg("%s", err.text);
	submit(s, "crm", "acme/offers@a.test", "acme/offers@b.test");
	submit(s, "shop", "acme/receipts@a.test", "other/offers@b.test");
	static const struct {
		const char *question;
		json_int_t total;
	} lists[] = {{"{\"action\":\"list\"}", 4}, {"{\"action\":\"list\",\"stream\":\"acme/offers\"}", 2}, {"{\"action\":\"list\",\"stream\":\"acme\"}", 3},
	    {"{\"action\":\"list\",\"stream\":\"acm\"}", 0}, {"{\"action\":\"list\",\"domain\":\"B.test\"}", 2}, {"{\"action\":\"list\",\"client\":\"crm\"}", 2},
	    {"{\"action\":\"list\",\"client\":\"shop\",\"domain\":\"a.test\"}", 1}, {"{\"action\":\"list\",\"state\":\"due\",\"limit\":1}", 4}};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (answer_number(s, lists[i].question, "total") != lists[i].total)
			fail_msg("%s", lists[i].question);
	show_first(s);
	assert_int_equal(answer_number(s, "{\"action\":\"hold\",\"client\":\"shop\"}", "count"), 2);
	assert_int_equal(answer_number(s, "{\"action\":\"list\",\"state\":\"held\"}", "total"), 2);
	assert_int_equal(answer_number(s, "{\"action\":\"release\",\"all\":true}", "count"), 2);
	assert_int_equal(answer_number(s, "{\"action\":\"drop\",\"domain\":\"b.test\"}", "count"), 2);
	assert_int_equal(answer_number(s, "{\"action\":\"list\"}", "total"), 1);
	queue_error(s, "{\"action\":\"drop\"}", "expected a filter");
	queue_error(s, "{\"action\":\"burn\"}", "unknown action");
	queue_error(s, "{\"action\":\"show\"}", "expected an id");
	queue_error(s, "{\"action\":\"list\",\"id\":\"x\"}", "no message id");
	json_t *stats = stats_answer(NULL, s, true);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(stats, "spool"), "items")), 1);
	json_decref(stats);
	spool_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(questions_are_answered, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(nonsense_is_answered_too, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_socket_left_behind_is_replaced, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(the_queue_answers, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
