/* Deliveries and complaints of a stream over a sliding window, in slices. Pure: the caller brings the time. */
#pragma once

#include "base/be.h"
#include "policy/policy.h"

#define TALLY_SLICES  24
#define TALLY_SENT_TO 65536 /* latest recipients that are remembered */

struct tally {
	struct tally *next;
	struct scope scope;
	struct scope brand;
	int64_t window_ms; /* that the slices are of */
	uint64_t slice;    /* number of the latest */
	uint32_t delivered[TALLY_SLICES], complaints[TALLY_SLICES];
	uint32_t *sent_to; /* TALLY_SENT_TO prints of person keys; not kept over a restart */
	bool stopped;      /* by too many complaints, until somebody releases it */
};

struct tally *tally_new(const struct scope *stream, const struct scope *brand);
void tally_free(struct tally **t);

void tally_delivered(struct tally *t, const struct person_key *who, int64_t window_ms, int64_t now_ms);
void tally_complaint(struct tally *t, int64_t window_ms, int64_t now_ms);
void tally_forget(struct tally *t); /* a fresh start */
uint32_t tally_sum(const uint32_t slices[TALLY_SLICES]);
/* Was this person among the latest that were sent something? Then no longer. */
bool tally_take_recipient(struct tally *t, const struct person_key *who);

/* As kept in a file: names, window, slices, whether it is stopped. */
void tally_write(const struct tally *t, struct buf *out);
/* NULL: not what tally_write writes; R is bad then. */
struct tally *tally_read(struct be_reader *r);
