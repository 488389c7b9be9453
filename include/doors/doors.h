/* Two more doors to the same verdict and the same compose step, for those who keep their own queue:
 *
 *   policy   Postfix's policy delegation protocol: one answer for each RCPT, before any message is seen
 *   milter   the Sendmail 8 milter protocol: the verdict at RCPT and at the message's end, and there our fields and signatures
 *
 * The mail's client is known by the SMTP user that the MTA has checked, if that is a client's name; else by the address that
 * the mail came from; else it is the one that the settings name. What neither door can do is ask again before each
 * delivery attempt: mail that the MTA has queued is no longer ours. */
#pragma once

#include "compose/compose.h"
#include "intake/intake.h"

enum door { DOOR_POLICY, DOOR_MILTER, DOORS };

/* What becomes of mail whose client nobody knows. */
enum doors_unknown { DOORS_DEFER, DOORS_REFUSE, DOORS_PASS };

struct doors_settings { /* frozen, shared */
	struct shared shared;
	struct compose_settings *compose; /* a reference is held */
	char *client;                     /* for mail that no other rule names a client for; NULL = none */
	enum doors_unknown unknown;
};
void doors_settings_free(struct shared *s);

struct doors_limits {
	unsigned workers, max_connections; /* 0 workers: 1 */
	int64_t idle_timeout_ms;
	struct network *networks; /* of MTAs that may connect; a unix socket's permissions speak for themselves */
	unsigned network_count;
};

struct doors_listener {
	enum door door;
	const char *at; /* as net/endpoint.h */
};

struct doors;
/* Takes over SETTINGS, also when it fails; copies the rest. */
int doors_start(struct doors **ret, const struct doors_limits *limits, const struct doors_listener *listeners, size_t n,
    struct intake *intake, const struct clock *clock, struct doors_settings *settings, struct err *err) MUST_CHECK;
void doors_use(struct doors *d, struct doors_settings *settings); /* reload; takes over */
void doors_stop(struct doors **d);
/* The bound address of the I-th listener. */
bool doors_address(const struct doors *d, size_t i, struct endpoint *ret);
