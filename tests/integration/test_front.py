"""Who the client is when a load balancer or a front end stands before the gateway."""
import re, smtplib, socket, ssl, struct, subprocess

import pytest

from gate import mail

CLIENTS = ('{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["198.51.100.0/24"]; }, '
           '{ name = "named"; brand = "acme"; stream = "offers"; }')
V1 = b"PROXY TCP4 198.51.100.9 192.0.2.1 1025 587\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("198.51.100.9") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 1025, 587)


class Proxied(smtplib.SMTP):
    """A client whose connection begins with a header."""
    header = V1

    def _get_socket(self, host, port, timeout):
        s = socket.create_connection((host, port), 20)
        s.sendall(self.header)
        return s


@pytest.fixture
def certificate(place):
    cert, key = place / "cert.pem", place / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=gate.acme.test", "-days", "2",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def send(s, rcpt="ann@sink.test"):
    s.sendmail("news@acme.test", [rcpt], mail(rcpt))


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_proxy(make_gate, sink, header):
    gate = make_gate(sink.addr, clients=CLIENTS, submission='proxy_networks = "127.0.0.1";')
    with Proxied() as s:
        s.header = header
        s.connect(*gate.smtp)
        send(s)
    received = sink.wait(1)[0].fields("Received")[0]
    assert "[198.51.100.9]" in received
    gate.wait_log(r"intake\.message\.keep .*client=tool ip=198\.51\.100\.9")
    gate.wait_log(r"smtp\.session\.close .*peer=198\.51\.100\.9:1025")
    # without the header nobody gets a word, but for the reason
    with socket.create_connection(gate.smtp, 20) as c:
        c.sendall(b"EHLO x\r\n")
        assert c.recv(500).startswith(b"421 4.7.0 ")
        assert c.recv(500) == b""


def test_proxy_before_tls(make_gate, sink, certificate):
    gate = make_gate(sink.addr, clients=CLIENTS,
                     submission=f'tls_listen = "127.0.0.1:0"; tls_certificate = "{certificate[0]}"; tls_key = "{certificate[1]}"; proxy_networks = "127.0.0.1";')
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.check_hostname = False
    # the header and the handshake's first bytes in one segment
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out)
    with socket.create_connection(gate.submission[1], 20) as c:
        head, greeting = V2, b""
        while not greeting:
            try:
                greeting = tls.read(500)
            except ssl.SSLWantReadError:
                c.sendall(head + out.read())
                head = b""
                into.write(c.recv(65536))
        assert greeting.startswith(b"220 gate.acme.test")
    with Proxied(*gate.submission[0]) as s:
        s.starttls(context=context)
        send(s)
    assert "with ESMTPS" in sink.wait(1)[0].fields("Received")[0]


def test_proxy_from_elsewhere(make_gate):
    gate = make_gate(submission='proxy_networks = "203.0.113.0/24";')
    for header in (V1, V2):
        with socket.create_connection(gate.smtp, 20) as c:
            c.sendall(header + b"EHLO x\r\nMAIL FROM:<news@acme.test>\r\n")
            said = b"".join(iter(lambda: c.recv(4096), b""))
            assert b"250" not in said, said


def test_xclient(make_gate, sink):
    gate = make_gate(sink.addr, clients=CLIENTS, submission='xclient_networks = "127.0.0.1";')
    with smtplib.SMTP(*gate.smtp) as s:
        s.ehlo("front.test")
        assert "xclient" in s.esmtp_features and "xforward" in s.esmtp_features
        assert s.mail("news@acme.test")[0] == 530  # the front end itself is no client
        assert s.docmd("XCLIENT", "ADDR=198.51.100.9 NAME=tool.test")[0] == 220
        s.ehlo("tool.test")
        send(s)
        assert s.docmd("XCLIENT", "ADDR=203.0.113.1 LOGIN=named PROTO=ESMTP HELO=named.test")[0] == 220
        send(s)
        assert s.docmd("XCLIENT", "ADDR=203.0.113.1 LOGIN=nobody")[0] == 550
        s.ehlo("tool.test")
        assert s.mail("news@acme.test")[0] == 530
    second, first = sorted(sink.wait(2), key=lambda m: m.fields("Received")[0])  # they may overtake each other
    assert "from tool.test ([198.51.100.9])" in first.fields("Received")[0]
    assert re.search(r"from named.test \(\[203.0.113.1\]\).* with ESMTPA ", second.fields("Received")[0])
    gate.wait_log(r"intake\.message\.keep .*client=named ip=203\.0\.113\.1")


def test_xforward(make_gate, sink):
    clients = '{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.1"]; }'
    gate = make_gate(sink.addr, clients=clients, submission='xclient_networks = "127.0.0.1";')
    with smtplib.SMTP(*gate.smtp) as s:
        s.ehlo("front.test")
        assert s.docmd("XFORWARD", "ADDR=198.51.100.9 HELO=tool.test")[0] == 250
        send(s)
        send(s)
    second, first = sorted(sink.wait(2), key=lambda m: m.fields("Received")[0])
    assert "from tool.test ([198.51.100.9])" in first.fields("Received")[0]
    assert "from front.test ([127.0.0.1])" in second.fields("Received")[0]
