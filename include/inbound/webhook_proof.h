/* Whether what a provider reports by JSON comes from that provider: asked before webhook_parse(). Pure: key and time are
 * handed in. */
#pragma once

#include "inbound/webhook.h"

#define WEBHOOK_MAX_AGE_MS (24 * 60 * 60 * 1000LL) /* providers try again for hours, some with the first proof */
#define WEBHOOK_MAX_AHEAD_MS (5 * 60 * 1000LL)     /* their clock before ours */

struct webhook_request {
	struct view body;      /* the bytes that came, before any parse */
	struct view timestamp; /* SendGrid: X-Twilio-Email-Event-Webhook-Timestamp */
	struct view signature; /* SendGrid: X-Twilio-Email-Event-Webhook-Signature */
};

/* Only what is signed can be verified here: Mailgun (HMAC-SHA-256, proof in the body), SendGrid (ECDSA P-256, proof in
 * the head) and Amazon SES by way of SNS (RSA by certificate). The others need credentials in the request; the caller asks for those. */
bool webhook_is_signed(enum webhook_provider p);

/* SNS names the certificate that it has signed with: the file's name, without a path, of a SigningCertURL at an SNS host of Amazon's
 * ("SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"). False for any other body or URL. */
#define WEBHOOK_CERTIFICATE_NAME 100
bool webhook_certificate(struct view body, char dst[WEBHOOK_CERTIFICATE_NAME]);
/* The URL to be visited, once, by whoever subscribed: of an SNS SubscriptionConfirmation. In the arena; empty for all else. */
struct view webhook_subscription(struct view body, struct arena *a);

/* KEY: SES: the certificate in PEM; Mailgun's signing key as it is; SendGrid's public key in base64, as its page shows it. 0 = believable. *RET_ONCE
 * (in the arena) must be taken once only within WEBHOOK_MAX_AGE_MS, which the caller remembers: Mailgun signs the time and
 * a random word but not the event, so that whoever has seen one proof could say anything with it. ERR_REFUSED else. */
int webhook_verify(enum webhook_provider p, struct view key, const struct webhook_request *r, int64_t now_ms,
    struct arena *a, struct view *ret_once, struct err *err) MUST_CHECK;
