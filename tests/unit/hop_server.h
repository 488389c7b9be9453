/* A next hop that plays a script, over loopback, one thread a connection. */
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* What is answered to a verb: a reply with its CRLFs, or one of these. NULL = the ordinary yes. */
#define HOP_DROP  "drop"
#define HOP_STALL "stall"

#define HOP_KEEP 400000

struct hop_script {
	const char *greeting, *ehlo, *starttls, *auth, *mail, *rcpt, *data, *bdat, *final, *rset;
	const char *astray;         /* said unasked, after the first message's end was answered */
	int astray_ms;              /* ... so much later */
	const char *early;          /* said before the message has ended, in a packet of its own behind 354 */
	unsigned from_message;      /* the odd answers start with this message (0 = the first) */
	unsigned only_connection;   /* and only on this connection, counted from 1; 0 = on all */
	int pause_ms;               /* before the message's bytes are read */
	int rcvbuf;
	int dribble_ms;             /* the answer to MAIL comes byte by byte, with this between */
	bool endless_ehlo;
	SSL_CTX *tls;
	const char *ehlo_tls;       /* after STARTTLS */
	_Atomic bool *data_gate;    /* DATA is answered only once it is true */
	bool tls_from_start;
	int cut_after;              /* bytes sent, then the connection is closed; 0 = never */
	int cut_reading;            /* bytes read, and the same */
	int tls_pause_ms;           /* after the handshake, before reading: session tickets are there first */
};

struct hop_server {
	struct hop_script script;
	int fd;
	uint16_t port;
	pthread_t thread, handlers[256];
	_Atomic unsigned connections;
	_Atomic int messages;       /* answered 250 at the end */
	_Atomic bool was_early;
	_Atomic int datas;          /* DATA or BDAT seen */
	_Atomic int read;           /* bytes, up to the end of the last message */
	_Atomic bool ending;
	pthread_mutex_t lock;
	char said[200000];          /* commands, all connections */
	size_t said_n;
	char *mail;                 /* the last message's bytes as they came */
	size_t mail_n;
	char sni[256];
	char peer[64];              /* address of the last connection */
};

struct hop_conn {
	struct hop_server *s;
	int fd;
	unsigned number, message;
	SSL *ssl;
	char in[8192];
	size_t in_n, in_at;
	char *mail;                 /* of the message that is coming in */
	size_t mail_n;
	int sent, read;
};

static void hop_send(struct hop_conn *c, const char *p, size_t n)
{
	int cut = c->s->script.cut_after, left = cut - c->sent;
	if (cut && (int)n > left)
		n = left > 0 ? (size_t)left : 0;
	c->sent += (int)n;
	while (n) {
		ssize_t k = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
	if (cut && c->sent >= cut)
		shutdown(c->fd, SHUT_RDWR);
}

static bool hop_fill(struct hop_conn *c)
{
	int cut = c->s->script.cut_reading, left = cut - c->read;
	size_t most = cut && left < (int)sizeof c->in ? (size_t)(left > 0 ? left : 0) : sizeof c->in;
	ssize_t k = c->ssl ? SSL_read(c->ssl, c->in, (int)most) : recv(c->fd, c->in, most, 0);
	c->in_at = 0;
	c->in_n = k > 0 ? (size_t)k : 0;
	c->read += k > 0 ? (int)k : 0;
	return k > 0;
}

static int hop_byte(struct hop_conn *c)
{
	if (c->in_at == c->in_n && !hop_fill(c))
		return -1;
	return (unsigned char)c->in[c->in_at++];
}

static bool hop_line(struct hop_conn *c, char *dst, size_t size)
{
	size_t n = 0;
	int b;
	while ((b = hop_byte(c)) >= 0) {
		if (n < size - 1)
			dst[n++] = (char)b;
		if (b == '\n') {
			dst[n] = 0;
			return true;
		}
	}
	return false;
}

static void hop_keep(struct hop_conn *c, const char *p, size_t n)
{
	if (c->mail_n + n <= HOP_KEEP)
		memcpy(c->mail + c->mail_n, p, n);
	c->mail_n += n;
}

static void hop_show(struct hop_conn *c)
{
	size_t n = c->mail_n < HOP_KEEP ? c->mail_n : HOP_KEEP;
	if (n == 0)
		return;
	pthread_mutex_lock(&c->s->lock);
	memcpy(c->s->mail, c->mail, n);
	c->s->mail[n] = 0;
	c->s->mail_n = c->mail_n;
	pthread_mutex_unlock(&c->s->lock);
}

static void hop_dribble(struct hop_conn *c, const char *reply)
{
	for (; *reply && !atomic_load(&c->s->ending); reply++) {
		hop_send(c, reply, 1);
		poll(NULL, 0, c->s->script.dribble_ms);
	}
}

/* False: the connection is over. */
static bool hop_answer(struct hop_conn *c, const char *odd, const char *usual)
{
	const struct hop_script *sc = &c->s->script;
	bool play = odd && c->message >= sc->from_message && (!sc->only_connection || sc->only_connection == c->number);
	const char *reply = play ? odd : usual;
	if (strcmp(reply, HOP_DROP) == 0)
		return false;
	if (strcmp(reply, HOP_STALL) == 0) {
		while (hop_byte(c) >= 0)
			;
		return false;
	}
	hop_send(c, reply, strlen(reply));
	return true;
}

static bool hop_read_data(struct hop_conn *c)
{
	char line[8192];
	if (c->s->script.pause_ms)
		poll(NULL, 0, c->s->script.pause_ms);
	c->mail_n = 0;
	while (hop_line(c, line, sizeof line)) {
		if (strcmp(line, ".\r\n") == 0)
			return true;
		char *p = line[0] == '.' ? line + 1 : line;
		hop_keep(c, p, strlen(p));
	}
	return false;
}

static bool hop_read_chunk(struct hop_conn *c, size_t n)
{
	for (; n; n--) {
		int b = hop_byte(c);
		char one = (char)b;
		if (b < 0)
			return false;
		hop_keep(c, &one, 1);
	}
	return true;
}

static bool hop_end(struct hop_conn *c)
{
	const struct hop_script *sc = &c->s->script;
	bool odd = sc->final && c->message >= sc->from_message && (!sc->only_connection || sc->only_connection == c->number);
	hop_show(c);
	atomic_store(&c->s->read, c->read);
	if (!odd || sc->final[0] == '2')
		atomic_fetch_add(&c->s->messages, 1);
	bool on = hop_answer(c, sc->final, "250 2.0.0 kept\r\n");
	if (sc->astray && c->message == 0) {
		poll(NULL, 0, sc->astray_ms);
		hop_send(c, sc->astray, strlen(sc->astray));
	}
	c->message++;
	return on;
}

static bool hop_data(struct hop_conn *c)
{
	const struct hop_script *sc = &c->s->script;
	bool odd = sc->data && c->message >= sc->from_message && (!sc->only_connection || sc->only_connection == c->number);
	atomic_fetch_add(&c->s->datas, 1);
	while (sc->data_gate && !atomic_load(sc->data_gate))
		poll(NULL, 0, 5);
	if (!hop_answer(c, sc->data, "354 go\r\n"))
		return false;
	if (odd && sc->data[0] != '3') {
		c->message++;
		return true;
	}
	if (sc->early) {
		poll(NULL, 0, 20);
		hop_send(c, sc->early, strlen(sc->early));
		atomic_store(&c->s->was_early, true);
	}
	return hop_read_data(c) && hop_end(c);
}

static bool hop_bdat(struct hop_conn *c, const char *line)
{
	size_t n = strtoul(line + 5, NULL, 10);
	bool last = strstr(line, "LAST") != NULL;
	atomic_fetch_add(&c->s->datas, 1);
	if (!hop_read_chunk(c, n))
		return false;
	if (last)
		return hop_end(c);
	return hop_answer(c, c->s->script.bdat, "250 chunk\r\n");
}

static bool hop_shake_hands(struct hop_conn *c)
{
	const struct hop_script *sc = &c->s->script;
	c->ssl = SSL_new(sc->tls);
	SSL_set_fd(c->ssl, c->fd);
	c->in_n = c->in_at = 0;
	if (SSL_accept(c->ssl) != 1)
		return false;
	const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	pthread_mutex_lock(&c->s->lock);
	snprintf(c->s->sni, sizeof c->s->sni, "%s", name ? name : "");
	pthread_mutex_unlock(&c->s->lock);
	if (sc->tls_pause_ms)
		poll(NULL, 0, sc->tls_pause_ms);
	return true;
}

static bool hop_starttls(struct hop_conn *c)
{
	const struct hop_script *sc = &c->s->script;
	if (!hop_answer(c, sc->starttls, "220 ready\r\n"))
		return false;
	if (sc->starttls && sc->starttls[0] != '2')
		return true;
	return hop_shake_hands(c);
}

static bool hop_ehlo(struct hop_conn *c)
{
	const struct hop_script *sc = &c->s->script;
	if (sc->endless_ehlo) {
		while (!atomic_load(&c->s->ending)) {
			if (send(c->fd, "250-X-AGAIN\r\n", 13, MSG_NOSIGNAL) < 0)
				return false;
		}
		return false;
	}
	if (c->ssl && sc->ehlo_tls)
		return hop_answer(c, sc->ehlo_tls, "");
	return hop_answer(c, sc->ehlo, sc->tls ? "250-hop\r\n250-STARTTLS\r\n250 PIPELINING\r\n" :
	                                         "250-hop\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000000\r\n");
}

static bool hop_mail(struct hop_conn *c)
{
	const struct hop_script *sc = &c->s->script;
	if (sc->dribble_ms) {
		hop_dribble(c, "250 2.1.0 but ever so slowly, one byte after the other, so that no wait is long\r\n");
		return true;
	}
	bool odd = sc->mail && c->message >= sc->from_message;
	bool on = hop_answer(c, sc->mail, "250 2.1.0 sender\r\n");
	if (odd && sc->mail[0] >= '4')
		c->message++;
	return on;
}

static bool hop_command(struct hop_conn *c, const char *line)
{
	const struct hop_script *sc = &c->s->script;
	if (!strncmp(line, "EHLO", 4) || !strncmp(line, "HELO", 4))
		return hop_ehlo(c);
	if (!strncmp(line, "STARTTLS", 8))
		return hop_starttls(c);
	if (!strncmp(line, "AUTH", 4))
		return hop_answer(c, sc->auth, "235 2.7.0 welcome\r\n");
	if (!strncmp(line, "MAIL", 4))
		return hop_mail(c);
	if (!strncmp(line, "RCPT", 4))
		return hop_answer(c, sc->rcpt, "250 2.1.5 recipient\r\n");
	if (!strncmp(line, "DATA", 4))
		return hop_data(c);
	if (!strncmp(line, "BDAT", 4))
		return hop_bdat(c, line);
	if (!strncmp(line, "RSET", 4))
		return hop_answer(c, sc->rset, "250 2.0.0 reset\r\n");
	hop_send(c, "221 2.0.0 bye\r\n", 15);
	return false;
}

static void hop_talk(struct hop_conn *c)
{
	char line[2048];
	if (c->s->script.tls_from_start && !hop_shake_hands(c))
		return;
	if (!hop_answer(c, c->s->script.greeting, "220 hop ESMTP\r\n"))
		return;
	do {
		if (!hop_line(c, line, sizeof line))
			return;
		pthread_mutex_lock(&c->s->lock);
		size_t n = strlen(line);
		if (c->s->said_n + n < sizeof c->s->said) {
			memcpy(c->s->said + c->s->said_n, line, n + 1);
			c->s->said_n += n;
		}
		pthread_mutex_unlock(&c->s->lock);
	} while (hop_command(c, line));
}

static void *hop_handler(void *arg)
{
	struct hop_conn *c = arg;
	hop_talk(c);
	hop_show(c);
	free(c->mail);
	if (c->ssl)
		SSL_free(c->ssl);
	close(c->fd);
	free(c);
	return NULL;
}

static void *hop_main(void *arg)
{
	struct hop_server *s = arg;
	for (;;) {
		struct sockaddr_in from = {0};
		socklen_t from_n = sizeof from;
		int fd = accept4(s->fd, (struct sockaddr *)&from, &from_n, SOCK_CLOEXEC);
		if (fd < 0)
			break;
		struct hop_conn *c = calloc(1, sizeof *c);
		inet_ntop(AF_INET, &from.sin_addr, s->peer, sizeof s->peer);
		struct timeval t = {.tv_sec = 20};
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
		c->s = s;
		c->fd = fd;
		c->mail = malloc(HOP_KEEP + 1);
		unsigned n = atomic_fetch_add(&s->connections, 1);
		c->number = n + 1;
		if (n >= 256 || pthread_create(&s->handlers[n], NULL, hop_handler, c))
			abort();
	}
	unsigned n = atomic_load(&s->connections);
	for (unsigned i = 0; i < n; i++)
		pthread_join(s->handlers[i], NULL);
	return NULL;
}

static void hop_open(struct hop_server *s, const struct hop_script *script)
{
	memset(s, 0, sizeof *s);
	s->script = *script;
	s->mail = calloc(1, HOP_KEEP + 1);
	pthread_mutex_init(&s->lock, NULL);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof in;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (script->rcvbuf)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &script->rcvbuf, sizeof script->rcvbuf);
	if (bind(s->fd, (struct sockaddr *)&in, n) || listen(s->fd, 64) || getsockname(s->fd, (struct sockaddr *)&in, &n))
		abort();
	s->port = ntohs(in.sin_port);
	if (pthread_create(&s->thread, NULL, hop_main, s))
		abort();
}

static void hop_close(struct hop_server *s)
{
	atomic_store(&s->ending, true);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	s->fd = -1;
}

/* What was said can still be read. */
static void hop_free(struct hop_server *s)
{
	free(s->mail);
}

static unsigned hop_count(struct hop_server *s, const char *verb)
{
	unsigned n = 0;
	pthread_mutex_lock(&s->lock);
	for (const char *p = s->said; (p = strstr(p, verb)); p++)
		n++;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* In the last message. */
static inline bool hop_got(struct hop_server *s, const char *text)
{
	pthread_mutex_lock(&s->lock);
	bool has = strstr(s->mail, text) != NULL;
	pthread_mutex_unlock(&s->lock);
	return has;
}

static inline size_t hop_got_bytes(struct hop_server *s)
{
	pthread_mutex_lock(&s->lock);
	size_t n = s->mail_n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* A certificate for NAME, signed by itself, made now; written to CA_FILE too. */
static inline SSL_CTX *hop_tls(const char *name, const char *ca_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	char san[300];
	snprintf(san, sizeof san, "DNS:%s", name);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	X509_sign(cert, key, EVP_sha256());
	FILE *f = fopen(ca_file, "w");
	if (!f || !PEM_write_X509(f, cert) || fclose(f))
		abort();
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(ctx, cert);
	SSL_CTX_use_PrivateKey(ctx, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}
