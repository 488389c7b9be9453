/* The log: one logfmt line an event on standard error, `event key=value key="two words"`, with the <N> priority
 * that journald understands. Writers never wait: lines go to a bounded ring that a thread of its own empties;
 * when the ring is full, lines are counted and dropped, and the count is logged. That thread collects for up to 20 ms;
 * errors are written at once. Before log_start and after log_stop
 * lines are written at once. Control bytes become '?', so that no input can forge a line.
 * Lower rooms (base to policy) never log: they return errors. Nobody logs a clear address, password or token. */
#pragma once

#include <stddef.h>

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

int log_start(struct err *err) MUST_CHECK; /* starts the thread */
void log_stop(void);                       /* writes what is left, ends the thread */
void log_set_level(enum log_level most);   /* default LOG_LEVEL_INFO */
void log_set_fd(int fd);                   /* default 2; tests redirect it */

/* EVENT is `room.noun.verb` ("smtp.rcpt.refuse"); FMT gives the key=value part, without a newline.
 * Values that may hold blanks or come from outside are put in quotes by the caller: key="%s"; a quote inside them
 * becomes an apostrophe only if passed through log_safe. */
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);
/* Copy fit for a quoted value: control bytes, quotes and backslashes replaced; cut at SIZE-1. Returns DST. */
const char *log_safe(char *dst, size_t size, const char *p, size_t n);
