/* The log's ring: fixed slots under one mutex held for a memcpy; the writer thread swaps whole batches out.
 *
 * Waking the writer for each line would cost the event loops a system call a message. So it is only woken when it sleeps:
 *
 *   BUSY  ── ring empty ──▶ NAPPING (NAP_MS; woken early by an error's line or a ring that is half full)
 *     ▲                        │ something came ──▶ BUSY
 *     └── first line ── ASLEEP ◀┘ nothing came
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define LINE_BYTES 1024
#define RING_LINES 4096
#define NAP_MS     20 /* a line is written no later than this */

struct line {
	unsigned short n;
	char text[LINE_BYTES];
};

enum writer_state { WRITER_BUSY, WRITER_NAPPING, WRITER_ASLEEP };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled; /* on the monotonic clock; lives from start to stop */
	enum writer_state writer;
	struct line *ring;
	unsigned head, count;
	unsigned long dropped;
	bool running, stopping;
	pthread_t thread;
	_Atomic int level;
	_Atomic int fd;
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_INFO, .fd = 2};

static void write_out(const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(logger.fd, p, n);
		if (w <= 0)
			return; /* nobody to tell */
		p += w;
		n -= (size_t)w;
	}
}

static void drain_locked(char *batch, size_t size)
{
	size_t n = 0;
	while (logger.count && n + LINE_BYTES <= size) {
		struct line *l = &logger.ring[logger.head];
		memcpy(batch + n, l->text, l->n);
		n += l->n;
		logger.head = (logger.head + 1) % RING_LINES;
		logger.count--;
	}
	unsigned long lost = logger.dropped;
	logger.dropped = 0;
	pthread_mutex_unlock(&logger.lock);
	write_out(batch, n);
	if (lost) {
		char note[96];
		int k = snprintf(note, sizeof note, "<4>log.dropped lines=%lu\n", lost);
		write_out(note, (size_t)k);
	}
	pthread_mutex_lock(&logger.lock);
}

static void nap(void)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += NAP_MS * 1000000l;
	if (until.tv_nsec >= 1000000000l) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000l;
	}
	logger.writer = WRITER_NAPPING;
	pthread_cond_timedwait(&logger.filled, &logger.lock, &until);
}

/* Returns when there is something to write, or to stop. */
static void rest(void)
{
	if (!logger.stopping)
		nap();
	while (!logger.count && !logger.stopping) {
		logger.writer = WRITER_ASLEEP;
		pthread_cond_wait(&logger.filled, &logger.lock);
	}
	logger.writer = WRITER_BUSY;
}

static void *writer(void *arg)
{
	static char batch[64 * LINE_BYTES];
	(void)arg;
	pthread_mutex_lock(&logger.lock);
	for (;;) {
		if (!logger.count)
			rest();
		if (!logger.count)
			break;
		drain_locked(batch, sizeof batch);
	}
	pthread_mutex_unlock(&logger.lock);
	return NULL;
}

int log_start(struct err *err)
{
	pthread_condattr_t monotonic;
	logger.ring = mem_alloc(sizeof *logger.ring * RING_LINES);
	logger.stopping = false;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&logger.filled, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&logger.thread, NULL, writer, NULL) != 0)
		return err_set(err, ERR_SYSTEM, "log thread cannot be started");
	pthread_mutex_lock(&logger.lock);
	logger.running = true;
	pthread_mutex_unlock(&logger.lock);
	return 0;
}

void log_stop(void)
{
	pthread_mutex_lock(&logger.lock);
	bool was = logger.running;
	logger.running = false;
	logger.stopping = true;
	if (was)
		pthread_cond_signal(&logger.filled);
	pthread_mutex_unlock(&logger.lock);
	if (!was)
		return;
	pthread_join(logger.thread, NULL);
	pthread_cond_destroy(&logger.filled);
	free(logger.ring);
	logger.ring = NULL;
}

void log_set_level(enum log_level most)
{
	logger.level = (int)most;
}

void log_set_fd(int fd)
{
	logger.fd = fd;
}

static bool is_to_wake(enum log_level level)
{
	if (logger.writer == WRITER_NAPPING)
		return level <= LOG_LEVEL_ERROR || logger.count == RING_LINES / 2;
	return logger.writer == WRITER_ASLEEP && logger.count == 1;
}

static void enqueue(enum log_level level, const char *text, size_t n)
{
	pthread_mutex_lock(&logger.lock);
	if (!logger.running) {
		pthread_mutex_unlock(&logger.lock);
		write_out(text, n);
		return;
	}
	if (logger.count == RING_LINES) {
		logger.dropped++;
	} else {
		struct line *l = &logger.ring[(logger.head + logger.count++) % RING_LINES];
		memcpy(l->text, text, n);
		l->n = (unsigned short)n;
		if (is_to_wake(level))
			pthread_cond_signal(&logger.filled);
	}
	pthread_mutex_unlock(&logger.lock);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	if ((int)level > logger.level)
		return;
	char text[LINE_BYTES];
	int n = snprintf(text, sizeof text, "<%d>%s ", (int)level, event);
	va_list ap;
	va_start(ap, fmt);
	int m = vsnprintf(text + n, sizeof text - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = strlen(text);
	if (m < 0)
		return;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	text[len++] = '\n';
	enqueue(level, text, len);
}

const char *log_safe(char *dst, size_t size, const char *p, size_t n)
{
	size_t i = 0;
	for (; i < n && i + 1 < size; i++) {
		unsigned char c = (unsigned char)p[i];
		dst[i] = c < 0x20 || c == 0x7f ? '?' : c == '"' ? '\'' : c == '\\' ? '/' : (char)c;
	}
	dst[i] = 0;
	return dst;
}
