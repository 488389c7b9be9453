"""What a client is told, what is kept of each decision, and what may be tried out with it."""
import json, re, smtplib, time

from gate import mail, post, link_of
from test_gate import send

TOOL = '{{ name = "tool"; brand = "acme"; stream = "offers"; streams = ["offers", "receipts"]; networks = ["127.0.0.0/8"]; {} }}'


def suppress(gate, who, scope="acme", reason="unsubscribe"):
    gate.tool("suppress", "add", who, "--scope", scope, "--reason", reason)


def eventually(check, timeout=15):
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
