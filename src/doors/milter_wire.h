/* The Sendmail 8 milter protocol (libmilter/mfdef.h) as bytes, pure: a packet is a length (4, big-endian), a command letter and
 * its data. Version 6 and, for older MTAs, 2 to 5. */
#pragma once

#include "base/buf.h"

#define MILTER_VERSION 6
#define MILTER_VERSION_MIN 2
#define MILTER_PACKET_MAX (1u << 20) /* libmilter's own limit: a header field may be as long */

enum milter_command { /* the MTA's */
	MILTER_ABORT = 'A',
	MILTER_BODY = 'B',
	MILTER_CONNECT = 'C',
	MILTER_MACRO = 'D',
	MILTER_END = 'E', /* of the body: our last word */
	MILTER_HELO = 'H',
	MILTER_QUIT_NEW = 'K', /* another connection follows */
	MILTER_HEADER = 'L',
	MILTER_MAIL = 'M',
	MILTER_END_OF_HEADERS = 'N',
	MILTER_NEGOTIATE = 'O',
	MILTER_QUIT = 'Q',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T',
	MILTER_UNKNOWN = 'U',
};

enum milter_reply { /* ours */
	MILTER_DELETE_RCPT = '-',
	MILTER_ACCEPT = 'a',
	MILTER_CONTINUE = 'c',
	MILTER_DISCARD = 'd', /* the whole message */
	MILTER_CHANGE_FROM = 'e',
	MILTER_ADD_HEADER = 'h',
	MILTER_INSERT_HEADER = 'i',
	MILTER_CHANGE_HEADER = 'm',
	MILTER_REPLY_CODE = 'y',
};

enum milter_actions {
	MAY_ADD_HEADERS = 0x01,
	MAY_DELETE_RCPT = 0x08,
	MAY_CHANGE_HEADERS = 0x10,
	MAY_CHANGE_FROM = 0x40
};

enum milter_steps {
	NO_UNKNOWN = 0x100, /* not sent to us */
	NO_DATA = 0x200,
	QUIET_HEADER = 0x80, /* not answered by us */
	QUIET_CONNECT = 0x1000,
	QUIET_HELO = 0x2000,
	QUIET_END_OF_HEADERS = 0x40000,
	QUIET_BODY = 0x80000,
	LEADING_SPACE = 0x100000, /* a header's value begins right behind the colon */
};

struct milter_packet {
	char command;
	struct view data;
};

enum packet_kind { PACKET_MORE, PACKET_GOOD, PACKET_BAD };
/* The first packet of IN. *ret_eaten counts its bytes. */
enum packet_kind milter_take(struct view in, struct milter_packet *ret, size_t *ret_eaten);

/* What the MTA offers, and our answer. */
struct milter_offer {
	uint32_t version, actions, steps;
};
bool milter_read_offer(struct view data, struct milter_offer *ret);
/* What we take of it. False, with a sentence: too little to work with. */
bool milter_negotiate(const struct milter_offer *theirs, struct milter_offer *ret, const char **why);
void milter_write_offer(const struct milter_offer *o, struct buf *out);

/* A string that ends with a NUL, off DATA; false when there is none. */
bool milter_string(struct view *data, struct view *ret);

struct milter_connect {
	struct view host, address; /* address empty: a unix socket, or not known */
	uint16_t port;
};
bool milter_read_connect(struct view data, struct milter_connect *ret);
/* The value of NAME ("{auth_authen}"; without braces fits too) in a macro packet's list (behind its command letter). */
struct view milter_macro(struct view list, struct view name);

/* Packets of ours. VALUE may hold CR LF, which travel as LF. */
void milter_write(struct buf *out, enum milter_reply r, struct view data);
void milter_write_header(struct buf *out, enum milter_reply r, uint32_t index, struct view name, struct view value);
void milter_write_code(struct buf *out, int code, const char *enhanced, const char *text);
