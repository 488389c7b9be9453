/* The daemon: starts the rooms in order, reloads, drains and stops them. */
#pragma once

#include "base/err.h"

/* Which rooms run. The two halves may run as two processes on one data directory, and be stopped one without the other: both
 * open the ledger; the web half opens no spool, the relay half no public listener. */
enum gateway_part { GATEWAY_RELAY = 1, GATEWAY_WEB = 2, GATEWAY_ALL = 3 };

/* Runs until SIGTERM or SIGINT; SIGHUP reloads. Signals must not have been touched and no thread started before. */
int gateway_run(const char *config_file, enum gateway_part part, struct err *err) MUST_CHECK;
