/* Who a key stands for: the keyed hash, and the readable address under seal. */
#include "ledger_internal.h"

#include "base/be.h"

#define ADDRESS_MOST 512

void ledger_person_key(const struct ledger *l, enum channel c, struct view canonical, struct person_key *ret)
{
	uint8_t head[2] = {(uint8_t)c, 0}, hash[SHA256_BYTES];
	const struct view parts[] = {view_n(head, sizeof head), canonical};
	mac(l->key, parts, 2, hash);
	memcpy(ret->b, hash, PERSON_KEY_BYTES);
}

/* The seal is bound to its row: a record moved to another key does not open. */
static struct view context_of(uint8_t dst[PERSON_KEY_BYTES + 1], const struct person_key *who, enum channel c)
{
	memcpy(dst, who->b, PERSON_KEY_BYTES);
	dst[PERSON_KEY_BYTES] = (uint8_t)c;
	return view_n(dst, PERSON_KEY_BYTES + 1);
}

void person_seal(
    const struct ledger *l, const struct person_key *who, enum channel c, struct view address, struct buf *out)
{
	uint8_t context[PERSON_KEY_BYTES + 1];
	struct buf plain;
	buf_init(&plain, ADDRESS_MOST + 2);
	be_add_view(&plain, address, 2);
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, c, 1);
	seal(l->person_key, context_of(context, who, c), buf_view(&plain), out);
	if (plain.failed)
		out->failed = true;
	buf_free(&plain);
}

bool person_unseal(const struct ledger *l, const struct person_key *who, struct view value, struct buf *ret_address)
{
	uint8_t context[PERSON_KEY_BYTES + 1];
	struct be_reader r = {.rest = value};
	uint64_t version = be_take_u(&r, 1);
	enum channel c = (enum channel)be_take_u(&r, 1);
	struct buf plain;
	buf_init(&plain, 4096);
	bool good =
	    !r.bad && version == FORMAT_VERSION && unseal(l->person_key, context_of(context, who, c), r.rest, &plain);
	struct be_reader in = {.rest = buf_view(&plain)};
	struct view address = be_take_view(&in, 2);
	good = good && !in.bad;
	if (good)
		buf_add(ret_address, address);
	if (plain.p)
		mem_wipe(plain.p, plain.n);
	buf_free(&plain);
	return good && !ret_address->failed;
}
