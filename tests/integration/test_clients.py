"""Real clients before the gateway, a real Postfix behind it, other people's DKIM verifiers."""
import base64, re, shutil, subprocess

import dkim
import pytest

from gate import link_of, mail, post, TOP

NEWSLETTER = mail("ann@sink.test", extra="List-Unsubscribe: <http://tool.acme.test/leave?id=1>\r\nPrecedence: bulk\r\n",
                  body="Gr=C3=BC=C3=9Fe\r\n.leading dot\r\n\r\n" + "long " * 180 + "\r\n\ttrailing blanks  \r\n")


@pytest.fixture
def signed_gate(make_gate, sink):
    gate = make_gate(sink.addr, start=False, dkim='{ domain = "acme.test"; selector = "r1"; }, { domain = "acme.test"; selector = "e1"; }')
    return gate


def make_keys(gate):
    """Both keys by the tool; their records as a resolver would give them."""
    dns = {}
    for selector, kind in (("r1", "rsa"), ("e1", "ed25519")):
        out = gate.tool("key", "new", "dkim", "acme.test", selector, kind).stdout
        dns[f"{selector}._domainkey.acme.test."] = "".join(re.findall(r'"([^"]*)"', out))
        assert dns[f"{selector}._domainkey.acme.test."].startswith("v=DKIM1")
    return dns


def verify(message, dns):
    d = dkim.DKIM(message.data)
    n = len(message.fields("DKIM-Signature"))
    for i in range(n):
        assert dkim.DKIM(message.data).verify(idx=i, dnsfunc=lambda name, timeout=5: dns[name.decode()].encode()), i
    return n


def test_dkim_by_dkimpy(signed_gate, sink):
    import smtplib
    dns = make_keys(signed_gate)
    signed_gate.start()
    with smtplib.SMTP(*signed_gate.smtp) as s:
        s.sendmail("news@acme.test", ["ann@sink.test", "bob@sink.test"], NEWSLETTER)
    for m in sink.wait(2):
        assert verify(m, dns) == 2
        for sig in m.fields("DKIM-Signature"):
            h = re.sub(r"\s", "", re.search(r"\bh=([^;]*)", sig).group(1)).lower().split(":")
            for name in ("list-unsubscribe", "list-unsubscribe-post", "list-id", "from", "subject", "to"):
                assert h.count(name) == len(m.fields(name)) + 1, (name, h)
        # adding a second field breaks it
        forged = m.data.replace(b"\r\nSubject:", b"\r\nList-Unsubscribe: <https://evil.test/>\r\nSubject:", 1)
        assert not dkim.DKIM(forged).verify(dnsfunc=lambda name, timeout=5: dns[name.decode()].encode())
        assert m.data.count(b"tool.acme.test") == 0


def test_dkim_by_opendkim(signed_gate, sink, place):
    import smtplib
    dns = make_keys(signed_gate)
    signed_gate.start()
    with smtplib.SMTP(*signed_gate.smtp) as s:
        s.sendmail("news@acme.test", ["ann@sink.test"], NEWSLETTER)
    m = sink.wait(1)[0]
    # opendkim's resolver is a file: its TestDNSData
    (place / "dns").write_text("".join(f"{k[:-1]} {v}\n" for k, v in dns.items() if k.startswith("r1")))
    conf = place / "opendkim.conf"
    conf.write_text(f"Mode v\nTestDNSData refile:{place}/dns\nSyslog no\n")
    (place / "m.eml").write_bytes(m.data.replace(b"\r\n", b"\n"))
    out = subprocess.run(["/usr/sbin/opendkim", "-x", conf, "-t", place / "m.eml"], capture_output=True, text=True).stdout
    assert "verification (s=r1, d=acme.test, 2048-bit key) succeeded" in out, out


def test_postfix_as_next_hop_gets_the_bytes(make_gate, postfix):
    import smtplib
    gate = make_gate(("127.0.0.1", postfix.port))
    with smtplib.SMTP(*gate.smtp) as s:
        for box in ("ann", "bob"):
            s.sendmail("news@acme.test", [f"{box}@sink.test"], NEWSLETTER)
    for box in ("ann", "bob"):
        m = postfix.messages(box)[0]
        assert m.body == NEWSLETTER.partition(b"\r\n\r\n")[2]
        sent = NEWSLETTER.partition(b"\r\n\r\n")[0].split(b"\r\n")
        got = m.head.split(b"\r\n")
        for line in sent:
            assert line in got or line.startswith(b"List-Unsubscribe:"), line
        assert m.one("Return-Path").startswith("<b+")
        link_of(m)
    assert gate.queue_is_empty()


def test_swaks(gate, sink):
    r = subprocess.run(["swaks", "--server", "%s:%d" % gate.smtp, "--from", "news@acme.test", "--to", "ann@sink.test", "--pipeline",
                        "--header", "From: news@acme.test", "--body", "hello", "--timeout", "20"], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr
    assert b"hello" in sink.wait(1)[0].body


def test_curl(gate, sink, place):
    (place / "m").write_bytes(NEWSLETTER)
    r = subprocess.run(["curl", "-sS", "smtp://%s:%d" % gate.smtp, "--mail-from", "news@acme.test", "--mail-rcpt", "ann@sink.test", "-T", place / "m"],
                       capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    assert sink.wait(1)[0].body == NEWSLETTER.partition(b"\r\n\r\n")[2]


def test_nodemailer(gate, sink, place):
    gate.tool("suppress", "add", "bob@sink.test", "--scope", "", "--reason", "bounce")
    script = place / "send.js"
    script.write_text("""
const nodemailer = require("/usr/share/nodejs/nodemailer");
const t = nodemailer.createTransport({host: "%s", port: %d, secure: false, ignoreTLS: true, pool: true});
t.sendMail({from: "Acme <news@acme.test>", to: "ann@sink.test, bob@sink.test, eve@sink.test", subject: "Grüße", text: "Hallo", html: "<p>Hallo</p>"},
  (e, info) => { console.log(JSON.stringify(e ? {error: String(e)} : {accepted: info.accepted, rejected: info.rejected,
      why: info.rejectedErrors.map(x => x.response)})); t.close(); });
""" % gate.smtp)
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    import json
    r = subprocess.run(["node", script], capture_output=True, text=True, timeout=60)
    out = json.loads(r.stdout)
    assert out["accepted"] == ["ann@sink.test", "eve@sink.test"] and out["rejected"] == ["bob@sink.test"], r.stdout + r.stderr
    assert "bounce" in out["why"][0]
    assert {m.rcpts[0] for m in sink.wait(2)} == {"ann@sink.test", "eve@sink.test"}


def test_phpmailer(gate, sink, place):
    script = place / "send.php"
    script.write_text("""<?php
require 'libphp-phpmailer/autoload.php';
$m = new PHPMailer\\PHPMailer\\PHPMailer(true);
$m->isSMTP(); $m->Host = '%s'; $m->Port = %d; $m->SMTPAutoTLS = false; $m->SMTPKeepAlive = true;
$m->setFrom('news@acme.test', 'Acme'); $m->Subject = 'Offers'; $m->Body = "<p>Hello</p>"; $m->AltBody = 'Hello'; $m->isHTML(true);
foreach (['ann', 'eve'] as $who) { $m->clearAddresses(); $m->addAddress("$who@sink.test"); $m->send(); }
echo "sent";
""" % gate.smtp)
    r = subprocess.run(["php", script], capture_output=True, text=True, timeout=60)
    assert r.stdout == "sent", r.stdout + r.stderr
    assert {m.rcpts[0] for m in sink.wait(2)} == {"ann@sink.test", "eve@sink.test"}


def test_newsletters_of_the_corpus_pass_unchanged(gate, sink):
    import smtplib
    folder = TOP.parent / "shared" / "corpus" / "newsletter"
    if not folder.is_dir():
        pytest.skip("skipped: ../shared/corpus is not here")
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.suffix not in (".json", ".jsonl", ".md")][::6]
    sent = []
    with smtplib.SMTP(*gate.smtp) as s:
        for n, f in enumerate(files):
            raw = f.read_bytes()
            if raw.startswith(b"From "):
                raw = raw.partition(b"\n")[2]
            raw = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
            head, _, body = raw.partition(b"\r\n\r\n")
            head = re.sub(rb"(?im)^From:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", b"From: Acme <news@acme.test>\r\nX-Number: %d" % n, head, count=1)
            if b"X-Number" not in head:
                continue
            raw = head + b"\r\n\r\n" + body
            s.sendmail("news@acme.test", ["ann@sink.test"], raw)
            sent.append((n, f, raw if raw.endswith(b"\r\n") else raw + b"\r\n"))
    got = {m.one("X-Number"): m for m in sink.wait(len(sent), 60)}
    ours = (b"list-unsubscribe", b"list-unsubscribe-post", b"list-id", b"received", b"feedback-id", b"return-path", b"bcc", b"message-id", b"date")
    for n, f, raw in sent:
        m = got[str(n)]
        assert m.body == raw.partition(b"\r\n\r\n")[2], f
        strip = lambda head: [x for x in re.sub(rb"\r\n(?=[ \t])", b"\0", head).split(b"\r\n") if x.split(b":")[0].lower() not in ours + (b"dkim-signature",)]
        assert strip(m.head) == strip(raw.partition(b"\r\n\r\n")[0]), f
        assert len(m.fields("List-Unsubscribe")) == 1 and len(m.fields("List-Unsubscribe-Post")) == 1, f
