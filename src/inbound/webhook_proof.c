/* Providers' proofs. A table says who signs, and how. */
#include "inbound/webhook_proof.h"

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "crypto/hash.h"
#include "crypto/verify.h"

#define KEY_MAX_BYTES 1024
#define SIGNATURE_MAX_BYTES 256
#define MAX_SECONDS 99999999999ULL

static bool is_fresh(struct view seconds, int64_t now_ms)
{
	uint64_t s;
	if (!view_u64(seconds, MAX_SECONDS, &s))
		return false;
	int64_t age = now_ms - (int64_t)s * 1000;
	return age <= WEBHOOK_MAX_AGE_MS && age >= -WEBHOOK_MAX_AHEAD_MS;
}

static struct view member(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	return json_is_string(v) ? view_n(json_string_value(v), json_string_length(v)) : (struct view){0};
}

/* {"signature": {"timestamp": "...", "token": "...", "signature": hex}, "event-data": ...} */
static bool mailgun_signed(const json_t *proof, struct view key, int64_t now_ms, struct arena *a, struct view *ret_once)
{
	uint8_t mac[SHA256_BYTES];
	const struct view parts[] = {member(proof, "timestamp"), member(proof, "token")};
	if (!parts[1].n || !is_fresh(parts[0], now_ms) || !hex_decode(member(proof, "signature"), mac, sizeof mac) ||
	    !verify_hmac(key, parts, 2, view_n(mac, sizeof mac)))
		return false;
	*ret_once = arena_view(a, parts[1]);
	return ret_once->p != NULL;
}

static bool by_mailgun(
    struct view key, const struct webhook_request *r, int64_t now_ms, struct arena *a, struct view *ret_once)
{
	/* A name that is there twice could be verified as one and read as the other. */
	json_t *body = json_loadb(r->body.p, r->body.n, JSON_REJECT_DUPLICATES, NULL);
	bool good = mailgun_signed(json_object_get(body, "signature"), key, now_ms, a, ret_once);
	json_decref(body);
	return good;
}

static bool by_sendgrid(
    struct view key, const struct webhook_request *r, int64_t now_ms, struct arena *a, struct view *ret_once)
{
	struct buf der, signature;
	const struct view parts[] = {r->timestamp, r->body};
	if (!is_fresh(r->timestamp, now_ms))
		return false;
	buf_init(&der, KEY_MAX_BYTES);
	buf_init(&signature, SIGNATURE_MAX_BYTES);
	bool good = base64_decode(key, &der) && base64_decode(r->signature, &signature) &&
		    verify_p256(buf_view(&der), parts, 2, buf_view(&signature));
	buf_free(&der);
	buf_free(&signature);
	*ret_once = good ? arena_view(a, r->signature) : (struct view){0};
	return good && ret_once->p;
}

/* ---- Amazon SNS ---- */

/* What is signed: of these, in this order, each that is there as "NAME\nVALUE\n". */
#define SNS_FIELDS 8
static const char *const notification_fields[SNS_FIELDS] = {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"};
static const char *const subscription_fields[SNS_FIELDS] = {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"};

static bool is_host_label(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!ascii_is_alnum(v.p[i]) && v.p[i] != '-')
			return false;
	return v.n > 0;
}

/* "sns.eu-west-2.amazonaws.com", or of Amazon's partition in China. */
static bool is_sns_host(struct view host)
{
	struct view region;
	if (!view_starts(host, V("sns.")))
		return false;
	host = view_sub(host, 4, host.n);
	return view_cut(&host, '.', &region) && is_host_label(region) && (view_eq(host, V("amazonaws.com")) || view_eq(host, V("amazonaws.com.cn")));
}

static bool certificate_name(struct view url, char dst[WEBHOOK_CERTIFICATE_NAME])
{
	struct view host, scheme = V("https://");
	if (!view_starts(url, scheme))
		return false;
	url = view_sub(url, scheme.n, url.n);
	if (!view_cut(&url, '/', &host) || !is_sns_host(host) || !view_ends(url, V(".pem")))
		return false;
	for (size_t i = 0; i + 4 < url.n; i++)
		if (!ascii_is_alnum(url.p[i]) && url.p[i] != '-')
			return false;
	return url.n > 4 && view_str(url, dst, WEBHOOK_CERTIFICATE_NAME);
}

bool webhook_certificate(struct view body, char dst[WEBHOOK_CERTIFICATE_NAME])
{
	json_t *o = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	bool good = certificate_name(member(o, "SigningCertURL"), dst);
	json_decref(o);
	return good;
}

struct view webhook_subscription(struct view body, struct arena *a)
{
	json_t *o = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	bool asks = view_eq(member(o, "Type"), V("SubscriptionConfirmation"));
	struct view url = asks ? arena_view(a, member(o, "SubscribeURL")) : V("");
	json_decref(o);
	return url;
}

static bool is_fresh_time(struct view text, int64_t now_ms)
{
	int64_t ms;
	return time_parse(text.p ? text.p : "", text.n, &ms) && now_ms - ms <= WEBHOOK_MAX_AGE_MS && ms - now_ms <= WEBHOOK_MAX_AHEAD_MS;
}

static bool sns_signed(const json_t *o, struct view pem, const struct view signature)
{
	const char *const *names = view_eq(member(o, "Type"), V("Notification")) ? notification_fields : subscription_fields;
	enum digest d = view_eq(member(o, "SignatureVersion"), V("2")) ? DIGEST_SHA256 : DIGEST_SHA1;
	struct view parts[4 * SNS_FIELDS];
	size_t n = 0;
	for (; *names; names++) {
		struct view value = member(o, *names);
		if (!value.p)
			continue;
		parts[n++] = view_of(*names);
		parts[n++] = V("\n");
		parts[n++] = value;
		parts[n++] = V("\n");
	}
	return verify_certificate(pem, d, parts, n, signature);
}

static bool by_sns(struct view key, const struct webhook_request *r, int64_t now_ms, struct arena *a, struct view *ret_once)
{
	struct buf signature;
	json_t *o = json_loadb(r->body.p, r->body.n, JSON_REJECT_DUPLICATES, NULL);
	buf_init(&signature, 1024);
	bool good = is_fresh_time(member(o, "Timestamp"), now_ms) && base64_decode(member(o, "Signature"), &signature) &&
		    sns_signed(o, key, buf_view(&signature));
	*ret_once = good ? arena_view(a, member(o, "MessageId")) : V("");
	buf_free(&signature);
	json_decref(o);
	return good && ret_once->n;
}

static const struct signer {
	bool (*proves)(
	    struct view key, const struct webhook_request *r, int64_t now_ms, struct arena *a, struct view *ret_once);
} signers[WEBHOOK_PROVIDERS] = {
    [WEBHOOK_SES] = {by_sns},
    [WEBHOOK_SENDGRID] = {by_sendgrid},
    [WEBHOOK_MAILGUN] = {by_mailgun},
};

bool webhook_is_signed(enum webhook_provider p)
{
	return signers[p].proves != NULL;
}

int webhook_verify(enum webhook_provider p, struct view key, const struct webhook_request *r, int64_t now_ms,
    struct arena *a, struct view *ret_once, struct err *err)
{
	*ret_once = (struct view){0};
	if (!webhook_is_signed(p))
		return err_set(
		    err, ERR_REFUSED, "webhook: %s signs nothing that is verified here", webhook_provider_word(p));
	if (r->body.n > WEBHOOK_MAX_BYTES)
		return err_set(err, ERR_REFUSED, "webhook: larger than %d bytes", WEBHOOK_MAX_BYTES);
	if (!signers[p].proves(key, r, now_ms, a, ret_once))
		return err_set(
		    err, ERR_REFUSED, "webhook: not signed by %s, or too long ago", webhook_provider_word(p));
	return 0;
}
