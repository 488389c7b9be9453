/* TZif files: the second, 64-bit part where there is one, then the rule of its footer. */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/file.h"
#include "base/mem.h"
#include "zone_rule.h"

#define ZONE_DIR      "/usr/share/zoneinfo"
#define NAME_BYTES    80
#define CHANGES_MOST  8192
#define TYPES_MOST    256
#define UNUSED_BYTES  15
#define OFFSET_MOST_S (26 * 3600)

struct zone {
	unsigned changes, types;
	bool has_rule;
	struct zone_rule rule;
	int32_t offsets[TYPES_MOST]; /* by type */
	uint8_t *type_at;            /* from each change on */
	int64_t at_s[];              /* of each change, ascending */
};

/* RFC 8536 3.1 */
struct header {
	uint8_t version;
	unsigned isutcs, isstds, leaps, times, types, chars;
};

static bool take_header(struct be_reader *in, struct header *ret)
{
	struct view magic = be_take(in, 4);
	bool good = view_eq(magic, V("TZif"));
	ret->version = (uint8_t)be_take_u(in, 1);
	be_take(in, UNUSED_BYTES);
	ret->isutcs = (unsigned)be_take_u(in, 4);
	ret->isstds = (unsigned)be_take_u(in, 4);
	ret->leaps = (unsigned)be_take_u(in, 4);
	ret->times = (unsigned)be_take_u(in, 4);
	ret->types = (unsigned)be_take_u(in, 4);
	ret->chars = (unsigned)be_take_u(in, 4);
	return good && !in->bad && ret->times <= CHANGES_MOST && ret->types && ret->types <= TYPES_MOST && ret->leaps <= CHANGES_MOST &&
	       ret->isutcs <= TYPES_MOST && ret->isstds <= TYPES_MOST && ret->chars <= CHANGES_MOST;
}

static size_t body_bytes(const struct header *h, int time_bytes)
{
	const size_t t = (size_t)time_bytes;
	return h->times * (t + 1) + h->types * 6 + h->chars + h->leaps * (t + 4) + h->isstds + h->isutcs;
}

static int64_t take_time(struct be_reader *in, int time_bytes)
{
	uint64_t v = be_take_u(in, time_bytes);
	return time_bytes == 4 ? (int32_t)(uint32_t)v : (int64_t)v;
}

/* RFC 8536 3.2 */
static bool take_body(struct be_reader *in, const struct header *h, int time_bytes, struct zone *z)
{
	bool good = true;
	for (unsigned i = 0; i < h->times; i++) {
		z->at_s[i] = take_time(in, time_bytes);
		good &= !i || z->at_s[i] > z->at_s[i - 1];
	}
	for (unsigned i = 0; i < h->times; i++) {
		z->type_at[i] = (uint8_t)be_take_u(in, 1);
		good &= z->type_at[i] < h->types;
	}
	for (unsigned i = 0; i < h->types; i++) {
		z->offsets[i] = (int32_t)(uint32_t)be_take_u(in, 4);
		good &= z->offsets[i] >= -OFFSET_MOST_S && z->offsets[i] <= OFFSET_MOST_S;
		be_take(in, 2);
	}
	be_take(in, h->chars + h->leaps * ((size_t)time_bytes + 4) + h->isstds + h->isutcs);
	return good && !in->bad;
}

/* RFC 8536 3.3: a line; empty where nothing is known of the time after the last change. */
static bool take_footer(struct be_reader *in, struct zone *z)
{
	struct view rest = in->rest, line;
	if (!rest.n || rest.p[0] != '\n')
		return false;
	rest = view_sub(rest, 1, rest.n);
	size_t end = view_find(rest, 0, '\n');
	if (end == rest.n)
		return false;
	line = view_sub(rest, 0, end);
	z->has_rule = line.n > 0;
	return !line.n || zone_rule_parse(line, &z->rule);
}

int zone_parse(struct zone **ret, struct view bytes, struct err *err)
{
	struct be_reader in = {.rest = bytes};
	struct header h;
	int time_bytes = 4;
	bool good = take_header(&in, &h);
	if (good && h.version) {
		time_bytes = 8;
		be_take(&in, body_bytes(&h, 4));
		good = take_header(&in, &h);
	}
	if (!good)
		return err_set(err, ERR_CORRUPT, "not a time zone file");
	struct zone *z = mem_zero(sizeof *z + h.times * (sizeof z->at_s[0] + 1));
	z->changes = h.times;
	z->types = h.types;
	z->type_at = (uint8_t *)&z->at_s[h.times];
	if (!take_body(&in, &h, time_bytes, z) || (time_bytes == 8 && !take_footer(&in, z))) {
		zone_free(&z);
		return err_set(err, ERR_CORRUPT, "a damaged time zone file");
	}
	*ret = z;
	return 0;
}

/* No path leaves the directory, and "right/" (leap seconds counted) is no zone of a person's. */
static bool is_name(struct view name)
{
	bool good = name.n && name.n < NAME_BYTES && ascii_is_alpha(name.p[0]) && !view_starts(name, V("right/")) && name.p[name.n - 1] != '/';
	for (size_t i = 0; good && i < name.n; i++)
		good = ascii_is_alnum(name.p[i]) || name.p[i] == '/' || name.p[i] == '_' || name.p[i] == '-' || name.p[i] == '+';
	return good;
}

int zone_load(struct zone **ret, struct view name, struct err *err)
{
	char path[sizeof ZONE_DIR + NAME_BYTES + 1];
	struct buf bytes;
	if (!is_name(name))
		return err_set(err, ERR_SYNTAX, "expected a time zone such as Europe/London");
	snprintf(path, sizeof path, ZONE_DIR "/%.*s", VFMT(name));
	buf_init(&bytes, ZONE_FILE_MAX);
	int rc = file_read(path, &bytes, err);
	if (rc == 0)
		rc = zone_parse(ret, buf_view(&bytes), err);
	if (rc < 0 && err && err->kind == ERR_MISSING)
		err_set(err, ERR_MISSING, "expected a time zone that the system knows (package tzdata), such as Europe/London");
	buf_free(&bytes);
	return rc;
}

void zone_free(struct zone **z)
{
	free(*z);
	*z = NULL;
}

int32_t zone_offset(const struct zone *z, int64_t utc_s)
{
	unsigned low = 0, high = z->changes; /* the first change after UTC_S */
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (z->at_s[middle] <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->changes && z->has_rule)
		return zone_rule_offset(&z->rule, utc_s);
	return z->offsets[low ? z->type_at[low - 1] : 0];
}
