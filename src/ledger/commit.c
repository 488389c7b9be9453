/* Group commit.
 *
 *   ledger_submit ─▶ queue of jobs ─▶ committer: takes all that wait (up to a batch), one transaction, one fsync ─▶ done() of each
 *
 * A job is one submit: all of its changes or none. When a job is refused after some of it was written, the transaction is dropped and the
 * batch done again without that job. When the store is cured of what a transaction died of, the batch is done again whole. When it can't be
 * cured, every job of the batch is answered with the error, and the next batch starts afresh. */
#include "ledger_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/counter.h"

#define ATTEMPTS_MOST 64

COUNTER(commits, "optgate_ledger_commits_total", "Ledger transactions committed");
COUNTER(committed, "optgate_ledger_changes_total", "Ledger changes made durable");
COUNTER(
    failed_commits, "optgate_ledger_commit_failures_total", "Batches of ledger changes that could not be made durable");

struct job {
	struct job *next;
	ledger_done *done;
	void *arg;
	size_t n;
	struct err err; /* kind != ERR_NONE: refused */
	struct change_result *results;
	char *strings;
	struct change changes[];
};

struct committer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	unsigned waiting;
	bool stopping;
};

/* ---- jobs ---- */

static struct view *strings_of(struct change *c, int i)
{
	struct view *const all[] = {&c->address, &c->wording, &c->source, &c->actor, &c->note, &c->evidence, &c->text, &c->other_address};
	return i < (int)(sizeof all / sizeof *all) ? all[i] : NULL;
}

static void strings_copy(struct job *j)
{
	size_t total = 0;
	struct view *s;
	for (size_t i = 0; i < j->n; i++)
		for (int k = 0; (s = strings_of(&j->changes[i], k)); k++)
			total += s->n;
	char *to = j->strings = mem_alloc(total + 1);
	for (size_t i = 0; i < j->n; i++)
		for (int k = 0; (s = strings_of(&j->changes[i], k)); k++) {
			if (s->n)
				memcpy(to, s->p, s->n);
			*s = view_n(to, s->n);
			to += s->n;
		}
}

static void changes_check(const struct change *c, size_t n, struct err *err)
{
	if (n > CHANGES_PER_CALL_MOST)
		err_set(err, ERR_LIMIT, "more than %d changes at once", CHANGES_PER_CALL_MOST);
	for (size_t i = 0; i < n && err->kind == ERR_NONE; i++)
		if (change_check(&c[i], err) < 0 && n > 1)
			err_prefix(err, "change %zu", i + 1);
}

/* A job with a refusal in it carries no changes. */
static struct job *job_new(const struct change *c, size_t n, ledger_done *done, void *arg)
{
	struct err err = {0};
	changes_check(c, n, &err);
	if (err.kind != ERR_NONE)
		n = 0;
	struct job *j = mem_zero(sizeof *j + n * sizeof *c);
	j->done = done;
	j->arg = arg;
	j->n = n;
	j->err = err;
	j->results = mem_zero((n + 1) * sizeof *j->results);
	if (n)
		memcpy(j->changes, c, n * sizeof *c);
	strings_copy(j);
	return j;
}

static void job_finish(struct job *j, const struct err *err)
{
	if (j->err.kind != ERR_NONE)
		err = &j->err;
	j->done(j->arg, err ? NULL : j->results, err ? 0 : j->n, err);
	free(j->strings);
	free(j->results);
	free(j);
}

/* ---- one batch ---- */

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_FAILED };

/* False when the job was refused and has left writes behind. */
static bool job_apply(struct apply *a, struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		if (apply_change(a, &j->changes[i], &j->results[i], &j->err) == 0)
			continue;
		if (j->err.kind == ERR_NONE)
			err_set(&j->err, ERR_REFUSED, "refused");
		return i == 0 && !a->entered;
	}
	return true;
}

static enum attempt batch_attempt(struct ledger *l, struct job *jobs, struct err *err)
{
	struct txn *t = NULL;
	struct apply a;
	bool again = false;
	if (store_write(l->store, &t, err) < 0)
		return ATTEMPT_FAILED;
	apply_begin(&a, l, t);
	for (struct job *j = jobs; j; j = j->next) {
		if (j->err.kind == ERR_NONE && !job_apply(&a, j)) {
			txn_end(&t);
			return ATTEMPT_AGAIN;
		}
	}
	/* The commit point of every change: answers come after it. */
	if (txn_commit(&t, &again, err) == 0)
		return ATTEMPT_DONE;
	return again ? ATTEMPT_AGAIN : ATTEMPT_FAILED;
}

static void batch_commit(struct ledger *l, struct job *jobs)
{
	struct err err = {0};
	enum attempt outcome = ATTEMPT_AGAIN;
	unsigned refusable = 0;
	for (struct job *j = jobs; j; j = j->next)
		refusable++;
	for (unsigned i = 0; outcome == ATTEMPT_AGAIN && i < ATTEMPTS_MOST + refusable; i++)
		outcome = batch_attempt(l, jobs, &err);
	counter_add(outcome == ATTEMPT_DONE ? &commits : &failed_commits, 1);
	while (jobs) {
		struct job *j = jobs;
		jobs = j->next;
		if (outcome == ATTEMPT_DONE && j->err.kind == ERR_NONE)
			counter_add(&committed, (int64_t)j->n);
		job_finish(j, outcome == ATTEMPT_DONE ? NULL : &err);
	}
}

/* ---- the committer ---- */

/* Takes jobs of up to one batch of changes off the queue; the lock is held. */
static struct job *batch_take(struct committer *c, unsigned most)
{
	struct job *batch = c->first, **end = &c->first;
	size_t n = 0;
	while (*end && (n == 0 || n + (*end)->n <= most)) {
		n += (*end)->n ? (*end)->n : 1;
		end = &(*end)->next;
		c->waiting--;
	}
	c->first = *end;
	*end = NULL;
	if (!c->first)
		c->last = &c->first;
	return batch;
}

static struct job *batch_wait(struct ledger *l, struct committer *c)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REAP_EVERY_S;
	while (!c->first && !c->stopping) {
		if (pthread_cond_timedwait(&c->wake, &c->lock, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&c->lock);
		store_reap(l->store);
		pthread_mutex_lock(&c->lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += REAP_EVERY_S;
	}
	return c->first ? batch_take(c, l->batch) : NULL;
}

static void *committer_run(void *arg)
{
	struct ledger *l = arg;
	struct committer *c = l->committer;
	struct job *jobs;
	pthread_mutex_lock(&c->lock);
	while ((jobs = batch_wait(l, c))) {
		pthread_mutex_unlock(&c->lock);
		batch_commit(l, jobs);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int committer_start(struct ledger *l, struct err *err)
{
	struct committer *c = mem_zero(sizeof *c);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&c->lock, NULL);
	c->last = &c->first;
	l->committer = c;
	errno = pthread_create(&c->thread, NULL, committer_run, l);
	if (errno == 0)
		return 0;
	err_sys(err, "ledger: committer thread");
	l->committer = NULL;
	free(c);
	return -1;
}

void committer_stop(struct ledger *l)
{
	struct committer *c = l->committer;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
	l->committer = NULL;
}

/* ---- submitting ---- */

static bool enqueue(struct committer *c, struct job *j)
{
	pthread_mutex_lock(&c->lock);
	bool room = c->waiting < QUEUE_MOST && !c->stopping;
	if (room) {
		*c->last = j;
		c->last = &j->next;
		c->waiting++;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	return room;
}

void ledger_submit(struct ledger *l, const struct change *c, size_t n, ledger_done *done, void *arg)
{
	struct job *j = job_new(c, n, done, arg);
	struct err err = {0};
	if (!l->committer)
		err_set(&err, ERR_REFUSED, "the ledger is open for reading only");
	else if (!enqueue(l->committer, j))
		err_set(&err, ERR_UNAVAILABLE, "ledger: %d changes wait already", QUEUE_MOST);
	if (err.kind != ERR_NONE)
		job_finish(j, &err);
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
	struct change_result *results;
	struct err err;
};

static void wake(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct waiter *w = arg;
	pthread_mutex_lock(&w->lock);
	if (err)
		w->err = *err;
	else if (w->results && n)
		memcpy(w->results, results, n * sizeof *results);
	w->is_done = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

int ledger_change_all(struct ledger *l, const struct change *c, size_t n, struct change_result *ret, struct err *err)
{
	struct waiter w = {.results = ret};
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.done, NULL);
	ledger_submit(l, c, n, wake, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.is_done)
		pthread_cond_wait(&w.done, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.done);
	pthread_mutex_destroy(&w.lock);
	if (w.err.kind == ERR_NONE)
		return 0;
	if (err)
		*err = w.err;
	return -1;
}

int ledger_change(struct ledger *l, const struct change *c, struct change_result *ret, struct err *err)
{
	return ledger_change_all(l, c, 1, ret, err);
}
