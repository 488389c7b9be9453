"""TLS on the submission listener: STARTTLS, TLS from the first byte, AUTH only behind it, a new certificate without a restart."""
import smtplib, ssl, subprocess

import pytest

from gate import mail


def certificate(place, name):
    """A certificate signed by itself, for NAME; the client trusts it as its only CA."""
    key, cert = place / f"{name}.key", place / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    key.chmod(0o600)
    return key, cert


def trusting(cert):
    c = ssl.create_default_context(cafile=cert)
    c.minimum_version = ssl.TLSVersion.TLSv1_2
    return c


@pytest.fixture
def tls_gate(make_gate, sink, place):
    key, cert = certificate(place, "gate.acme.test")
    gate = make_gate(sink.addr, start=False, clients='{ name = "tool"; brand = "acme"; stream = "offers"; }',
                     submission=f'tls_listen = ["127.0.0.1:0"]; tls_certificate = "{cert}"; tls_key = "{key}";')
    gate.tool("client", "add", "tool", input="pass word\n")
    gate.cert = cert
    return gate.start()


def test_login_needs_tls(tls_gate, sink):
    with smtplib.SMTP(*tls_gate.smtp) as s:
        s.ehlo()
        assert "auth" not in s.esmtp_features and "starttls" in s.esmtp_features
        assert s.docmd("AUTH", "PLAIN AHRvb2wAcGFzcyB3b3Jk")[0] in (502, 503, 530, 538)
        s.starttls(context=trusting(tls_gate.cert))
        s.ehlo()
        assert "starttls" not in s.esmtp_features
        s.login("tool", "pass word")
        assert s.sendmail("news@acme.test", ["ann@sink.test"], mail("ann@sink.test")) == {}
    assert "with ESMTPSA" in sink.wait(1)[0].fields("Received")[0]


def test_tls_from_the_first_byte(tls_gate, sink):
    with smtplib.SMTP_SSL(*tls_gate.submission[1], context=trusting(tls_gate.cert)) as s:
        s.login("tool", "pass word")
        assert s.sendmail("news@acme.test", ["ann@sink.test"], mail("ann@sink.test", body="x" * 900 + "\r\n" + "line\r\n" * 100000)) == {}
    assert sink.wait(1)[0].body.count(b"line\r\n") == 100000


def test_what_came_before_tls_is_forgotten(tls_gate):
    """RFC 3207 4.2 and CVE-2011-0411: a command that was slipped in behind STARTTLS is not run inside."""
    import socket
    with socket.create_connection(tls_gate.smtp) as raw:
        f = raw.makefile("rb")
        f.readline()
        raw.sendall(b"EHLO x\r\n")
        while f.readline()[3:4] == b"-":
            pass
        raw.sendall(b"STARTTLS\r\nMAIL FROM:<evil@acme.test>\r\n")
        assert f.readline().startswith(b"220")
        try:
            with trusting(tls_gate.cert).wrap_socket(raw, server_hostname="gate.acme.test") as t:
                t.sendall(b"RCPT TO:<ann@sink.test>\r\n")
                assert t.recv(1000).startswith(b"503")
        except (ssl.SSLError, ConnectionError):
            pass                    # the plain text was taken for TLS and refused: as good


def test_a_new_certificate_without_a_restart(tls_gate, place):
    old = smtplib.SMTP_SSL(*tls_gate.submission[1], context=trusting(tls_gate.cert))
    key, cert = certificate(place, "gate2.acme.test")
    tls_gate.write_conf(submission=f'tls_listen = ["127.0.0.1:0"]; tls_certificate = "{cert}"; tls_key = "{key}";')
    assert "fail" not in tls_gate.reload()
    with smtplib.SMTP_SSL(*tls_gate.submission[1], context=trusting(cert)) as s:
        assert s.ehlo()[0] == 250
    assert old.noop()[0] == 250
    old.quit()
    tls_gate.write_conf(submission=f'tls_listen = ["127.0.0.1:0"]; tls_certificate = "{place}/none.pem"; tls_key = "{key}";')
    assert "gateway.reload.fail" in tls_gate.reload()
    with smtplib.SMTP_SSL(*tls_gate.submission[1], context=trusting(cert)) as s:
        assert s.ehlo()[0] == 250
