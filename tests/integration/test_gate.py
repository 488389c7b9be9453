"""The way of a message: three verdicts, one copy a recipient, one click."""
import re, smtplib, threading, time

import pytest

from gate import Sink, link_of, mail, post, Gate, CLIENT


def send(gate, to, data=None, sender="news@acme.test", **kw):
    """One transaction; the refusals as smtplib tells them."""
    to = [to] if isinstance(to, str) else to
    with smtplib.SMTP(*gate.smtp, timeout=30) as s:
        try:
            return s.sendmail(sender, to, data or mail(to[0], **kw))
        except smtplib.SMTPRecipientsRefused as e:
            return e.recipients
        except smtplib.SMTPDataError as e:
            return {"data": (e.smtp_code, e.smtp_error)}
        except smtplib.SMTPSenderRefused as e:
            return {"mail": (e.smtp_code, e.smtp_error)}


def test_allowed_mail_is_delivered_with_the_header_pair(gate, sink):
    body = "Hello\r\n..dots\r\n.\r\n\ttabs and  blanks \r\n\r\n" + "x" * 900 + "\r\n"
    assert send(gate, "Ann.Lee@sink.test", body=body) == {}
    m = sink.wait(1)[0]
    assert m.rcpts == ["Ann.Lee@sink.test"]
    assert m.body == body.encode()
    assert re.fullmatch(r"<http://u\.acme\.test/u/[\w.-]+>, <mailto:u\+[a-z2-7]+@bounce\.acme\.test\?subject=unsubscribe>", m.one("List-Unsubscribe"))
    assert m.raw_lines("List-Unsubscribe-Post") == [b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    assert m.one("List-Id").endswith("<offers.lists.acme.test>")
    assert re.fullmatch(r"b\+[a-z2-7]{58}@bounce\.acme\.test", m.sender)
    assert gate.queue_is_empty()


def test_one_copy_a_recipient_each_with_a_token_of_its_own(gate, sink):
    to = [f"r{i}@sink.test" for i in range(20)]
    assert send(gate, to) == {}
    got = sink.wait(20)
    assert sorted(m.rcpts[0] for m in got) == sorted(to)
    assert len({link_of(m) for m in got}) == 20
    assert len({m.sender for m in got}) == 20
    assert len({m.one("Message-ID") for m in got}) == 1


def test_suppressed_recipient_is_refused_at_rcpt_and_others_go(make_gate, sink):
    gate = make_gate(sink.addr, clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.1"]; }')
    gate.tool("suppress", "add", "bob@sink.test", "--scope", "acme/offers", "--reason", "unsubscribe")
    refused = send(gate, ["ann@sink.test", "BOB@sink.test", "eve@sink.test"])
    assert list(refused) == ["BOB@sink.test"]
    code, text = refused["BOB@sink.test"]
    assert code == 550 and text.startswith(b"5.7.1 ") and b"unsubscribe" in text and b"ref " in text
    assert {m.rcpts[0] for m in sink.wait(2)} == {"ann@sink.test", "eve@sink.test"}


def test_leaving_a_newsletter_never_stops_a_receipt(gate, sink):
    gate.tool("suppress", "add", "bob@sink.test", "--scope", "acme", "--reason", "unsubscribe")
    refused = send(gate, "bob@sink.test")
    assert list(refused.values())[0][0] == 550
    assert send(gate, "bob@sink.test", extra="X-Optgate-Stream: receipts\r\n") == {}
    m = sink.wait(1)[0]
    assert m.fields("List-Unsubscribe") == [] and m.fields("List-Unsubscribe-Post") == []
    assert m.fields("X-Optgate-Stream") == []
    time.sleep(0.3)
    assert len(sink.messages) == 1


def test_a_hard_bounce_stops_receipts_too(gate, sink):
    gate.tool("suppress", "add", "gone@sink.test", "--scope", "", "--reason", "bounce")
    assert send(gate, "gone@sink.test", extra="X-Optgate-Stream: receipts\r\n")["gone@sink.test"][0] == 550


def test_consent_is_asked_where_the_stream_requires_it(gate, sink):
    data = lambda to: mail(to, extra="X-Optgate-Stream: news\r\n")
    assert send(gate, "ann@sink.test", data("ann@sink.test"))["data"][0] == 550
    gate.tool("consent", "grant", "ann@sink.test", "--purpose", "acme/news", "--wording", "w1")
    assert send(gate, "ann@sink.test", data("ann@sink.test")) == {}
    assert sink.wait(1)[0].one("List-Id").endswith("<news.lists.acme.test>")
    gate.tool("consent", "withdraw", "ann@sink.test", "--purpose", "acme/news")
    r = send(gate, "ann@sink.test", data("ann@sink.test"))
    assert r["data"][0] == 550 and b"withdrawn" in r["data"][1]


def test_topics_are_the_grain(gate, sink):
    gate.tool("suppress", "add", "ann@sink.test", "--scope", "acme/offers/spring", "--reason", "unsubscribe")
    assert send(gate, "ann@sink.test", extra="X-Optgate-Topic: spring\r\n")["data"][0] == 550
    assert send(gate, "ann@sink.test", extra="X-Optgate-Topic: summer\r\n") == {}
    assert send(gate, "ann@sink.test") == {}
    sink.wait(2)


@pytest.mark.parametrize("extra, frm, code", [
    ("X-Optgate-Stream: nothing\r\n", None, 550), ("X-Optgate-Topic: nothing\r\n", None, 550),
    ("X-Optgate-Stream: offers\r\nX-Optgate-Stream: receipts\r\n", None, 550), ("", "x@elsewhere.test", 550),
    ("From: second@acme.test\r\n", None, 550), ("", "x@notacme.test", 550), ("Received: x\r\n" * 120, None, 554)])
def test_what_the_client_may_not_say_is_refused(gate, sink, extra, frm, code):
    assert send(gate, "ann@sink.test", extra=extra, frm=frm)["data"][0] == code
    time.sleep(0.2)
    assert not sink.messages


def test_nobody_else_may_relay(make_gate, sink):
    gate = make_gate(sink.addr, clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["192.0.2.0/24"]; }')
    r = send(gate, "ann@sink.test")
    assert r["mail"][0] == 530 and b"5.7.0" in r["mail"][1]


def test_login_by_password_from_a_file(make_gate, sink):
    gate = make_gate(sink.addr, start=False, clients='{ name = "tool"; brand = "acme"; stream = "offers"; plain_auth = true; }')
    gate.tool("client", "add", "tool", input="s3cret pass\n")
    assert "s3cret" not in (gate.data / "passwords").read_text()
    assert (gate.data / "passwords").stat().st_mode & 0o077 == 0
    gate.start()
    for mech in ("PLAIN", "LOGIN"):
        with smtplib.SMTP(*gate.smtp) as s:
            s.ehlo()
            s.user, s.password = "tool", "wrong"
            with pytest.raises(smtplib.SMTPAuthenticationError) as e:
                s.auth(mech, getattr(s, "auth_" + mech.lower()))
            assert e.value.smtp_code == 535
            assert s.docmd("MAIL", "FROM:<a@acme.test>")[0] == 530
            s.rset()
            s.user, s.password = "tool", "s3cret pass"
            assert s.auth(mech, getattr(s, "auth_" + mech.lower()))[0] == 235
            assert s.sendmail("a@acme.test", ["ann@sink.test"], mail("ann@sink.test")) == {}
    sink.wait(2)
    assert "s3cret" not in gate.text()


def test_one_click_stops_the_next_send(make_gate, sink):
    gate = make_gate(sink.addr, clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.1"]; }')
    send(gate, "ann@sink.test")
    path = link_of(sink.wait(1)[0])
    for _ in range(2):
        status, headers, body = post(gate, path)
        names = {k.lower() for k, _ in headers}
        assert status == 200 and not names & {"location", "set-cookie"}
    code, text = send(gate, "ann@sink.test")["ann@sink.test"]
    assert code == 550 and b"unsubscribe" in text
    r = gate.tool("explain", "ann@sink.test", "--stream", "acme/offers", check=False)
    assert r.returncode == 3
    assert "one-click" in r.stdout and "recipient" in r.stdout
    assert gate.tool("explain", "other@sink.test", "--stream", "acme/offers").returncode == 0


def test_looking_changes_nothing(gate, sink):
    send(gate, "ann@sink.test")
    path = link_of(sink.wait(1)[0])
    before = gate.json("journal", "tail")
    for method in ("GET", "HEAD", "OPTIONS"):
        status, headers, body = post(gate, path, method=method, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"})
        assert status in (200, 204)
    status, headers, page = post(gate, path, method="GET")
    assert b"ann@sink.test" not in page and b"<button" in page
    assert gate.json("journal", "tail") == before
    assert post(gate, path[:-2] + "xx")[0] == 404
    assert post(gate, "/u/nonsense")[0] == 404


def test_multipart_one_click(gate, sink):
    send(gate, "ann@sink.test")
    body = b'--B\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--B--\r\n'
    assert post(gate, link_of(sink.wait(1)[0]), body, 'multipart/form-data; boundary="B"')[0] == 200
    assert list(send(gate, "ann@sink.test").values())[0][0] == 550


def test_opt_out_blocks_a_thousand_queued_messages(make_gate, sink):
    """Promise 2: a stalled next hop holds 1,000 messages; an opt-out is answered; none goes out afterwards."""
    sink.behave["MAIL"] = lambda s, a: None if s.go.is_set() else "stall"
    gate = make_gate(sink.addr, public_url="http://u.acme.test")
    with smtplib.SMTP(*gate.smtp) as s:
        for i in range(1000):
            s.sendmail("news@acme.test", ["ann@sink.test"], mail("ann@sink.test"))
    send(gate, "bob@sink.test")
    gate.tool("suppress", "add", "ann@sink.test", "--scope", "acme/offers", "--reason", "unsubscribe", "--source", "test")
    sink.go.set()
    assert {m.rcpts[0] for m in sink.wait(1, 60)} == {"bob@sink.test"}
    assert gate.queue_is_empty(90)
    assert {m.rcpts[0] for m in sink.messages} == {"bob@sink.test"}
    gate.wait_log(r"outcome=suppressed|delivery\.suppressed", 5, count=1000)


def test_temporary_failures_are_tried_again_and_permanent_ones_settled(make_gate, sink):
    tries = {}

    def rcpt(s, arg):
        tries[arg] = tries.get(arg, 0) + 1
        if "later" in arg and tries[arg] < 3:
            return "451 4.2.1 try later"
        return "550 5.1.1 no such user" if "never" in arg else None
    sink.behave["RCPT"] = rcpt
    gate = make_gate(sink.addr, delivery='retry_first = "200ms"; retry_max = "1s";')
    assert send(gate, ["later@sink.test", "never@sink.test", "now@sink.test"]) == {}
    got = {m.rcpts[0]: m for m in sink.wait(3)}
    assert set(got) == {"later@sink.test", "now@sink.test", "news@acme.test"}
    report = got["news@acme.test"]          # RFC 3464, to the tool's own return path
    assert report.sender == "" and report.one("Content-Type").startswith("multipart/report")
    assert b"Status: 5.1.1" in report.body and b"never@sink.test" in report.body
    gate.wait_log(r"5\.1\.1")
    assert gate.queue_is_empty()


def test_a_next_hop_that_is_down_loses_nothing(make_gate, place):
    s = Sink()
    addr = s.addr
    s.close()
    gate = make_gate(addr, delivery='retry_first = "300ms"; retry_max = "1s";')
    for i in range(30):
        assert send(gate, f"r{i}@sink.test") == {}
    time.sleep(1)
    assert len(gate.json("queue", "list")) == 30
    up = Sink(port=addr[1])
    assert {m.rcpts[0] for m in up.wait(30, 60)} == {f"r{i}@sink.test" for i in range(30)}
    up.close()


def test_restart_keeps_the_queue(make_gate, sink):
    sink.behave["connect"] = lambda s, a: None if s.go.is_set() else "421 4.3.2 not now"
    gate = make_gate(sink.addr, delivery='retry_first = "200ms"; retry_max = "1s";')
    send(gate, [f"r{i}@sink.test" for i in range(10)])
    gate.stop()
    assert len(gate.json("queue", "list")) == 10       # the tool reads the spool itself
    sink.go.set()
    gate.start()
    assert {m.rcpts[0] for m in sink.wait(10)} == {f"r{i}@sink.test" for i in range(10)}


def test_queue_verbs(make_gate, sink):
    sink.behave["connect"] = lambda s, a: None if s.go.is_set() else "421 4.3.2 not now"
    gate = make_gate(sink.addr, delivery='retry_first = "1h";')
    send(gate, ["a@sink.test", "b@sink.test"])
    time.sleep(0.3)
    rows = gate.json("queue", "list")
    assert len(rows) == 2
    gate.tool("queue", "hold")
    assert {r["state"] for r in gate.json("queue", "list")} == {"held"}
    gate.tool("queue", "drop", "--id", rows[0]["id"] if "." in rows[0]["id"] else rows[0]["id"])
    sink.go.set()
    gate.tool("queue", "release")
    left = gate.json("queue", "list")
    assert len(left) < 2


def test_reload_takes_a_new_stream_and_keeps_a_bad_file_out(gate, sink):
    gate.write_conf(clients=CLIENT.replace('"news", ', ""))
    assert "fail" not in gate.reload()
    assert send(gate, "ann@sink.test", extra="X-Optgate-Stream: news\r\n")["data"][0] == 550
    gate.write_conf(clients='{ name = "tool"; brand = "nobody"; }')
    assert "gateway.reload.fail" in gate.reload()
    assert send(gate, "ann@sink.test") == {}


def test_drain_finishes_what_runs(gate, sink):
    s = smtplib.SMTP(*gate.smtp)
    s.ehlo()
    s.mail("news@acme.test")
    s.rcpt("ann@sink.test")
    t = threading.Thread(target=gate.stop)
    t.start()
    time.sleep(0.3)
    code, _ = s.data(mail("ann@sink.test"))
    assert code == 250
    s.close()
    t.join()
    assert gate.start().queue_is_empty()
    sink.wait(1)


def test_ledger_that_cannot_be_read_fails_closed(make_gate, sink):
    """The data file is torn while the daemon runs elsewhere: nothing is sent because of an error."""
    gate = make_gate(sink.addr)
    gate.tool("suppress", "add", "ann@sink.test", "--scope", "acme", "--reason", "complaint")
    gate.stop()
    db = gate.data / "ledger" / "data.mdb"
    keep = db.read_bytes()
    db.write_bytes(b"\0" * len(keep))
    import subprocess
    from gate import BIN
    r = subprocess.run([BIN / "optgated", "-c", gate.conf], capture_output=True, text=True, timeout=20)
    assert r.returncode == 1 and "ledger" in r.stderr
    db.write_bytes(keep)
    gate.start()
    assert list(send(gate, "ann@sink.test").values())[0][0] == 550
