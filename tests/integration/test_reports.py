"""What comes back: bounces of a real Postfix, complaints, mailto opt-outs, and what must change nothing."""
import base64, re, smtplib, socket, subprocess, threading, time

import pytest

import grade_reports
from gate import BIN, Postfix, mail

REPORTS = 'reports = {{ listen = ["127.0.0.1:0"]; {more} }};'


def reports_addr(gate):
    m = gate.wait_log(r"gateway\.reports listen=(\S+)")
    return gate.pair(m.group(1))


def send(addr, sender, rcpts, data):
    """The reply to the end of DATA, or to the first refused RCPT."""
    with smtplib.SMTP(*addr, timeout=30) as c:
        c.ehlo("mx.example.com")
        c.mail(sender)
        for r in rcpts:
            code, text = c.rcpt(r)
            if code != 250:
                return code, text
        return c.data(data)


def deliver(gate, sink, to="ann@sink.test", n=1):
    with smtplib.SMTP(*gate.smtp, timeout=30) as c:
        c.sendmail("news@acme.test", [to], mail(to))
    return sink.wait(n)[-1]


def blocked(gate, who):
    return {r["reason"]: r for r in gate.json("suppress", "show", who)}


def refused(gate, to):
    with smtplib.SMTP(*gate.smtp, timeout=30) as c:
        c.ehlo()
        c.mail("news@acme.test")
        return c.rcpt(to)[0] >= 500


def dsn(to, status="5.1.1", said="550 5.1.1 User unknown", action="failed"):
    return (f"From: MAILER-DAEMON@mx.example.com\r\nTo: <x>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n"
            f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
            f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {said}\r\n\r\n--b--\r\n").encode()


def arf(copy_head, kind="abuse"):
    return (f"From: fbl@provider.example\r\nTo: <x>\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nA complaint.\r\n--b\r\n"
            f"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: p/1\r\nVersion: 1\r\n\r\n--b\r\n"
            f"Content-Type: message/rfc822\r\n\r\n{copy_head}\r\n\r\nbody\r\n--b--\r\n").encode()


@pytest.fixture
def reporting(make_gate, sink):
    return make_gate(sink.addr, more=REPORTS.format(more='verify_complaints = false; complaint_addresses = ["fbl@bounce.acme.test"];'))


def test_bounce_suppresses_and_is_explained(reporting, sink):
    m = deliver(reporting, sink)
    assert m.sender.startswith("b+") and m.sender.endswith("@bounce.acme.test")
    assert send(reports_addr(reporting), "", [m.sender], dsn("ann@sink.test"))[0] == 250
    row = blocked(reporting, "ann@sink.test")["bounce"]
    assert row["scope"] in ("", None, "everything") or not row["scope"]
    assert "report=" in row["note"] and "5.1.1" in row["note"]
    assert refused(reporting, "ann@sink.test")
    out = reporting.tool("explain", "ann@sink.test", "--stream", "acme/offers", check=False)
    assert out.returncode == 3 and "report=" in out.stdout
    assert list((reporting.data / "reports").glob("*.mbox"))


def test_verp_names_the_person_whatever_the_report_says(reporting, sink):
    m = deliver(reporting, sink)
    assert send(reports_addr(reporting), "", [m.sender], dsn("somebody.else@sink.test"))[0] == 250
    assert "bounce" in blocked(reporting, "ann@sink.test")
    assert not blocked(reporting, "somebody.else@sink.test")


@pytest.mark.parametrize("report", [
    dsn("ann@sink.test", "5.7.1", "550 5.7.1 message blocked as spam"),
    dsn("ann@sink.test", "4.2.2", "452 4.2.2 mailbox full"),
    dsn("ann@sink.test", "5.1.1", "550 5.1.1 User unknown", action="delayed"),
    dsn("ann@sink.test", "2.0.0", "250 ok", action="delivered"),
    b"From: ann@sink.test\r\nTo: <x>\r\nAuto-Submitted: auto-replied\r\nSubject: Out of office\r\n\r\nI have left the company, unsubscribe\r\n",
    b"From: ann@sink.test\r\nTo: <x>\r\nSubject: hello\r\n\r\nuser unknown\r\n",
    arf("From: news@acme.test", "not-spam"), arf("From: news@acme.test", "fraud"),
])
def test_what_suppresses_nobody(reporting, sink, report):
    m = deliver(reporting, sink)
    assert send(reports_addr(reporting), "", [m.sender], report)[0] == 250
    assert not blocked(reporting, "ann@sink.test")
    assert not refused(reporting, "ann@sink.test")


def test_only_our_tokens_are_taken(reporting, sink):
    m = deliver(reporting, sink)
    at = reports_addr(reporting)
    local = m.sender.split("@")[0]
    for to in ("ann@sink.test", "postmaster@bounce.acme.test", "b+aaaa@bounce.acme.test", local + "@sink.test",
               local[:-1] + ("a" if local[-1] != "a" else "b") + "@bounce.acme.test", "u" + local[1:] + "@bounce.acme.test"):
        assert send(at, "", [to], dsn("ann@sink.test"))[0] == 550, to
    assert send(at, "", [m.sender.upper().replace("@BOUNCE.ACME.TEST", "@bounce.acme.test")], dsn("ann@sink.test"))[0] == 250
    assert "bounce" in blocked(reporting, "ann@sink.test")


def test_mailto_optout(reporting, sink):
    m = deliver(reporting, sink)
    to = re.search(r"<mailto:([^>?]+)", m.one("List-Unsubscribe")).group(1)
    at = reports_addr(reporting)
    auto = b"From: ann@sink.test\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\nx\r\n"
    assert send(at, "ann@sink.test", [to], auto)[0] == 250
    assert send(at, "", [to], b"From: ann@sink.test\r\nSubject:\r\n\r\n\r\n")[0] == 250
    assert not blocked(reporting, "ann@sink.test")
    assert send(at, "ann@sink.test", [to], b"From: quite.else@sink.test\r\nSubject:\r\n\r\n\r\n")[0] == 250
    assert blocked(reporting, "ann@sink.test")["unsubscribe"]["source"] == "mailto"
    assert reporting.tool("explain", "ann@sink.test", "--stream", "acme/offers", check=False).returncode == 3
    assert reporting.tool("explain", "ann@sink.test", "--stream", "acme/receipts", check=False).returncode == 0


def test_redacted_complaint_is_known_by_its_copy(reporting, sink):
    m = deliver(reporting, sink)
    copy = m.head.decode().replace("ann@sink.test", "redacted@sink.test")
    at = reports_addr(reporting)
    assert send(at, "fbl@provider.example", ["fbl@bounce.acme.test"], arf("From: a@b.test\r\nTo: bob@sink.test"))[0] == 250
    assert not blocked(reporting, "bob@sink.test")          # an address alone is no proof
    assert send(at, "fbl@provider.example", ["fbl@bounce.acme.test"], arf(copy))[0] == 250
    assert blocked(reporting, "ann@sink.test")["complaint"]["scope"] == "acme"


def test_unsigned_complaints_change_nothing(make_gate, sink):
    gate = make_gate(sink.addr, more=REPORTS.format(more='complaint_addresses = ["fbl@bounce.acme.test"];'))
    m = deliver(gate, sink)
    at = reports_addr(gate)
    for _ in range(20):
        assert send(at, "x@y.test", ["fbl@bounce.acme.test"], arf(m.head.decode()))[0] == 250
    assert not blocked(gate, "ann@sink.test")
    gate.wait_log("inbound.complaint.unverified", count=20)


class Dns:
    """Answers every TXT question with one record."""

    def __init__(self, record):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.record, self.addr = record, "%s:%d" % self.s.getsockname()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                q, peer = self.s.recvfrom(4096)
            except OSError:
                return
            end = q.index(b"\0", 12) + 5
            parts = [self.record[i:i + 255] for i in range(0, len(self.record), 255)]
            data = b"".join(bytes([len(x)]) + x for x in parts)
            self.s.sendto(q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + q[12:end] + b"\xc0\x0c\0\x10\0\1\0\0\0\0" + len(data).to_bytes(2, "big") + data, peer)


@pytest.fixture
def provider(place):
    """A mailbox provider that signs: its key's DNS server, and what signs as provider.example."""
    dkim = pytest.importorskip("dkim")
    key = place / "key.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "2048"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    dns = Dns(b"v=DKIM1; k=rsa; p=" + base64.b64encode(der))

    def sign(report, domain=b"provider.example"):
        return dkim.sign(report, b"s1", domain, key.read_bytes(), canonicalize=(b"relaxed", b"relaxed"))
    return dns, sign


def test_signed_complaints_count(make_gate, sink, provider):
    dns, sign = provider
    gate = make_gate(sink.addr, more=REPORTS.format(more=f'complaint_addresses = ["fbl@bounce.acme.test"]; resolver = "{dns.addr}";'))
    m = deliver(gate, sink)
    at = reports_addr(gate)
    report = arf(m.head.decode())
    assert send(at, "", ["fbl@bounce.acme.test"], sign(report, b"elsewhere.example") + report)[0] == 250
    assert send(at, "", ["fbl@bounce.acme.test"], sign(report) + report.replace(b"A complaint", b"No complaint"))[0] == 250
    assert not blocked(gate, "ann@sink.test")
    assert send(at, "", ["fbl@bounce.acme.test"], sign(report) + report)[0] == 250
    assert "complaint" in blocked(gate, "ann@sink.test")


def test_complaint_address_in_the_mail(make_gate, sink, provider):
    """RFC 9477, both sides: our mail says where complaints go and signs that; a provider's report there stops the brand's marketing."""
    dns, sign = provider
    gate = make_gate(sink.addr, start=False, dkim='{ domain = "acme.test"; selector = "e1"; }', brand="cfbl = true;",
                     more=REPORTS.format(more=f'verify_complaints = false; resolver = "{dns.addr}";'))
    gate.tool("key", "new", "dkim", "acme.test", "e1", "ed25519")
    gate.start()
    m = deliver(gate, sink)
    address, form = m.one("CFBL-Address").split("; ")
    signed = re.sub(r"\s", "", m.one("DKIM-Signature"))
    assert form == "report=arf" and address.startswith("c+") and address.endswith("@bounce.acme.test")
    assert m.one("CFBL-Feedback-ID") == address.split("@")[0]
    assert "d=acme.test;" in signed and "CFBL-Address:CFBL-Address:CFBL-Feedback-ID:CFBL-Feedback-ID" in signed
    at = reports_addr(gate)
    bare = arf(f"Message-ID: {m.one('Message-ID')}")     # the least that a provider may send
    assert send(at, "", [address], bare)[0] == 250
    assert not blocked(gate, "ann@sink.test")            # unsigned: no report
    assert send(at, "", [address], sign(bare) + bare)[0] == 250
    row = blocked(gate, "ann@sink.test")["complaint"]
    assert row["scope"] == "acme" and "report=" in row["note"]
    assert gate.tool("explain", "ann@sink.test", "--stream", "acme/offers", check=False).returncode == 3
    assert gate.tool("explain", "ann@sink.test", "--stream", "acme/receipts", check=False).returncode == 0


def test_loops_and_sizes_end(make_gate, sink):
    gate = make_gate(sink.addr, more=REPORTS.format(more="max_message_size = 65536;"))
    m = deliver(gate, sink)
    at = reports_addr(gate)
    assert send(at, "", [m.sender], b"Received: from a by b; Tue, 24 Nov 2026 02:06:00 +0000\r\n" * 60 + dsn("ann@sink.test"))[0] == 554
    assert send(at, "", [m.sender], b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" * 40000)[0] == 552
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(200))
    assert send(at, "", [m.sender], b"MIME-Version: 1.0\r\n" + nested)[0] == 552
    assert not blocked(gate, "ann@sink.test")


def test_refusal_at_send_time(reporting, sink):
    sink.behave["RCPT"] = lambda s, a: "550 5.1.1 no such user" if "eve" in a else "550 5.7.1 blocked" if "bob" in a else None
    with smtplib.SMTP(*reporting.smtp, timeout=30) as c:
        for to in ("eve@sink.test", "bob@sink.test", "ann@sink.test"):
            c.sendmail("news@acme.test", [to], mail(to))
    sink.wait(1)
    assert reporting.queue_is_empty()
    assert blocked(reporting, "eve@sink.test")["bounce"]["source"] == "refusal"
    assert not blocked(reporting, "bob@sink.test") and not blocked(reporting, "ann@sink.test")


def test_own_rules_and_reload(reporting, sink):
    m = deliver(reporting, sink)
    rules = reporting.dir / "own.rules"
    rules.write_text("hard unknown-user mailbox purged by janitor\n")
    report = dsn("ann@sink.test", "5.0.0", "550 mailbox purged by janitor")
    assert send(reports_addr(reporting), "", [m.sender], report)[0] == 250
    assert not blocked(reporting, "ann@sink.test")
    reporting.write_conf(more=REPORTS.format(more=f'own_rules = "{rules}";'))
    assert "fail" not in reporting.reload()
    assert send(reports_addr(reporting), "", [m.sender], report)[0] == 250
    assert "own:1" in blocked(reporting, "ann@sink.test")["bounce"]["note"]


def test_kill_after_250_loses_nothing(reporting, sink):
    for i in range(5):
        m = deliver(reporting, sink, f"p{i}@sink.test", i + 1)
        assert send(reports_addr(reporting), "", [m.sender], dsn(f"p{i}@sink.test"))[0] == 250
    reporting.kill()
    reporting.start()
    for i in range(5):
        assert "bounce" in blocked(reporting, f"p{i}@sink.test")


def test_postfix_bounces(place, make_gate):
    """Send, be refused later, receive the report, see the person suppressed and the next send refused."""
    postfix = Postfix(place / "pf")
    main = place / "pf" / "etc" / "main.cf"
    gate = make_gate(("127.0.0.1", postfix.port), more=REPORTS.format(more=""))
    host, port = reports_addr(gate)
    main.write_text(main.read_text() + f"""local_recipient_maps =
virtual_mailbox_maps = texthash:{place}/pf/etc/boxes
smtpd_reject_unlisted_recipient = no
transport_maps = inline:{{ {{ bounce.acme.test = smtp:[{host}]:{port} }} }}
smtp_host_lookup = native
relay_domains = bounce.acme.test
""")
    postfix.start()
    try:
        with smtplib.SMTP(*gate.smtp, timeout=30) as c:
            c.sendmail("news@acme.test", ["nobody@sink.test", "ann@sink.test"], mail("nobody@sink.test"))
        postfix.messages("ann")
        gate.wait_log(r"inbound\.report .*reaction=bounce", 30)
        until = time.monotonic() + 10     # the line is written before the commit
        while not blocked(gate, "nobody@sink.test") and time.monotonic() < until:
            time.sleep(0.05)
        row = blocked(gate, "nobody@sink.test")["bounce"]
        assert row["source"] == "report" and "5.1.1" in row["note"]
        assert refused(gate, "nobody@sink.test") and not refused(gate, "ann@sink.test")
        assert "report=" in gate.tool("explain", "nobody@sink.test", "--stream", "acme/offers", check=False).stdout
    finally:
        postfix.stop()


def test_corpus_of_reports():
    if not grade_reports.present():
        pytest.skip("../shared/corpus is not here")
    g = grade_reports.grade(BIN / "optgate")
    print(g.text())
    print("held out:", grade_reports.grade(BIN / "optgate", grade_reports.held_out).text())
    assert g.exact >= 0.95 * g.scored and g.wrong <= 0.005 * g.scored, g.text()
    assert g.soft_suppressed <= 0.01 * g.soft and g.hard_found >= 0.95 * g.hard, g.text()
    bad, _ = grade_reports.false_suppressions(BIN / "optgate")
    assert not bad, bad
