#include "scan.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"

#define SEARCH_STEP (1u << 18)
#define BODY_STEP   (1u << 16)

void scanner_init(struct scanner *sc, bool (*read)(void *, void *, size_t, uint64_t), void *arg, uint64_t limit, uint32_t mark)
{
	*sc = (struct scanner){.read = read, .arg = arg, .limit = limit, .mark = mark};
	buf_init(&sc->head, HEAD_MAX + FRAME);
}

void scanner_free(struct scanner *sc)
{
	buf_free(&sc->head);
}

static size_t at_most(uint64_t n, size_t most)
{
	return n < most ? (size_t)n : most;
}

/* N bytes at OFFSET, from the window or through it. */
static const unsigned char *bytes_at(struct scanner *sc, uint64_t offset, size_t n)
{
	if (offset > sc->limit || n > sc->limit - offset)
		return NULL;
	if (n > SCAN_WINDOW) {
		buf_clear(&sc->head);
		char *to = buf_reserve(&sc->head, n);
		return to && sc->read(sc->arg, to, n, offset) ? (unsigned char *)to : NULL;
	}
	if (offset < sc->window_at || offset + n > sc->window_at + sc->window_n) {
		sc->window_n = 0;
		size_t want = at_most(sc->limit - offset, SCAN_WINDOW);
		if (!sc->read(sc->arg, sc->window, want, offset))
			return NULL;
		sc->window_at = offset;
		sc->window_n = want;
	}
	return sc->window + (offset - sc->window_at);
}

bool scan_at(struct scanner *sc, uint64_t offset, struct scanned *ret)
{
	const unsigned char *p = bytes_at(sc, offset, FRAME);
	struct scanned rec = {.offset = offset};
	if (!p || !frame_parse(view_n(p, FRAME), sc->mark, &rec.frame) || frame_length(&rec.frame) > sc->limit - offset)
		return false;
	p = bytes_at(sc, offset, (size_t)FRAME + rec.frame.head_n);
	if (!p)
		return false;
	rec.head = view_n(p + FRAME, rec.frame.head_n);
	if (!frame_verify(p, rec.head))
		return false;
	*ret = rec;
	return true;
}

bool scan_body(struct scanner *sc, const struct scanned *rec)
{
	uint64_t at = rec->offset + FRAME + rec->frame.head_n, end = at + rec->frame.body_n;
	unsigned char *chunk = mem_alloc(BODY_STEP);
	uint32_t crc = 0;
	bool ok = true;
	while (ok && at < end) {
		size_t n = at_most(end - at, BODY_STEP);
		ok = sc->read(sc->arg, chunk, n, at);
		crc = ok ? crc32c(crc, chunk, n) : crc;
		at += n;
	}
	free(chunk);
	return ok && crc == rec->frame.body_crc;
}

/* A place between FROM and FROM + N where the mark stands and a sound record follows. */
static bool search_chunk(struct scanner *sc, const unsigned char *chunk, size_t n, uint64_t from, bool batch, struct scanned *ret)
{
	unsigned char mark[4];
	be_put(mark, sc->mark, 4);
	for (const unsigned char *p = chunk; (p = memmem(p, n - (size_t)(p - chunk), mark, sizeof mark)); p++)
		if (scan_at(sc, from + (uint64_t)(p - chunk), ret) && (!batch || ret->frame.flags & FRAME_BATCH))
			return true;
	return false;
}

bool scan_search(struct scanner *sc, uint64_t from, bool batch, struct scanned *ret)
{
	unsigned char *chunk = mem_alloc(SEARCH_STEP);
	bool found = false;
	while (!found && from < sc->limit && sc->limit - from >= FRAME) {
		size_t n = at_most(sc->limit - from, SEARCH_STEP);
		if (!sc->read(sc->arg, chunk, n, from))
			break;
		found = search_chunk(sc, chunk, n, from, batch, ret);
		from += n - 3; /* a mark may lie across the border */
	}
	free(chunk);
	return found;
}

uint64_t scan_end(struct scanner *sc, uint64_t from)
{
	struct scanned rec;
	uint64_t end = from, batch = from;
	while (scan_at(sc, end, &rec) || scan_search(sc, end, true, &rec)) {
		if (rec.frame.flags & FRAME_BATCH)
			batch = rec.offset;
		end = rec.offset + frame_length(&rec.frame);
	}
	while (batch < end && scan_at(sc, batch, &rec) && scan_body(sc, &rec))
		batch += frame_length(&rec.frame);
	return batch;
}
