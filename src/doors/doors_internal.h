/* What both protocols stand on. A protocol is pure state: bytes in, bytes out; door.c ties it to a connection.
 *
 *   listener ──▶ worker (a loop, a composer) ──▶ guest (a connection) ──▶ protocol's session ──▶ intake
 */
#pragma once

#include "base/log.h"
#include "base/mem.h"
#include "doors/doors.h"
#include "intake/ask.h"

struct door_env { /* of one worker */
	struct intake *intake;
	const struct intake_verbs *verbs;
	struct shared_slot *settings; /* struct doors_settings */
	const struct clock *clock;
	struct composer *composer;
};

struct door_protocol {
	const char *name;
	void *(*open)(struct door_env *env);
	/* Returns how much it has eaten; *WHY is set to a sentence when the connection is to be closed (after OUT was sent). */
	size_t (*feed)(void *session, struct view in, struct buf *out, const char **why);
	void (*close)(void *session);
};
extern const struct door_protocol door_policy, door_milter;

/* ---- who.c: whose mail it is */

/* Makes SESSION a client's: USER's if that is one, else (by then) its network's, else the settings'. Code 0 in *REFUSED: all
 * is well; false with code 0: nobody knows, and the mail is to pass untouched. */
bool door_identify(struct door_env *env, void *session, struct view user, struct reply *refused);
/* "192.0.2.1" or "IPv6:2001:db8::1" or "2001:db8::1" with a port; an endpoint of no family when it is none. */
struct endpoint door_endpoint(struct view ip, uint16_t port);
