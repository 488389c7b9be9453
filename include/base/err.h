/* Failures: a kind to branch on, an errno where there was one, and a sentence for a person. */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,      /* a system call failed; .sys holds errno */
	ERR_SYNTAX,      /* input that does not follow its grammar */
	ERR_LIMIT,       /* a named limit was reached */
	ERR_MISSING,     /* what was asked for does not exist */
	ERR_CONFLICT,    /* it exists already, or another process holds it */
	ERR_CORRUPT,     /* stored data does not match its checksum or format */
	ERR_UNAVAILABLE, /* a service behind us cannot answer now; trying again may help */
	ERR_REFUSED,     /* understood, and not allowed */
};

struct err {
	enum err_kind kind;
	int sys;
	char text[320];
};

/* Both fill ERR (NULL is accepted) and return -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
/* kind ERR_SYSTEM; ": strerror(errno)" is appended. */
int err_sys(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* Puts "prefix: " before what ERR says already. Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);
