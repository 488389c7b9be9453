"""The admin listener: keys and what each may do, verdicts, changes, providers' webhooks, HTTPS, reload."""
import base64, concurrent.futures, hashlib, hmac, http.client, json, re, smtplib, socket, ssl, subprocess, time

import pytest

from gate import mail
from test_decisions import eventually

HOOKS = '''webhooks = (
  {{ name = "mg"; provider = "mailgun"; stream = "acme/offers"; key_file = "mg.key"; }},
  {{ name = "pm"; provider = "postmark"; stream = "acme/offers"; }},
  {{ name = "ses"; provider = "ses"; stream = "acme/offers"; certificates = "sns"; }} );'''.replace("{{", "{").replace("}}", "}")


class Admin:
    """A gateway with an admin listener, and its keys by name."""

    def __init__(self, gate, roles, more=""):
        self.gate, self.keys = gate, {}
        gate.write_conf(more=f'admin = {{ listen = "127.0.0.1:0"; {more} }};', extra=HOOKS)
        (gate.dir / "mg.key").write_text("key-of-the-sample-account\n")
        (gate.dir / "mg.key").chmod(0o600)
        (gate.dir / "sns").mkdir(exist_ok=True)
        for name in roles:
            self.keys[name] = gate.tool("admin", "add", name, roles[name]).stdout.strip()
        gate.start()
        self.addr = gate.pair(gate.wait_log(r"gateway\.admin listen=(\S+)").group(1))
        self.context = None

    def ask(self, method, path, body=None, key=None, headers=None):
        c = http.client.HTTPSConnection(*self.addr, context=self.context, timeout=60) if self.context else http.client.HTTPConnection(*self.addr, timeout=60)
        h = dict(headers or {})
        if key:
            h["Authorization"] = "Bearer " + self.keys.get(key, key)
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        c.request(method, path, data, h)
        r = c.getresponse()
        text = r.read()
        c.close()
        r.json = json.loads(text) if r.headers.get("Content-Type") == "application/json" else text.decode()
        return r

    def yes(self, *a, **kw):
        r = self.ask(*a, **kw)
        assert r.status == 200, (r.status, r.json)
        return r.json

    def no(self, status, *a, **kw):
        r = self.ask(*a, **kw)
        assert r.status == status, (r.status, r.json)
        return r.json


@pytest.fixture
def admin(make_gate, sink):
    return Admin(make_gate(sink.addr, start=False), {"reader": "read", "dialler": "check", "agent": "optout", "lister": "lists,read", "provider": "hooks", "second": "approve", "all": "read,check,optout,lists,approve,hooks"})


def test_what_each_key_may_do(admin):
    routes = admin.yes("GET", "/v1/")["routes"]
    by_role = {"read": "reader", "check": "dialler", "optout": "agent", "lists": "lister", "approve": "second"}
    for r in routes:
        if not r["role"]:
            continue
        body = {} if r["method"] == "POST" else None
        assert admin.no(401, r["method"], r["path"], body)["error"] == "expected Authorization: Bearer KEY"
        for role, key in by_role.items():
            if role not in [*r["role"].split(","), *(["lists"] if r["role"] == "read" else [])]:
                assert admin.no(403, r["method"], r["path"], body, key=key)["error"] == "this key may not do that"
        assert admin.ask(r["method"], r["path"], body, key=by_role[r["role"]]).status in (200, 400), r
    assert admin.ask("GET", "/healthz").status == 200 and admin.ask("GET", "/readyz").status == 200
    assert "optgate_admin_requests_total" in admin.yes("GET", "/metrics", key="reader")
    assert admin.no(404, "GET", "/v1/nothing", key="all") and admin.no(405, "GET", "/v1/check", key="all")
    assert admin.ask("DELETE", "/v1/suppressions", key="all").status in (405, 501)
    # As the password of basic authentication, whatever the user.
    basic = {"Authorization": "Basic " + base64.b64encode(b"x:" + admin.keys["reader"].encode()).decode()}
    assert admin.yes("GET", "/v1/explain?address=a@sink.test&stream=acme/offers", headers=basic)["verdict"] == "allow"
    # Neither a key's name alone, nor its hash, nor another's secret under the name.
    stored = (admin.gate.data / "admin-keys").read_text()
    for wrong in ("reader", "reader." + stored.split("reader:read ")[1].split("\n")[0], admin.keys["all"] + "x", "", "."):
        assert admin.no(401, "GET", "/metrics", headers={"Authorization": "Bearer " + wrong})
    assert (admin.gate.data / "admin-keys").stat().st_mode & 0o777 == 0o600
    for secret in admin.keys.values():
        assert secret not in admin.gate.text() and secret not in stored
    # Nobody's body is waited for.
    for path in ("/v1/check", "/v1/nothing"):
        with socket.create_connection(admin.addr, 60) as s:
            s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n".encode())
            assert s.recv(100).split()[1] in (b"401", b"404")
    # Guesses are slowed, and a good key is taken all the while.
    assert 429 in {admin.ask("GET", "/metrics", headers={"Authorization": f"Bearer guess.{i}"}).status for i in range(30)}
    assert admin.ask("GET", "/metrics", key="reader").status == 200


def test_keys_come_and_go_with_a_reload(admin):
    g = admin.gate
    assert {(k["name"], k["roles"]) for k in g.json("admin", "list")} >= {("reader", "read"), ("lister", "read,lists")}
    g.tool("admin", "remove", "reader")
    new = g.json("admin", "add", "reader2", "read")["key"]
    assert admin.ask("GET", "/metrics", key="reader").status == 200
    assert "fail" not in g.reload()
    assert admin.ask("GET", "/metrics", key="reader").status == 401 and admin.ask("GET", "/metrics", key=new).status == 200
    assert g.tool("admin", "remove", "nobody", check=False).returncode == 1
    assert "expected roles" in g.tool("admin", "add", "x", "read,root", check=False).stderr
    assert "letters, digits and hyphens" in g.tool("admin", "add", "a:b", "read", check=False).stderr
    # A damaged file: said by line, and the keys that hold go on.
    with open(g.data / "admin-keys", "a") as f:
        f.write("rubbish\n")
    assert "admin-keys:" in (said := g.reload()) and "fail" in said
    assert admin.ask("GET", "/metrics", key=new).status == 200


def test_verdicts_and_changes(admin):
    told = admin.yes("POST", "/v1/suppressions", {"address": "Bob@Sink.test", "scope": "acme", "reason": "objection", "note": "by letter"}, key="lister")
    assert (told["address"], told["scope"], told["changed"]) == ("bob@sink.test", "acme", True)
    assert not admin.yes("POST", "/v1/suppressions", {"address": "bob@sink.test", "scope": "acme", "reason": "objection"}, key="lister")["changed"]
    why = admin.yes("GET", "/v1/explain?address=bob@sink.test&stream=acme/offers", key="reader")
    assert (why["verdict"], why["reason"]) == ("suppress", "objection") and why["findings"][0]["actor"] == "key:lister" and why["findings"][0]["note"] == "by letter"
    assert why == admin.gate.json("explain", "bob@sink.test", "--stream", "acme/offers", check=False)
    # In force for SMTP, at once.
    with smtplib.SMTP(*admin.gate.smtp) as s, pytest.raises(smtplib.SMTPResponseException) as no:
        s.sendmail("news@acme.test", ["bob@sink.test"], mail("bob@sink.test"))
    assert no.value.smtp_code == 550
    # Another channel, in the brand's country; a word that stops, and one that doesn't.
    assert not admin.yes("POST", "/v1/optout", {"address": "+447700900123", "channel": "sms", "scope": "acme", "keyword": "thanks"}, key="agent")["changed"]
    assert admin.yes("POST", "/v1/optout", {"address": "+447700900123", "channel": "sms", "scope": "acme", "keyword": " Stop. "}, key="agent")["changed"]
    rows = admin.yes("POST", "/v1/check", {"stream": "acme/offers", "channel": "sms", "addresses": ["+44 7700 900123", "+447700900124", "no number", 7]}, key="dialler")["results"]
    assert [(r["verdict"], r.get("reason")) for r in rows] == [("suppress", "unsubscribe"), ("allow", None), ("suppress", "bad-address"), ("suppress", "bad-address")]
    assert admin.gate.tool("explain", "+447700900123", "--channel", "sms", "--stream", "acme/offers", check=False).returncode == 3
    # A batch, each as if it were asked alone; and what is too much.
    many = [f"p{i}@sink.test" for i in range(9999)] + ["bob@sink.test"]
    rows = admin.yes("POST", "/v1/check", {"stream": "acme/offers/spring", "addresses": many}, key="dialler")["results"]
    assert [r["address"] for r in rows] == many and [r["verdict"] for r in rows] == ["allow"] * 9999 + ["suppress"]
    assert admin.no(400, "POST", "/v1/check", {"stream": "acme/offers", "addresses": many + ["x@y.test"]}, key="dialler")["field"] == "addresses"
    assert {r["verdict"] for r in admin.yes("POST", "/v1/check", {"stream": "acme/news", "addresses": ["a@sink.test"]}, key="dialler")["results"]} == {"suppress"}


def test_a_removal_takes_a_second_key(admin):
    bob = {"address": "bob@sink.test", "scope": "acme", "reason": "objection"}
    verdict = lambda who: admin.yes("GET", f"/v1/explain?address={who}&stream=acme/offers", key="reader")["verdict"]
    entry = admin.yes("POST", "/v1/suppressions", bob, key="all")["entry"]
    assert "note" in admin.no(409, "POST", "/v1/removals", bob, key="lister")["error"]
    asked = admin.ask("POST", "/v1/removals", {**bob, "note": "wrong person"}, key="all")
    assert asked.status == 202 and asked.json["changed"] and asked.json["entry"] > entry and verdict("bob@sink.test") == "suppress"
    order = {"request": asked.json["entry"], "note": "seen the letter"}
    # Not by a key without the role, nor by the one that asked, nor for something else, nor without a reason.
    assert admin.no(403, "POST", "/v1/approvals", order, key="lister")
    assert "somebody else must approve it" in admin.no(409, "POST", "/v1/approvals", order, key="all")["error"]
    assert "note" in admin.no(409, "POST", "/v1/approvals", {"request": order["request"]}, key="second")["error"]
    assert admin.no(404, "POST", "/v1/approvals", {**order, "request": entry}, key="second")["field"] == "request"
    assert admin.no(400, "POST", "/v1/approvals", {**order, "request": "1"}, key="second")["field"] == "request"
    assert verdict("bob@sink.test") == "suppress"
    done = admin.yes("POST", "/v1/approvals", order, key="second")
    assert done["changed"] and (done["scope"], done["reason"]) == ("acme", "objection") and verdict("bob@sink.test") == "allow"
    # Good once; the row that comes later stands. A user of the tool is a second person too.
    admin.yes("POST", "/v1/suppressions", bob, key="all")
    admin.ask("POST", "/v1/approvals", order, key="second")
    assert verdict("bob@sink.test") == "suppress"
    asked = admin.ask("POST", "/v1/removals", {**bob, "note": "wrong person"}, key="all").json["entry"]
    admin.gate.tool("suppress", "approve", str(asked), "--note", "seen the letter")
    assert verdict("bob@sink.test") == "allow"
    # What one may end alone, and what isn't there.
    kim = {"address": "kim@sink.test", "scope": "acme", "note": "a mistake"}
    admin.yes("POST", "/v1/suppressions", kim, key="lister")
    assert admin.yes("POST", "/v1/removals", kim, key="lister")["changed"] and verdict("kim@sink.test") == "allow"
    assert not admin.yes("POST", "/v1/removals", kim, key="lister")["changed"]
    assert not admin.yes("POST", "/v1/removals", {**bob, "note": "again"}, key="lister")["changed"]


def test_a_message_is_explained_by_its_reference(admin):
    admin.yes("POST", "/v1/suppressions", {"address": "bob@sink.test", "scope": "acme", "reason": "complaint", "note": "called us"}, key="lister")
    with smtplib.SMTP(*admin.gate.smtp) as s, pytest.raises(smtplib.SMTPResponseException) as no:
        s.sendmail("news@acme.test", ["bob@sink.test"], mail("bob@sink.test"))
    ref = re.search(rb"ref ([0-9a-z]+)", no.value.smtp_error).group(1).decode()
    assert eventually(lambda: admin.ask("GET", f"/v1/explain?ref={ref}", key="reader").status == 200)
    rows = admin.yes("GET", f"/v1/explain?ref={ref}", key="reader")
    assert rows == admin.gate.json("explain", "--ref", ref) and [(r["end"], r["reason"], r["journal"]["actor"]) for r in rows] == [("refused", "complaint", "key:lister")]
    assert admin.no(404, "GET", "/v1/explain?ref=0000000000000", key="reader")["field"] == "ref"
    for wrong in ("", "nonsense", "x" * 100, ref + ".", ref + ".x"):
        assert admin.no(400, "GET", f"/v1/explain?ref={wrong}", key="reader")["field"] == "ref"
    # More at a time than wait: each is answered, or told so.
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        assert {r.status for r in pool.map(lambda _: admin.ask("GET", f"/v1/explain?ref={ref}", key="reader"), range(80))} <= {200, 503}
    assert admin.ask("GET", f"/v1/explain?ref={ref}", key="reader").status == 200


WRONG = [
    ("/v1/suppressions", {"address": "nobody"}, "address"), ("/v1/suppressions", {"address": "a@b.test", "channel": "fax"}, "channel"),
    ("/v1/suppressions", {"address": "a@b.test", "scope": "acne"}, "scope"), ("/v1/suppressions", {"address": "a@b.test", "scope": "acme/offerz"}, "stream"),
    ("/v1/suppressions", {"address": "a@b.test", "scope": "acme", "reason": "dislike"}, "reason"), ("/v1/suppressions", {"address": "a@b.test", "when": "today"}, "when"),
    ("/v1/suppressions", {"address": "a@b.test", "note": "x" * 5000}, "note"), ("/v1/suppressions", {"address": 5}, "address"),
    ("/v1/removals", {"address": "a@b.test", "scope": "acme", "reason": "dislike"}, "reason"), ("/v1/approvals", {"request": 0}, "request"), ("/v1/approvals", {"request": 1, "note": "x" * 5000}, "note"),
    ("/v1/check", {"stream": "acme", "addresses": []}, "stream"), ("/v1/check", {"stream": "acme/offers", "addresses": "a@b.test"}, "addresses"),
    ("/v1/check", {"stream": "acme/offers", "channel": "pager", "addresses": []}, "channel"),
]


def test_wrong_requests_change_nothing(admin):
    last = lambda: admin.gate.json("journal", "tail", "--count", "1")
    before = last()
    for path, body, field in WRONG:
        assert admin.no(400, "POST", path, body, key="all")["field"] == field, body
    for body in ("", "{", "[]", "7", '{"address":"a@b.test","address":"b@b.test"}', b'\xff\xfe', '{"address":"a\\u0000@b.test"}', "[" * 100000):
        assert "error" in admin.no(400, "POST", "/v1/suppressions", body, key="all")
    with socket.create_connection(admin.addr, 60) as s:
        s.sendall(f"POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.keys['all']}\r\nContent-Length: {5 << 20}\r\n\r\n".encode())
        assert s.recv(100).startswith(b"HTTP/1.1 413 ")
    assert admin.no(400, "GET", "/v1/explain?address=a@b.test", key="all")["field"] == "stream"
    assert admin.no(400, "GET", "/v1/explain?stream=acme/offers", key="all")["field"] == "address"
    assert last() == before
    assert admin.ask("GET", "/healthz").status == 200


def test_answers_wait_for_the_disk_and_come_in_parallel(admin):
    """200 changes from 20 connections: each is in the ledger when its answer is there."""
    def one(i):
        told = admin.yes("POST", "/v1/optout", {"address": f"o{i}@sink.test", "scope": "acme"}, key="agent")
        return told["entry"], admin.yes("GET", f"/v1/explain?address=o{i}@sink.test&stream=acme/offers", key="reader")["verdict"]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        told = list(pool.map(one, range(200)))
    assert {v for _, v in told} == {"suppress"} and len({e for e, _ in told}) == 200
    admin.gate.kill()
    assert admin.gate.tool("journal", "verify").returncode == 0
    for i in (0, 77, 199):
        assert admin.gate.tool("explain", f"o{i}@sink.test", "--stream", "acme/offers", check=False).returncode == 3


def mailgun(event, token="t" * 32, key="key-of-the-sample-account", at=None):
    stamp = str(int(time.time()) if at is None else at)
    mac = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": stamp, "token": token, "signature": mac}, "event-data": event}


def verdict(admin, address, stream="acme/offers"):
    o = admin.yes("GET", f"/v1/explain?address={address}&stream={stream}", key="reader")
    return o["verdict"] if o["verdict"] == "allow" else o["reason"]


def test_signed_webhooks(admin):
    gone = {"event": "failed", "severity": "permanent", "recipient": "gone@sink.test", "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": "No such user"}}
    for wrong in (mailgun(gone, key="another"), mailgun(gone, at=1000), {"event-data": gone}):
        assert admin.no(403, "POST", "/hooks/mg", wrong)
    assert admin.no(403, "POST", "/hooks/mg", mailgun(gone, key="another"), key="provider")    # a key is no signature
    assert verdict(admin, "gone@sink.test") == "allow"
    signed = mailgun(gone)
    assert admin.yes("POST", "/hooks/mg", signed)["events"] == 1
    assert verdict(admin, "gone@sink.test") == "bounce" and verdict(admin, "gone@sink.test", "other/offers") == "bounce"
    # The proof doesn't cover the event: taken once only.
    forged = dict(signed, **{"event-data": {"event": "complained", "recipient": "victim@sink.test"}})
    assert "before" in admin.no(403, "POST", "/hooks/mg", forged)["error"]
    assert verdict(admin, "victim@sink.test") == "allow"
    assert admin.yes("POST", "/hooks/mg", mailgun({"event": "complained", "recipient": "angry@sink.test"}, "u" * 32))["events"] == 1
    assert admin.yes("POST", "/hooks/mg", mailgun({"event": "unsubscribed", "recipient": "tired@sink.test"}, "v" * 32))["events"] == 1
    assert admin.yes("POST", "/hooks/mg", mailgun({"event": "opened", "recipient": "a@sink.test"}, "w" * 32))["events"] == 0
    # A complaint reaches the brand, an opt-out the stream.
    assert verdict(admin, "angry@sink.test", "acme/news") == "complaint" and verdict(admin, "angry@sink.test", "other/offers") == "allow"
    assert verdict(admin, "tired@sink.test") == "unsubscribe"
    why = admin.yes("GET", "/v1/explain?address=angry@sink.test&stream=acme/offers", key="reader")["findings"][0]
    assert (why["source"], why["actor"]) == ("webhook:mg", "provider:mailgun")
    assert admin.no(404, "POST", "/hooks/nobody", {}) and admin.no(405, "GET", "/hooks/mg")


def test_webhooks_by_key(admin):
    event = {"RecordType": "SpamComplaint", "Email": "angry@sink.test"}
    assert admin.no(401, "POST", "/hooks/pm", event) and admin.no(403, "POST", "/hooks/pm", event, key="dialler")
    basic = {"Authorization": "Basic " + base64.b64encode(b"postmark:" + admin.keys["provider"].encode()).decode()}
    assert admin.no(400, "POST", "/hooks/pm", "{", headers=basic)
    assert admin.yes("POST", "/hooks/pm", event, headers=basic)["events"] == 1
    assert verdict(admin, "angry@sink.test") == "complaint"
    # Again: the same, and nothing more is written.
    before = admin.gate.json("journal", "tail", "--count", "1")
    assert admin.yes("POST", "/hooks/pm", event, headers=basic)["events"] == 1
    assert admin.gate.json("journal", "tail", "--count", "1") == before


def sns(admin, kind, message, more=(), key="key.pem"):
    """A message as Amazon signs it."""
    fields = [("Message", message), ("MessageId", f"id-{time.monotonic_ns()}"), *more, ("Timestamp", time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())),
              ("TopicArn", "arn:aws:sns:eu-west-2:1:mail"), ("Type", kind)]
    fields.sort()
    text = "".join(f"{k}\n{v}\n" for k, v in fields)
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", admin.gate.dir / key], input=text.encode(), capture_output=True, check=True).stdout
    return dict(fields, SignatureVersion="2", Signature=base64.b64encode(signed).decode(), SigningCertURL="https://sns.eu-west-2.amazonaws.com/Sns-1.pem")


def test_amazons_webhook(admin):
    d = admin.gate.dir
    for name, cert in (("key.pem", d / "sns" / "Sns-1.pem"), ("other.pem", d / "other-cert.pem")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sns", "-days", "30", "-keyout", d / name, "-out", cert], check=True, capture_output=True)
    gone = json.dumps({"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "gone@sink.test", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"}]}})
    good = sns(admin, "Notification", gone)
    assert admin.no(403, "POST", "/hooks/ses", dict(good, Message=gone.replace("gone@", "victim@")))
    assert admin.no(403, "POST", "/hooks/ses", sns(admin, "Notification", gone, key="other.pem"))
    assert "Amazon" in admin.no(403, "POST", "/hooks/ses", dict(good, SigningCertURL="https://sns.example.net/Sns-1.pem"))["error"]
    assert admin.no(403, "POST", "/hooks/ses", dict(good, SigningCertURL="https://sns.eu-west-2.amazonaws.com/Sns-2.pem"))
    assert verdict(admin, "gone@sink.test") == "allow"
    assert admin.yes("POST", "/hooks/ses", good)["events"] == 1
    assert verdict(admin, "gone@sink.test") == "bounce" and verdict(admin, "victim@sink.test") == "allow"
    assert admin.no(403, "POST", "/hooks/ses", good)                # once
    url = "https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    assert admin.yes("POST", "/hooks/ses", sns(admin, "SubscriptionConfirmation", "Visit it.", [("SubscribeURL", url), ("Token", "abc")]))["events"] == 0
    assert url in admin.gate.wait_log(r"web\.hook\.subscribe .*").group(0)


def test_https_and_where_it_may_listen(make_gate, sink, place):
    gate = make_gate(sink.addr, start=False)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30",
                    "-keyout", place / "key.pem", "-out", place / "cert.pem"], check=True, capture_output=True)
    admin = Admin(gate, {"reader": "read"}, f'tls_certificate = "{place}/cert.pem"; tls_key = "{place}/key.pem";')
    admin.context = ssl.create_default_context(cafile=str(place / "cert.pem"))
    assert admin.ask("GET", "/metrics", key="reader").status == 200
    gate.stop()
    gate.write_conf(more='admin = { listen = "0.0.0.0:0"; };')
    said = gate.tool("config", "check", check=False)
    assert said.returncode == 1 and "admin.listen" in said.stderr and "in the clear" in said.stderr
    for fine in ('listen = "0.0.0.0:0"; plain = true;', 'listen = "[::1]:0";', 'listen = "unix:/tmp/x";', f'listen = "0.0.0.0:0"; tls_certificate = "{place}/cert.pem"; tls_key = "{place}/key.pem";'):
        gate.write_conf(more=f"admin = {{ {fine} }};")
        gate.tool("config", "check")
    for wrong, words in (('name = "a"; provider = "mailgun"; stream = "acme/none";', "webhooks[].stream"),
                         ('name = "a"; provider = "postmark"; stream = "acme/offers"; key_file = "mg.key";', "mailgun or sendgrid"),
                         ('name = "a"; provider = "mailgun"; stream = "acme/offers"; certificates = "sns";', "provider ses only"),
                         ('name = "a"; provider = "mailgun"; stream = "acme/offers"; key_file = "none.key";', "none.key")):
        gate.write_conf(more="", extra=f"webhooks = ( {{ {wrong} }} );")
        said = gate.tool("config", "check", check=False)
        assert said.returncode == 1 and words in said.stderr, said.stderr


def test_it_belongs_to_the_relay(make_gate, sink):
    """Both halves may run on one data directory: one of them has the listener."""
    gate = make_gate(sink.addr, start=False)
    admin = Admin(gate, {"all": "read,check,optout,lists,hooks"})
    gate.stop()
    at = gate.log.stat().st_size
    gate.start(only="web")
    gate.stop()
    assert "gateway.admin" not in gate.text(at)
    at = gate.log.stat().st_size
    gate.start(only="relay")
    admin.addr = gate.pair(gate.wait_log(r"gateway\.admin listen=(\S+)", start=at).group(1))
    assert admin.yes("POST", "/hooks/pm", {"RecordType": "SpamComplaint", "Email": "b@sink.test"}, key="all")["events"] == 1
