#include "desk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct desk {
	pthread_mutex_t lock;
	pthread_cond_t come;
	pthread_t thread;
	struct errand *first, **last;
	unsigned count;
	bool closing;
};

/* NULL: no more will come. */
static struct errand *next_errand(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	while (!d->first && !d->closing)
		pthread_cond_wait(&d->come, &d->lock);
	struct errand *e = d->first;
	if (e) {
		d->first = e->next;
		if (!d->first)
			d->last = &d->first;
		d->count--;
	}
	pthread_mutex_unlock(&d->lock);
	return e;
}

static void *run(void *arg)
{
	struct errand *e;
	while ((e = next_errand(arg))) {
		struct web_request *r = e->request;
		e->work(e);
		http_resume(r); /* E is the request's: gone from here on */
	}
	return NULL;
}

static void discard(struct desk **d)
{
	pthread_cond_destroy(&(*d)->come);
	pthread_mutex_destroy(&(*d)->lock);
	free(*d);
	*d = NULL;
}

int desk_open(struct desk **ret, struct err *err)
{
	struct desk *d = mem_zero(sizeof *d);
	d->last = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->come, NULL);
	errno = pthread_create(&d->thread, NULL, run, d);
	if (errno) {
		err_sys(err, "a thread for long answers");
		discard(&d);
		return -1;
	}
	*ret = d;
	return 0;
}

bool desk_take(struct desk *d, struct errand *e)
{
	pthread_mutex_lock(&d->lock);
	bool room = d->count < DESK_MOST;
	if (room) {
		http_wait(e->request);
		e->next = NULL;
		*d->last = e;
		d->last = &e->next;
		d->count++;
		pthread_cond_signal(&d->come);
	}
	pthread_mutex_unlock(&d->lock);
	return room;
}

void desk_close(struct desk **dd)
{
	struct desk *d = *dd;
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->closing = true;
	pthread_cond_signal(&d->come);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	discard(dd);
}
