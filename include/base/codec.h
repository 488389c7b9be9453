/* Text forms of bytes, and checksums. Decoders are strict: one text for one value, no white space, no padding
 * where the form has none. */
#pragma once

#include "base/buf.h"

void hex_encode(struct buf *out, struct view bytes); /* lower case */
bool hex_decode(struct view text, void *dst, size_t n); /* exactly N bytes; either case */

void base64_encode(struct buf *out, struct view bytes); /* RFC 4648 4, padded */
bool base64_decode(struct view text, struct buf *out);  /* padded; out is appended to */

void base64url_encode(struct buf *out, struct view bytes); /* RFC 4648 5, unpadded */
bool base64url_decode(struct view text, struct buf *out);

/* RFC 4648 6, lower case, unpadded; decoding takes either case. Survives MTAs that fold local parts. */
void base32_encode(struct buf *out, struct view bytes);
bool base32_decode(struct view text, struct buf *out);

/* CRC-32C (Castagnoli; RFC 3720 B.4), in hardware where there is any. Start with crc = 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
