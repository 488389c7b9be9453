#include "base/codec.h"

#include <pthread.h>

static const char hex_digits[] = "0123456789abcdef";
static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char b32_low[] = "abcdefghijklmnopqrstuvwxyz234567";

void hex_encode(struct buf *out, struct view bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];
		char two[2] = {hex_digits[c >> 4], hex_digits[c & 15]};
		buf_add(out, view_n(two, 2));
	}
}

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct view text, void *dst, size_t n)
{
	unsigned char *to = dst;
	if (text.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(text.p[2 * i]), lo = hex_value(text.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		to[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

/* BITS (5 or 6) of input a digit. */
static void encode_bits(struct buf *out, struct view bytes, const char *digits, int bits)
{
	unsigned acc = 0;
	int have = 0;
	for (size_t i = 0; i < bytes.n; i++) {
		acc = acc << 8 | (unsigned char)bytes.p[i];
		have += 8;
		while (have >= bits) {
			have -= bits;
			buf_byte(out, digits[acc >> have & ((1u << bits) - 1)]);
		}
	}
	if (have)
		buf_byte(out, digits[acc << (bits - have) & ((1u << bits) - 1)]);
}

static int digit_of(const char *digits, int count, char c)
{
	const char *hit = c ? memchr(digits, c, (size_t)count) : NULL;
	return hit ? (int)(hit - digits) : -1;
}

static bool decode_bits(struct view text, const char *digits, int bits, bool fold, struct buf *out)
{
	unsigned acc = 0;
	int have = 0;
	for (size_t i = 0; i < text.n; i++) {
		int d = digit_of(digits, 1 << bits, fold ? ascii_lower(text.p[i]) : text.p[i]);
		if (d < 0)
			return false;
		acc = acc << bits | (unsigned)d;
		have += bits;
		if (have >= 8) {
			have -= 8;
			buf_byte(out, (char)(acc >> have));
		}
	}
	/* What is left is padding: fewer bits than a digit holds, all zero. */
	return have < bits && (acc & ((1u << have) - 1)) == 0 && !out->failed;
}

void base64_encode(struct buf *out, struct view bytes)
{
	encode_bits(out, bytes, b64_std, 6);
	for (size_t i = bytes.n % 3; i && i < 3; i++)
		buf_byte(out, '=');
}

bool base64_decode(struct view text, struct buf *out)
{
	if (text.n % 4)
		return false;
	for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
		text.n--;
	return decode_bits(text, b64_std, 6, false, out);
}

void base64url_encode(struct buf *out, struct view bytes)
{
	encode_bits(out, bytes, b64_url, 6);
}

bool base64url_decode(struct view text, struct buf *out)
{
	return decode_bits(text, b64_url, 6, false, out);
}

void base32_encode(struct buf *out, struct view bytes)
{
	encode_bits(out, bytes, b32_low, 5);
}

bool base32_decode(struct view text, struct buf *out)
{
	return decode_bits(text, b32_low, 5, true, out);
}

static uint32_t crc_table[8][256];
static bool crc_hardware;

static void crc_prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		crc_table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 255];
#if defined(__x86_64__)
	crc_hardware = __builtin_cpu_supports("sse4.2");
#endif
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_hardware(uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t c = crc;
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	uint32_t r = (uint32_t)c;
	for (; n; p++, n--)
		r = __builtin_ia32_crc32qi(r, *p);
	return r;
}
#endif

static uint32_t crc_by_table(uint32_t c, const unsigned char *p, size_t n)
{
	for (; n >= 8; p += 8, n -= 8) {
		c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = crc_table[7][c & 255] ^ crc_table[6][c >> 8 & 255] ^ crc_table[5][c >> 16 & 255] ^
		    crc_table[4][c >> 24] ^ crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^
		    crc_table[0][p[7]];
	}
	for (; n; p++, n--)
		c = c >> 8 ^ crc_table[0][(c ^ *p) & 255];
	return c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, crc_prepare);
	crc = ~crc;
#if defined(__x86_64__)
	if (crc_hardware)
		return ~crc_by_hardware(crc, p, n);
#endif
	return ~crc_by_table(crc, p, n);
}
