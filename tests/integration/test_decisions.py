"""What a client is told, what is kept of each decision, and what may be tried out with it."""
import json, re, smtplib, time

from gate import mail, post, link_of
from test_gate import send

TOOL = '{{ name = "tool"; brand = "acme"; stream = "offers"; streams = ["offers", "receipts"]; networks = ["127.0.0.0/8"]; {} }}'


def suppress(gate, who, scope="acme", reason="unsubscribe"):
    gate.tool("suppress", "add", who, "--scope", scope, "--reason", reason)


def eventually(check, timeout=60):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.05)
    return False


# ---- reply by choice ----

def test_a_stream_that_drops_says_yes_and_keeps_nobody(make_gate, sink):
    gate = make_gate(sink.addr, offers='reply = "drop";')
    suppress(gate, "bob@sink.test")
    assert send(gate, ["ann@sink.test", "bob@sink.test"]) == {}
    assert [m.rcpts for m in sink.wait(1)] == [["ann@sink.test"]]
    gate.wait_log(r"intake\.rcpt\.drop .*reason=unsubscribe")
    assert send(gate, "bob@sink.test") == {}
    gate.wait_log(r"intake\.message\.drop ")
    assert gate.queue_is_empty() and len(sink.messages) == 1


def test_the_client_decides_before_the_stream(make_gate, sink):
    gate = make_gate(sink.addr, offers='reply = "drop";', clients=TOOL.format('reply = "refuse";'))
    suppress(gate, "bob@sink.test")
    r = send(gate, "bob@sink.test")
    assert list(r.values())[0][0] == 550 and b"unsubscribe" in list(r.values())[0][1]


def test_streams_that_differ_are_asked_when_the_stream_is_known(make_gate, sink):
    gate = make_gate(sink.addr, offers='reply = "drop";')
    suppress(gate, "gone@sink.test", "", "bounce")
    assert send(gate, "gone@sink.test") == {}
    r = send(gate, "gone@sink.test", extra="X-Optgate-Stream: receipts\r\n")
    assert r["data"][0] == 550 and b"bounce" in r["data"][1]


def test_what_is_held_is_judged_again_when_released(make_gate, sink):
    gate = make_gate(sink.addr, offers='reply = "hold";')
    suppress(gate, "bob@sink.test", "acme/offers")
    suppress(gate, "cat@sink.test", "acme/offers", "manual")
    assert send(gate, ["ann@sink.test", "bob@sink.test", "cat@sink.test"]) == {}
    assert [m.rcpts for m in sink.wait(1)] == [["ann@sink.test"]]
    assert eventually(lambda: len(gate.json("queue", "list")) == 2)
    rows = gate.json("queue", "list", "--state", "held")
    assert len(rows) == 2
    gate.tool("suppress", "remove", "cat@sink.test", "--scope", "acme/offers", "--reason", "manual", "--note", "checked by hand")
    gate.tool("queue", "release")
    assert {m.rcpts[0] for m in sink.wait(2)} == {"ann@sink.test", "cat@sink.test"}
    gate.wait_log(r"delivery\.suppressed .*reason=unsubscribe")
    assert gate.queue_is_empty() and len(sink.messages) == 2


def test_held_mail_survives_a_crash(make_gate, sink):
    gate = make_gate(sink.addr, offers='reply = "hold";')
    suppress(gate, "bob@sink.test", "acme/offers")
    assert send(gate, "bob@sink.test") == {}
    gate.kill()
    gate.start()
    rows = gate.json("queue", "list")
    assert len(rows) == 1 and rows[0]["state"] == "held"


# ---- shadow ----

def test_on_trial_only_what_is_firm_blocks(make_gate, sink):
    gate = make_gate(sink.addr, offers='shadow = true;', news='shadow = true;', clients=TOOL.format("").replace('"receipts"', '"news"'))
    suppress(gate, "left@sink.test")
    suppress(gate, "never@sink.test", "acme", "objection")
    suppress(gate, "both@sink.test")
    suppress(gate, "both@sink.test", "", "bounce")
    assert send(gate, "left@sink.test") == {}
    assert send(gate, "noconsent@sink.test", extra="X-Optgate-Stream: news\r\n") == {}
    assert list(send(gate, "never@sink.test").values())[0][0] == 550
    code, text = list(send(gate, "both@sink.test").values())[0]
    assert code == 550 and b"bounce" in text
    assert {m.rcpts[0] for m in sink.wait(2)} == {"left@sink.test", "noconsent@sink.test"}
    gate.wait_log(r"intake\.rcpt\.shadow .*reason=unsubscribe")
    r = gate.tool("explain", "left@sink.test", "--stream", "acme/offers")
    assert "allow (on trial; else suppress: unsubscribe)" in r.stdout
    assert gate.json("explain", "left@sink.test", "--stream", "acme/offers")["shadow"] is True
    assert eventually(lambda: gate.json("shadow", "report").get("acme/offers", {}).get("would_stop") == {"unsubscribe": 1})
    assert eventually(lambda: gate.json("shadow", "report").get("acme/news") == {"judged": 1, "would_stop": {"no-consent": 1}})
    assert "no-consent" in gate.tool("shadow", "report", "--stream", "acme/news").stdout


# ---- the decision log ----

def refs(reply):
    return re.search(rb"ref ([0-9a-z]+(\.\d+)?)", reply).group(1).decode()


def explained(gate, ref, n=1):
    """What is written within a fraction of a second."""
    eventually(lambda: len(json.loads(gate.tool("explain", "--ref", ref, "--json", check=False).stdout or "[]")) >= n)
    return gate.json("explain", "--ref", ref)


def test_a_refusal_is_explained_by_its_reference(make_gate, sink):
    gate = make_gate(sink.addr, clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.1"]; }')
    gate.tool("suppress", "add", "bob@sink.test", "--scope", "acme", "--reason", "complaint", "--note", "called us")
    ref = refs(list(send(gate, "bob@sink.test").values())[0][1])
    rows = explained(gate, ref)
    assert len(rows) == 1
    r = rows[0]
    assert (r["at"], r["end"], r["verdict"], r["reason"], r["scope"], r["client"]) == ("rcpt", "refused", "suppress", "complaint", "acme/offers", "tool")
    assert r["journal"]["note"] == "called us" and r["journal"]["entry"] == r["entry"]
    text = gate.tool("explain", "--ref", ref).stdout
    assert "refused (complaint)" in text and "bob" not in text
    gate.stop()
    for f in (gate.data / "decisions").iterdir():
        assert b"bob" not in f.read_bytes() and b"sink.test" not in f.read_bytes()
    gate.start()
    assert gate.json("explain", "--ref", ref)[0]["end"] == "refused"


def test_a_message_is_explained_to_its_end(gate, sink):
    with smtplib.SMTP(*gate.smtp) as s:
        s.ehlo(), s.mail("news@acme.test"), s.rcpt("ann@sink.test")
        code, text = s.data(mail("ann@sink.test"))
    ref = re.search(rb"kept as ([0-9a-z]+)", text).group(1).decode()
    sink.wait(1)
    rows = explained(gate, ref, 2)
    assert [(r["at"], r["end"], r["verdict"]) for r in rows] == [("data", "accepted", "allow"), ("delivery", "delivered", "allow")]
    assert gate.tool("explain", "--ref", "0000000000000", check=False).returncode == 1
    assert gate.tool("explain", "--ref", "nonsense", check=False).returncode == 1
    assert gate.tool("explain", check=False).returncode == 2


def test_a_period_is_judged_again_by_other_settings(make_gate, sink):
    gate = make_gate(sink.addr)
    suppress(gate, "bob@sink.test")
    send(gate, ["ann@sink.test", "cat@sink.test"])
    send(gate, "bob@sink.test", extra="X-Optgate-Stream: receipts\r\n")
    send(gate, "bob@sink.test")
    assert eventually(lambda: gate.json("replay")["judged"] == 4)
    same = gate.json("replay")
    assert same["same"] == 4 and same["differences"] == []
    other = gate.dir / "other.conf"
    other.write_text(gate.conf.read_text().replace('list_id = "offers.lists.acme.test";', 'list_id = "offers.lists.acme.test"; requires = "consent";', 1)
                     .replace('class = "service"', 'class = "marketing"'))
    rows = {(d["stream"], d["was"], d["becomes"]): d["count"] for d in gate.json("replay", "--against", other)["differences"]}
    assert rows == {("acme/offers", "allow", "suppress: no-consent"): 2, ("acme/receipts", "allow", "suppress: unsubscribe"): 1}
    assert "suppress: no-consent" in gate.tool("replay", "--against", other, "--stream", "acme/offers").stdout
    assert gate.json("replay", "--until", "2020-01-01")["judged"] == 0


def test_a_period_is_judged_by_the_ledger_as_it_was(gate, sink):
    gate.tool("suppress", "add", "cat@sink.test", "--scope", "acme", "--reason", "manual")
    send(gate, ["ann@sink.test", "cat@sink.test"])
    sink.wait(1)
    time.sleep(0.05)
    gate.tool("suppress", "remove", "cat@sink.test", "--scope", "acme", "--reason", "manual", "--note", "a mistake")
    suppress(gate, "ann@sink.test")
    assert eventually(lambda: gate.json("replay")["judged"] == 2)
    rows = {(d["was"], d["becomes"]) for d in gate.json("replay")["differences"]}
    assert rows == {("allow", "suppress: unsubscribe"), ("suppress: manual", "allow")}
    assert gate.json("replay", "--then")["differences"] == []


def test_decisions_may_be_kept_not_at_all(make_gate, sink):
    gate = make_gate(sink.addr, more='decisions = { keep = "0"; };')
    assert send(gate, "ann@sink.test") == {}
    sink.wait(1)
    assert not (gate.data / "decisions").exists()


# ---- the tripwire ----

DRESSED_UP = "X-Optgate-Stream: receipts\r\nX-Campaign: spring\r\nPrecedence: bulk\r\n"


def test_what_looks_like_marketing_is_reported(gate, sink):
    suppress(gate, "bob@sink.test")
    assert send(gate, "bob@sink.test", extra=DRESSED_UP) == {}
    sink.wait(1)
    ref = gate.wait_log(r"intake\.message\.tripwire ref=(\w+) .*action=report signals=precedence,campaign-field").group(1)
    assert explained(gate, ref)[0]["signals"] == "precedence,campaign-field"
    before = len(gate.text())
    assert send(gate, "bob@sink.test", extra="X-Optgate-Stream: receipts\r\n") == {}
    sink.wait(2)
    assert "tripwire" not in gate.text(before)


def test_what_looks_like_marketing_is_held(make_gate, sink):
    gate = make_gate(sink.addr, receipts='tripwire = "hold";')
    assert send(gate, "bob@sink.test", extra=DRESSED_UP) == {}
    assert eventually(lambda: [r["state"] for r in gate.json("queue", "list")] == ["held"])
    gate.tool("queue", "release")
    sink.wait(1)


def test_what_looks_like_marketing_is_treated_as_such(make_gate, sink):
    gate = make_gate(sink.addr, receipts='tripwire = "marketing";')
    suppress(gate, "bob@sink.test")
    r = send(gate, "bob@sink.test", extra=DRESSED_UP)
    assert r["data"][0] == 550 and b"unsubscribe" in r["data"][1]
    assert send(gate, "bob@sink.test", extra="X-Optgate-Stream: receipts\r\n") == {}
    assert send(gate, "ann@sink.test", extra=DRESSED_UP) == {}
    m = next(m for m in sink.wait(2) if m.rcpts == ["ann@sink.test"])
    status, _, _ = post(gate, link_of(m))
    assert status == 200
    r = send(gate, "ann@sink.test", extra=DRESSED_UP)
    assert r["data"][0] == 550


def test_queued_mail_stays_marketing_for_the_third_verdict(make_gate, sink):
    gate = make_gate(("127.0.0.1", 9), receipts='tripwire = "marketing";')
    assert send(gate, "ann@sink.test", extra=DRESSED_UP) == {}
    gate.wait_log(r"delivery\.hop\.down|delivery\.attempt")
    suppress(gate, "ann@sink.test")
    gate.stop()
    gate.write_conf(hop_host=sink.addr[0], hop_port=sink.addr[1])
    gate.start()
    gate.wait_log(r"delivery\.suppressed .*reason=unsubscribe")
    assert not sink.messages


def test_the_same_body_to_many_is_seen(make_gate, sink):
    gate = make_gate(sink.addr, more="tripwire = { recipients = 5; };")
    for n in range(3):
        data = mail("x@sink.test", extra="X-Optgate-Stream: receipts\r\n", body="Our offer of the week\r\n")
        assert send(gate, [f"r{n}{i}@sink.test" for i in range(2)], data) == {}
    gate.wait_log(r"tripwire .*signals=same-body")
    assert gate.text().count("intake.message.tripwire") == 1


# ---- the journal, and copies ----

def test_an_anchor_proves_a_pruned_journal(gate):
    for n in range(5):
        gate.tool("suppress", "add", f"p{n}@sink.test", "--scope", "acme", "--reason", "complaint", "--note", "said on the phone")
    line = gate.tool("journal", "anchor").stdout
    assert re.fullmatch(r"optgate-journal 1 5 \S+Z [0-9a-f]{64}\n", line)
    anchors = gate.dir / "anchors"
    anchors.write_text(line)
    suppress(gate, "q@sink.test")
    assert gate.json("journal", "prune", "--person", "p1@sink.test")["entries"] == 1
    assert gate.json("journal", "prune", "--older-than", "0s")["entries"] == 5
    assert "said on the phone" not in gate.tool("journal", "tail").stdout
    assert gate.json("suppress", "show", "p0@sink.test")[0]["note"] == "said on the phone"
    gate.tool("journal", "verify", "--anchor", anchors)
    anchors.write_text(line.replace(line.split()[4][:4], "0000", 1))
    r = gate.tool("journal", "verify", "--anchor", anchors, check=False)
    assert r.returncode == 1 and "another one than was anchored" in r.stderr
    anchors.write_text("hello\n")
    assert gate.tool("journal", "verify", "--anchor", anchors, check=False).returncode == 1
    assert gate.tool("journal", "prune", check=False).returncode == 2


def test_the_drill_copy_lose_restore(make_gate, sink):
    gate = make_gate(sink.addr)
    suppress(gate, "bob@sink.test")
    gate.tool("consent", "grant", "ann@sink.test", "--purpose", "acme/news", "--wording", "w1")
    send(gate, "cat@sink.test")
    link = link_of(sink.wait(1)[0])
    copy, keys = gate.dir / "copy", gate.dir / "copied-keys"
    out = gate.tool("backup", copy, "--keys", keys).stdout
    assert "verified" in out
    assert gate.tool("backup", copy, check=False).returncode == 1
    gate.stop()
    import shutil
    shutil.rmtree(gate.data)
    gate.tool("restore", copy, "--keys", keys)
    gate.start()
    assert list(send(gate, "bob@sink.test").values())[0][0] == 550
    assert send(gate, "ann@sink.test", extra="X-Optgate-Stream: news\r\n") == {}
    assert post(gate, link)[0] == 200                       # links of before the loss
    assert list(send(gate, "cat@sink.test").values())[0][0] == 550
    gate.tool("journal", "verify", "--anchor", copy / "anchor")


def test_a_copy_can_only_add_blocks(make_gate, sink):
    gate = make_gate(sink.addr)
    suppress(gate, "bob@sink.test")
    gate.tool("suppress", "add", "cat@sink.test", "--scope", "acme", "--reason", "manual")
    gate.tool("consent", "grant", "eve@sink.test", "--purpose", "acme/news", "--wording", "w1")
    copy = gate.dir / "copy"
    gate.tool("backup", copy)
    gate.tool("suppress", "remove", "cat@sink.test", "--scope", "acme", "--reason", "manual", "--note", "a mistake")
    suppress(gate, "dan@sink.test")
    gate.tool("consent", "withdraw", "eve@sink.test", "--purpose", "acme/news")
    r = gate.json("restore", copy)                          # the daemon runs
    assert r == {"whole": False, "blocks": 2, "added": 1}
    for who in ("bob", "cat", "dan"):
        assert list(send(gate, f"{who}@sink.test").values())[0][0] == 550, who
    assert send(gate, "eve@sink.test", extra="X-Optgate-Stream: news\r\n")["data"][0] == 550
    assert gate.tool("restore", copy, "--aside", check=False).returncode == 1   # not beside the daemon
    (copy / "anchor").write_text("optgate-journal 1 1 2026-01-01T00:00:00Z " + 64 * "0")
    assert gate.tool("restore", copy, check=False).returncode == 1
    assert gate.tool("restore", gate.data, check=False).returncode == 1


def test_a_damaged_ledger_is_moved_aside(make_gate, sink):
    gate = make_gate(sink.addr)
    suppress(gate, "bob@sink.test")
    copy = gate.dir / "copy"
    gate.tool("backup", copy)
    gate.stop()
    data = gate.data / "ledger" / "data.mdb"
    data.write_bytes(b"x" * 8192)
    assert gate.tool("restore", copy, check=False).returncode == 1
    gate.tool("restore", copy, "--aside")
    assert len(list(data.parent.glob("data.mdb.*Z"))) == 1
    gate.start()
    assert list(send(gate, "bob@sink.test").values())[0][0] == 550
