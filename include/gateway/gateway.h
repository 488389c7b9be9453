/* The daemon: starts the rooms in order, reloads, drains and stops them. */
#pragma once

#include "base/err.h"

/* Runs until SIGTERM or SIGINT; SIGHUP reloads. Signals must not have been touched and no thread started before. */
int gateway_run(const char *config_file, struct err *err) MUST_CHECK;
