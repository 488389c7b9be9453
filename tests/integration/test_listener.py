"""The public listener by itself: HTTPS with a certificate that is renewed, a proxy before it, a unix socket."""
import http.client, smtplib, socket, ssl, subprocess, time

import pytest

from gate import Gate, link_of, mail, post

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def make_certificate(dir, serial, kind="rsa:2048"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", *(["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if kind == "ec" else [kind]),
                    "-nodes", "-subj", "/CN=u.acme.test", "-set_serial", str(serial), "-days", "30", "-keyout", dir / "key.pem", "-out", dir / "cert.pem"],
                   check=True, capture_output=True)


def serial_of(gate, context):
    with socket.create_connection(gate.public) as s, context.wrap_socket(s) as t:
        der = t.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=der, capture_output=True, check=True).stdout
    return int(text.decode().strip().split("=")[1], 16)


def context(**kw):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    for k, v in kw.items():
        setattr(c, k, v)
    return c


def delivered_link(gate, sink, to="a@sink.test"):
    before = len(sink.messages)
    with smtplib.SMTP(*gate.smtp) as s:
        s.sendmail("news@acme.test", [to], mail(to))
    return link_of(sink.wait(before + 1)[-1])


def test_https_with_a_certificate_that_is_renewed(make_gate, sink, place):
    make_certificate(place, 1)
    gate = make_gate(sink.addr, public=f'tls_certificate = "{place}/cert.pem"; tls_key = "{place}/key.pem";')
    path = delivered_link(gate, sink)
    assert serial_of(gate, context()) == 1
    old = http.client.HTTPSConnection(*gate.public, context=context(), timeout=10)
    old.request("GET", path)
    assert b"Nothing has changed yet" in old.getresponse().read()
    make_certificate(place, 2, "ec")
    assert "fail" not in gate.reload()
    assert serial_of(gate, context()) == 2
    # The connection that was there goes on.
    old.request("POST", path, b"List-Unsubscribe=One-Click", FORM)
    r = old.getresponse()
    assert (r.status, r.read()) == (200, b"Unsubscribed.\n")
    # A pair that doesn't fit is refused whole, and the one before serves on.
    (place / "key.pem").write_text(subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True).stdout)
    assert "does not belong to the certificate" in gate.reload()
    assert serial_of(gate, context()) == 2
    # HTTP on it, old protocols: refused, and it lives.
    with socket.create_connection(gate.public) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        s.settimeout(10)
        try:
            assert not s.recv(1000).startswith(b"HTTP")
        except ConnectionError:
            pass
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            serial_of(gate, context(minimum_version=version, maximum_version=version))
            raise AssertionError(version)
        except (ssl.SSLError, ConnectionError, ValueError):
            pass
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert serial_of(gate, context(minimum_version=version, maximum_version=version)) == 2


def test_behind_a_proxy_on_a_unix_socket(make_gate, sink, place):
    gate = make_gate(sink.addr, public_listen=f"unix:{place}/web.sock")
    path = delivered_link(gate, sink)
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(place / "web.sock"))
    c = http.client.HTTPConnection("u.acme.test")
    c.sock = s
    c.request("POST", path, b"List-Unsubscribe=One-Click", {**FORM, "X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    assert c.getresponse().status == 200
    assert "203.0.113.9" in gate.tool("journal", "tail", "--json").stdout


def test_a_trusted_proxy_says_who_asks(make_gate, sink):
    gate = make_gate(sink.addr, public='trusted_proxies = ["127.0.0.0/8"];')
    path = delivered_link(gate, sink)
    assert post(gate, path, headers={"X-Forwarded-For": "203.0.113.10"})[0] == 200
    assert "203.0.113.10" in gate.tool("journal", "tail", "--json").stdout
    for i in range(31):
        status = post(gate, "/u/wrong", headers={"X-Forwarded-For": "203.0.113.11"})[0]
    assert status == 429
    assert post(gate, "/u/wrong", headers={"X-Forwarded-For": "203.0.113.12"})[0] == 404


def test_the_web_half_alone(make_gate, sink):
    """Opt-outs with the relay stopped; then both halves as two processes on one data directory."""
    gate = make_gate(sink.addr)
    path, other = delivered_link(gate, sink), delivered_link(gate, sink, "b@sink.test")
    gate.stop()
    gate.start(only="web")
    assert gate.smtp is None
    assert post(gate, path)[0] == 200
    assert post(gate, "/healthz", method="GET")[0] == 200
    relay = Gate(gate.dir, sink.addr)          # the same directory
    try:
        relay.start(only="relay")
        assert relay.public is None

        def may_send(to):
            with smtplib.SMTP(*relay.smtp) as s:
                try:
                    s.sendmail("news@acme.test", [to], mail(to))
                    return True
                except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                    return False
        assert not may_send("a@sink.test")
        assert may_send("b@sink.test")
        sink.wait(3)
        assert post(gate, other)[0] == 200          # while the relay runs
        assert not may_send("b@sink.test")
        assert len(sink.messages) == 3
        relay.stop()
    finally:
        relay.kill()
    assert post(gate, path)[0] == 200
    gate.stop()


def test_opt_outs_are_answered_while_the_relay_drains(make_gate, sink):
    gate = make_gate(sink.addr)
    path = delivered_link(gate, sink)
    sink.behave["."] = lambda s, a: "stall"
    with smtplib.SMTP(*gate.smtp) as s:
        s.sendmail("news@acme.test", ["slow@sink.test"], mail("slow@sink.test"))
    gate.wait_log("intake.message.keep", count=2)

    until = time.monotonic() + 10
    while time.monotonic() < until and sum(v == "." for v, _ in sink.seen) < 2:
        time.sleep(0.02)
    gate.proc.terminate()
    gate.wait_log("gateway.drain")
    assert post(gate, path)[0] == 200
    assert gate.proc.poll() is None
    sink.go.set()
    assert gate.proc.wait(20) == 0
    assert len(sink.messages) == 2


def test_ten_thousand_idle_connections(make_gate, sink):
    """They hold a place each, and nobody up: people are served meanwhile; then they are cut off. One more than the limit is turned away."""
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    many = min(10000, hard - 500)
    gate = make_gate(sink.addr, public=f'max_connections = {many + 100}; timeout = "6s";')
    path = delivered_link(gate, sink)
    held = [socket.create_connection(gate.public) for _ in range(many)]
    t = time.monotonic()
    assert post(gate, path, method="GET")[0] == 200
    assert post(gate, path)[0] == 200
    assert time.monotonic() - t < 2
    until = time.monotonic() + 15
    for s in held:
        s.settimeout(max(0.1, until - time.monotonic()))
        try:
            assert s.recv(1) == b""
        except ConnectionError:
            pass
        s.close()
    assert post(gate, path)[0] == 200
    # As many as there may be, and one more.
    few = make_gate(sink.addr, public='max_connections = 20; threads = 1; timeout = "3s";')
    held = [socket.create_connection(few.public) for _ in range(30)]
    time.sleep(3.5)
    assert post(few, "/healthz", method="GET")[0] == 200


def test_one_byte_at_a_time(make_gate, sink):
    """Slowloris: heads and bodies that come in drops end with 408, however busy they look."""
    gate = make_gate(sink.addr, public='timeout = "2s";')
    path = delivered_link(gate, sink)
    before = gate.tool("journal", "tail", "--json").stdout
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\n".encode()
    drips = []
    for first in (b"", head[:20], head, head + b"List-Unsub"):
        for _ in range(20):
            s = socket.create_connection(gate.public)
            s.sendall(first)
            drips.append(s)
    until, alive = time.monotonic() + 10, list(drips)
    while alive and time.monotonic() < until:
        for s in list(alive):
            try:
                s.sendall(b"X")
                s.setblocking(False)
                gone = s.recv(4096)
                if not gone or gone.startswith(b"HTTP/1.1 4"):
                    alive.remove(s)
            except BlockingIOError:
                pass
            except OSError:
                alive.remove(s)
            finally:
                s.setblocking(True)
        time.sleep(0.2)
    assert not alive
    assert gate.tool("journal", "tail", "--json").stdout == before
    assert post(gate, path)[0] == 200
