/* Stored form of envelope and recipient: a version byte, then the members in order, big-endian, each view behind its
 * 16-bit length. Whole bytes only: what is left over is as wrong as what is missing. */
#include "mail/envelope.h"

#define VERSION 1
#define ENVELOPE_VERSION 3 /* since 2: the class; since 3: how many were named */
#define LENGTH_BYTES 2

void envelope_write(const struct envelope *e, struct buf *out)
{
	const struct view texts[] = {e->client, e->client_ip, e->helo, e->brand, e->stream, e->topic, e->campaign,
	    e->return_path, e->envid};
	be_add(out, ENVELOPE_VERSION, 1);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		be_add_view(out, texts[i], LENGTH_BYTES);
	be_add(out, e->ret, 1);
	be_add(out, e->protocol, 1);
	be_add(out, (uint64_t)e->arrived_ms, 8);
	be_add(out, e->class, 1);
	be_add(out, e->named, 4);
}

static int check_end(const struct be_reader *r, const char *what, struct err *err)
{
	if (r->bad || r->rest.n)
		return err_set(err, ERR_CORRUPT, "%s: %s", what, r->bad ? "bytes are missing" : "bytes are left over");
	return 0;
}

static int take_version(struct be_reader *r, const char *what, unsigned newest, unsigned *ret, struct err *err)
{
	*ret = (unsigned)be_take_u(r, 1);
	if (*ret < 1 || *ret > newest)
		return err_set(err, ERR_CORRUPT, "%s: format version %u, expected up to %u", what, *ret, newest);
	return 0;
}

int envelope_read(struct view bytes, struct envelope *ret, struct err *err)
{
	struct be_reader r = {.rest = bytes};
	struct envelope e;
	struct view *const texts[] = {&e.client, &e.client_ip, &e.helo, &e.brand, &e.stream, &e.topic, &e.campaign,
	    &e.return_path, &e.envid};
	unsigned version;
	if (take_version(&r, "envelope", ENVELOPE_VERSION, &version, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = be_take_view(&r, LENGTH_BYTES);
	e.ret = (uint8_t)be_take_u(&r, 1);
	e.protocol = (uint8_t)be_take_u(&r, 1);
	e.arrived_ms = (int64_t)be_take_u(&r, 8);
	e.class = version >= 2 ? (uint8_t)be_take_u(&r, 1) : 0;
	e.named = version >= 3 ? (uint32_t)be_take_u(&r, 4) : 0;
	if (check_end(&r, "envelope", err) < 0)
		return -1;
	*ret = e;
	return 0;
}

void recipient_write(const struct recipient *r, struct buf *out)
{
	be_add(out, VERSION, 1);
	be_add_view(out, r->address, LENGTH_BYTES);
	be_add_view(out, r->orcpt, LENGTH_BYTES);
	be_add(out, r->notify, 1);
}

int recipient_read(struct view bytes, struct recipient *ret, struct err *err)
{
	struct be_reader r = {.rest = bytes};
	struct recipient got;
	unsigned version;
	if (take_version(&r, "recipient", VERSION, &version, err) < 0)
		return -1;
	got.address = be_take_view(&r, LENGTH_BYTES);
	got.orcpt = be_take_view(&r, LENGTH_BYTES);
	got.notify = (uint8_t)be_take_u(&r, 1);
	if (check_end(&r, "recipient", err) < 0)
		return -1;
	*ret = got;
	return 0;
}
