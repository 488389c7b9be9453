"""Rows of domains and digests, allow rows, families, role accounts: at RCPT, on queued mail, in lists and out of them."""
import hashlib, json, smtplib

from gate import link_of, mail, post

ONLY_OFFERS = '{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.0/8"]; }'
ONLY_NEWS = '{ name = "tool"; brand = "acme"; stream = "news"; networks = ["127.0.0.0/8"]; }'


def send(gate, *to):
    """Who was refused at RCPT, and in what words."""
    with smtplib.SMTP(*gate.smtp) as s:
        try:
            refused = s.sendmail("news@acme.test", list(to), mail(to[0]))
        except smtplib.SMTPRecipientsRefused as e:
            refused = e.recipients
    return {who: text.decode() for who, (_, text) in refused.items()}


def test_domains_and_digests_are_refused_at_rcpt(make_gate, sink):
    gate = make_gate(sink.addr, clients=ONLY_OFFERS)
    gate.tool("suppress", "add", "@Blocked.test", "--reason", "objection", "--note", "their letter")
    gate.tool("suppress", "add", "*.below.test", "--scope", "acme")
    gate.tool("suppress", "add", "sha256:" + hashlib.sha256(b"hash@sink.test").hexdigest(), "--reason", "unsubscribe", "--scope", "acme/offers")
    refused = send(gate, "a@blocked.test", "a@x.below.test", "Hash@sink.test", "a@below.test", "a@sub.blocked.test", "b@sink.test", "postmaster@sink.test")
    assert {who: text.split("refused: ")[1].split()[0] for who, text in refused.items()} == {
        "a@blocked.test": "objection", "a@x.below.test": "manual", "Hash@sink.test": "unsubscribe", "postmaster@sink.test": "role-account"}
    assert {m.rcpts[0] for m in sink.wait(3)} == {"a@below.test", "a@sub.blocked.test", "b@sink.test"}
    why = gate.json("explain", "a@blocked.test", "--stream", "acme/offers", check=False)
    assert [(f["about"], f["note"]) for f in why["findings"] if f["decides"]] == [("@blocked.test", "their letter")]


def test_queued_mail_is_asked_about_again(make_gate, sink):
    sink.behave["MAIL"] = lambda s, a: None if s.go.is_set() else "stall"
    gate = make_gate(sink.addr, clients=ONLY_OFFERS)
    assert send(gate, "a@one.test") == send(gate, "b@two.test") == send(gate, "c@three.test") == {}
    gate.tool("suppress", "add", "@one.test")
    gate.tool("suppress", "add", "md5:" + hashlib.md5(b"b@two.test").hexdigest())
    sink.go.set()
    assert gate.queue_is_empty(60)
    assert [m.rcpts[0] for m in sink.messages] == ["c@three.test"]


def test_an_allow_row_lifts_what_nobody_has_said(make_gate, sink):
    gate = make_gate(sink.addr, clients=ONLY_NEWS)
    assert "no-consent" in send(gate, "seed@sink.test")["seed@sink.test"]
    gate.tool("allow", "add", "seed@sink.test", "--scope", "acme", "--note", "inbox monitor")
    gate.tool("suppress", "add", "@sink.test")
    assert send(gate, "seed@sink.test") == {}
    link = link_of(sink.wait(1)[0])
    assert post(gate, link)[0] == 200
    assert "unsubscribe" in send(gate, "seed@sink.test")["seed@sink.test"]
    assert [(r["whom"], r["note"]) for r in gate.json("allow", "list")] == [("seed@sink.test", "inbox monitor")]


def test_one_form_leaves_for_all(make_gate, sink):
    """A click in a mail to ann+shop@ stops mail to ann@ where the brand folds the provider; and only there."""
    gate = make_gate(sink.addr, clients=ONLY_OFFERS, brand='folding = ["sink.test"];')
    assert send(gate, "ann+shop@sink.test") == send(gate, "ann+shop@other.test") == {}
    for m in sink.wait(2):
        assert post(gate, link_of(m))[0] == 200
    assert set(send(gate, "ann@sink.test", "ann+2@sink.test", "eve@sink.test", "ann@other.test")) == {"ann@sink.test", "ann+2@sink.test"}


def test_lists_come_in_and_go_out(make_gate, sink, place):
    gate = make_gate(sink.addr, clients=ONLY_OFFERS)
    digest = hashlib.sha1(b"a@digest.test").hexdigest()
    (place / "digests.txt").write_text(digest.upper() + "\nnonsense\n")
    (place / "domains.txt").write_text("One.test\n*.two.test\n")
    (place / "zone.json").write_text('{"suppressionlist":[{"id":"1","address":"a@zone.test","created":"2016-03-16"},{"id":"2","domain":"zone2.test","created":"2016-03-16"}]}')
    (place / "seeds.csv").write_text("address,domain\nseed@sink.test,\n,seeds.test\n")
    imported = gate.json("import", place / "digests.txt", place / "domains.txt", place / "zone.json")
    assert [(r["format"], r["suppressions"], r["rejected"], r["changed"]) for r in imported] == [("digests", 1, 1, 1), ("domains", 2, 0, 2), ("zonemta", 2, 0, 2)]
    assert gate.json("import", "--dry-run", place / "domains.txt")[0]["changed"] == 0
    assert (r := gate.json("import", place / "seeds.csv")[0])["rejected"] == 2 and r["allows"] == 0
    assert gate.json("import", "--allow", place / "seeds.csv")[0]["changed"] == 2
    assert set(send(gate, "a@digest.test", "a@one.test", "a@x.two.test", "a@zone.test", "a@zone2.test", "a@two.test")) == {
        "a@digest.test", "a@one.test", "a@x.two.test", "a@zone.test", "a@zone2.test"}
    (place / "members.txt").write_text("a@one.test\nb@sink.test\nseed@sink.test\na@digest.test\nabuse@sink.test\n")
    gate.tool("screen", "--stream", "acme/offers", "--clear", place / "members.txt", place / "clear.txt")
    assert (place / "clear.txt").read_text() == "b@sink.test\nseed@sink.test\n"
    assert json.loads((place / "clear.txt.cert").read_text())["reasons"] == {"manual": 2, "role": 1}
    assert {k: gate.json("stats")["ledger"][k] for k in ("blocks", "allows")} == {"blocks": 4, "allows": 2}
    for kind in ("suppressions", "allows"):
        for form in ("csv", "ndjson"):
            (place / f"{kind}.{form}").write_text(gate.tool("export", "--format", form, kind).stdout, newline="")
    other = make_gate(sink.addr, clients=ONLY_OFFERS)
    for form in ("csv", "ndjson"):
        r = other.json("import", "--allow", place / f"suppressions.{form}", place / f"allows.{form}")
        assert [x["changed"] for x in r] == ([5, 2] if form == "csv" else [0, 0]), r
    key = lambda r: (r["whom"], r["scope"], r["reason"], r["when"])
    for verb in ("suppress", "allow"):
        assert sorted(map(key, other.json(verb, "list"))) == sorted(map(key, gate.json(verb, "list")))
    assert other.json("journal", "verify")["whole"]
