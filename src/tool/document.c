/* Documents that others keep and hand back: JSON, signed with Ed25519 by a key of ours.
 *
 * What is signed is the SHA-256 of the object without its member "signature", compact, names in order. The member "public_key" says which key
 * it was; whoever checks compares it with one that they have from us. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/passwords.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "tool.h"

#define KEY_MAX 8192

static int key_read(const char *path, struct sign_key **ret, struct err *err)
{
	struct buf pem;
	buf_init(&pem, KEY_MAX);
	int rc = private_file_read(path, &pem, err);
	if (rc == 0)
		rc = sign_key_load(ret, buf_view(&pem), err);
	if (pem.p)
		mem_wipe(pem.p, pem.n);
	buf_free(&pem);
	return rc;
}

static int key_make(const char *path, struct sign_key **ret, struct err *err)
{
	struct buf pem;
	if (sign_key_new(ret, SIGN_ED25519, err) < 0)
		return -1;
	buf_init(&pem, KEY_MAX);
	int rc = sign_key_pem(*ret, &pem, err);
	if (rc == 0)
		rc = file_create(path, buf_view(&pem), 0600, err);
	if (pem.p)
		mem_wipe(pem.p, pem.n);
	buf_free(&pem);
	if (rc < 0)
		sign_key_free(ret);
	return rc;
}

int document_key(struct tool *t, const char *file, bool may_make, struct sign_key **ret, struct err *err)
{
	char path[PATH_MAX];
	if (need_config(t, err) < 0 || (may_make && config_make_dirs(t->config, err) < 0) ||
	    path_join(path, sizeof path, t->config->key_dir, file, err) < 0)
		return -1;
	int rc = key_read(path, ret, err);
	return rc < 0 && err->kind == ERR_MISSING && may_make ? key_make(path, ret, err) : rc;
}

static json_t *base64_json(struct view bytes)
{
	struct buf b;
	buf_init(&b, KEY_MAX);
	base64_encode(&b, bytes);
	json_t *o = json_view(buf_view(&b));
	buf_free(&b);
	return o;
}

json_t *document_public_json(const struct sign_key *key)
{
	struct buf bytes;
	struct err err;
	buf_init(&bytes, KEY_MAX);
	json_t *o = sign_key_public(key, &bytes, &err) < 0 ? json_null() : base64_json(buf_view(&bytes));
	buf_free(&bytes);
	return o;
}

static void document_digest(const json_t *document, uint8_t digest[SHA256_BYTES])
{
	json_t *bare = json_copy((json_t *)(uintptr_t)document);
	json_object_del(bare, "signature");
	char *text = json_dumps(bare, JSON_COMPACT | JSON_SORT_KEYS);
	sha256(view_of(text), digest);
	free(text);
	json_decref(bare);
}

int document_sign(struct tool *t, json_t *document, const char *file, struct err *err)
{
	struct sign_key *key = NULL;
	uint8_t digest[SHA256_BYTES];
	struct buf signature;
	if (document_key(t, file, true, &key, err) < 0)
		return -1;
	buf_init(&signature, KEY_MAX);
	json_object_set_new(document, "public_key", document_public_json(key));
	document_digest(document, digest);
	int rc = sign_digest(key, digest, &signature, err);
	if (rc == 0)
		json_object_set_new(document, "signature", base64_json(buf_view(&signature)));
	buf_free(&signature);
	sign_key_free(&key);
	return rc;
}

static bool public_of(struct tool *t, const char *file, const char *given, struct buf *ret)
{
	struct sign_key *key = NULL;
	struct err err;
	if (given)
		return base64_decode(view_of(given), ret);
	bool good = document_key(t, file, false, &key, &err) == 0 && sign_key_kind(key) == SIGN_ED25519 && sign_key_public(key, ret, &err) == 0;
	sign_key_free(&key);
	return good;
}

bool document_is_ours(struct tool *t, const json_t *document, const char *file, const char *public_key)
{
	uint8_t digest[SHA256_BYTES];
	struct buf public_bytes, signature;
	const char *text = json_string_value(json_object_get(document, "signature"));
	buf_init(&public_bytes, KEY_MAX);
	buf_init(&signature, KEY_MAX);
	document_digest(document, digest);
	bool good = text && base64_decode(view_of(text), &signature) && public_of(t, file, public_key, &public_bytes) &&
		    sign_verify(SIGN_ED25519, buf_view(&public_bytes), digest, buf_view(&signature));
	buf_free(&public_bytes);
	buf_free(&signature);
	return good;
}
