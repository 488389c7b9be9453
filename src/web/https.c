/* A certificate chain and its key from PEM files. Checked while loading: a pair that doesn't belong together never serves. */
#include "https.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#define CHAIN_MAX      10
#define PEM_BYTES_MAX  (256 * 1024)
#define KEY_ID_BYTES   64

struct certificate {
	struct shared shared;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
};

static void end(struct shared *shared)
{
	struct certificate *c = (struct certificate *)shared;
	for (unsigned i = 0; i < c->count; i++)
		gnutls_pcert_deinit(&c->chain[i]);
	if (c->key)
		gnutls_privkey_deinit(c->key);
	free(c);
}

void certificate_free(struct certificate **c)
{
	shared_release(*c ? &(*c)->shared : NULL);
	*c = NULL;
}

static int wrong(struct err *err, const char *file, int code)
{
	return err_set(err, ERR_SYNTAX, "%.150s: %s", file, gnutls_strerror(code));
}

static int load_chain(struct certificate *c, const char *file, struct view pem, struct err *err)
{
	gnutls_datum_t bytes = {(unsigned char *)(uintptr_t)pem.p, (unsigned)pem.n};
	unsigned count = CHAIN_MAX;
	int code = gnutls_pcert_list_import_x509_raw(c->chain, &count, &bytes, GNUTLS_X509_FMT_PEM, 0);
	if (code < 0)
		return wrong(err, file, code);
	c->count = count;
	return 0;
}

static int load_key(struct certificate *c, const char *file, struct view pem, struct err *err)
{
	gnutls_datum_t bytes = {(unsigned char *)(uintptr_t)pem.p, (unsigned)pem.n};
	int code = gnutls_privkey_init(&c->key);
	if (code == 0)
		code = gnutls_privkey_import_x509_raw(c->key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
	return code < 0 ? wrong(err, file, code) : 0;
}

static int check_pair(const struct certificate *c, const char *key_file, struct err *err)
{
	gnutls_pubkey_t of_key;
	unsigned char a[KEY_ID_BYTES], b[KEY_ID_BYTES];
	size_t a_n = sizeof a, b_n = sizeof b;
	if (gnutls_pubkey_init(&of_key) < 0)
		return err_set(err, ERR_SYSTEM, "%.150s: no memory", key_file);
	int code = gnutls_pubkey_import_privkey(of_key, c->key, 0, 0);
	if (code == 0)
		code = gnutls_pubkey_get_key_id(of_key, 0, a, &a_n);
	if (code == 0)
		code = gnutls_pubkey_get_key_id(c->chain[0].pubkey, 0, b, &b_n);
	gnutls_pubkey_deinit(of_key);
	if (code < 0)
		return wrong(err, key_file, code);
	if (!view_eq(view_n(a, a_n), view_n(b, b_n)))
		return err_set(err, ERR_SYNTAX, "%.150s: the key does not belong to the certificate", key_file);
	return 0;
}

static int load_both(struct certificate *c, const char *file, const char *key_file, struct buf *pem, struct err *err)
{
	if (file_read(file, pem, err) < 0 || load_chain(c, file, buf_view(pem), err) < 0)
		return -1;
	buf_clear(pem);
	if (file_read(key_file, pem, err) < 0 || load_key(c, key_file, buf_view(pem), err) < 0)
		return -1;
	return check_pair(c, key_file, err);
}

int certificate_load(struct certificate **ret, const char *file, const char *key_file, struct err *err)
{
	struct certificate *c = mem_zero(sizeof *c);
	struct buf pem;
	c->shared.refs = 1;
	c->shared.free = end;
	buf_init(&pem, PEM_BYTES_MAX);
	int rc = load_both(c, file, key_file, &pem, err);
	if (pem.p)
		mem_wipe(pem.p, pem.cap);
	buf_free(&pem);
	if (rc < 0)
		shared_release(&c->shared);
	else
		*ret = c;
	return rc;
}

static int give(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain, unsigned *count,
    gnutls_privkey_t *key)
{
	(void)issuers, (void)issuer_count, (void)algorithms, (void)algorithm_count;
	const struct certificate *c = https_certificate_of(gnutls_session_get_ptr(session));
	if (!c)
		return -1;
	*chain = (gnutls_pcert_st *)(uintptr_t)c->chain;
	*count = c->count;
	*key = c->key;
	return 0;
}

void *https_callback(void)
{
	return (void *)(uintptr_t)give;
}
