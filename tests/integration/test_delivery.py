"""The way out: routes, throttles, reports to the sender, holds, and next hops that misbehave."""
import re, smtplib, time

import pytest

from gate import CLIENT, Sink, link_of, mail, post
from test_gate import send


@pytest.fixture
def sinks():
    made = [Sink() for _ in range(3)]
    yield made
    for s in made:
        s.close()


@pytest.fixture
def make_routed(make_gate, sinks):
    """A gateway with three next hops, "hop", "hop2" and "hop3"."""
    def make(delivery="", **settings):
        # gate.py puts this into the first hop's braces
        others = "".join(f'}}, {{ name = "hop{i}"; host = "127.0.0.1"; port = {s.addr[1]}; tls = "none"; ' for i, s in enumerate(sinks[1:], 2))
        return make_gate(sinks[0].addr, hop_more=settings.pop("hop_more", "") + others, delivery=delivery, **settings)
    return make


def rcpts(sink):
    with sink.lock:
        return sorted(m.rcpts[0] for m in sink.messages)


def wait_for(what, timeout=20):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.02)
    return False


# ---- routes ----

def test_routes_choose_by_stream_and_domain(make_routed, sinks):
    gate = make_routed('''domain_groups = ( { name = "big"; domains = ["big.test", "*.big.test"]; } );
      routes = ( { name = "receipts"; streams = ["acme/receipts"]; next_hops = ( { name = "hop3"; } ); },
                 { name = "big"; streams = ["acme"]; domains = ["@big"]; next_hops = ( { name = "hop2"; } ); } );''')
    assert send(gate, ["a@sink.test", "b@big.test", "c@mx.big.test", "d@notbig.test"]) == {}
    assert send(gate, "e@big.test", extra="X-Optgate-Stream: receipts\r\n") == {}
    assert gate.queue_is_empty()
    assert rcpts(sinks[0]) == ["a@sink.test", "d@notbig.test"]
    assert rcpts(sinks[1]) == ["b@big.test", "c@mx.big.test"]
    assert rcpts(sinks[2]) == ["e@big.test"]
    assert re.search(r'delivery\.attempt .*route="big" hop="hop2" outcome=delivered', gate.text())


def test_hops_of_one_priority_share_by_weight(make_routed, sinks):
    gate = make_routed('''routes = ( { name = "all"; next_hops = ( { name = "hop"; weight = 3; }, { name = "hop2"; weight = 1; },
                                                         { name = "hop3"; priority = 20; } ); } );''')
    with smtplib.SMTP(*gate.smtp) as s:
        for i in range(200):
            s.sendmail("news@acme.test", [f"r{i}@d{i % 7}.test"], mail(f"r{i}@d{i % 7}.test"))
    assert gate.queue_is_empty()
    assert len(rcpts(sinks[0])) in range(140, 161)
    assert len(rcpts(sinks[0])) + len(rcpts(sinks[1])) == 200
    assert rcpts(sinks[2]) == []


def test_a_hop_that_fails_is_replaced_and_comes_back(make_routed, sinks):
    sinks[0].behave["connect"] = lambda s, a: None if s.go.is_set() else "421 4.3.2 not now"
    gate = make_routed('routes = ( { name = "all"; next_hops = ( { name = "hop"; priority = 1; }, { name = "hop2"; priority = 2; } ); } );')
    send(gate, [f"r{i}@sink.test" for i in range(20)])
    assert gate.queue_is_empty()
    assert len(rcpts(sinks[1])) == 20
    sinks[0].go.set()
    gate.wait_log(r"delivery\.hop\.down")
    n = 0
    while not rcpts(sinks[0]) and n < 100:
        send(gate, f"again{n}@sink.test")
        n += 1
        time.sleep(0.1)
    gate.wait_log(r"delivery\.hop\.up")
    send(gate, [f"late{i}@sink.test" for i in range(20)])
    assert gate.queue_is_empty()
    assert len([r for r in rcpts(sinks[0]) if r.startswith("late")]) >= 15    # a session to the second may still be open
    assert len(rcpts(sinks[0])) + len(rcpts(sinks[1])) == 40 + n


def test_the_source_address_is_what_the_settings_say(make_gate, sink):
    gate = make_gate(sink.addr, hop_more='source = "127.0.0.3";')
    send(gate, "a@sink.test")
    sink.wait(1)
    assert sink.peers == {"127.0.0.3"}


# ---- throttles ----

def arrivals(sink, n, timeout=30):
    """When each message was complete."""
    sink.wait(n, timeout)
    with sink.lock:
        return sorted(sink.times)


def test_a_throttle_holds_for_all_domains_of_a_group_together(make_gate, sink):
    gate = make_gate(sink.addr, delivery='''domain_groups = ( { name = "slow"; domains = ["a.test", "b.test"]; } );
      throttles = ( { name = "slow"; domains = ["@slow"]; rate = "20/s"; burst = 1; } );''')
    send(gate, [f"r{i}@{d}.test" for i in range(15) for d in "ab"] + [f"f{i}@fast.test" for i in range(30)])
    t = arrivals(sink, 60)
    with sink.lock:
        slow = sorted(at for at, m in zip(sink.times, sink.messages) if "fast" not in m.rcpts[0])
        fast = sorted(at for at, m in zip(sink.times, sink.messages) if "fast" in m.rcpts[0])
    assert 1.4 <= slow[-1] - slow[0] <= 3
    assert fast[-1] - t[0] < 1
    assert gate.queue_is_empty()


def test_each_domain_has_a_share_of_its_own(make_gate, sink):
    gate = make_gate(sink.addr, delivery='throttles = ( { name = "each"; each_domain = true; rate = "10/s"; burst = 1; } );')
    send(gate, [f"r{i}@{d}.test" for i in range(10) for d in "abcde"])
    t = arrivals(sink, 50)
    assert 0.85 <= t[-1] - t[0] <= 2


def test_a_route_keeps_its_rate_and_the_day_of_the_warm_up_holds(make_routed, sinks):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    gate = make_routed(f'''routes = ( {{ name = "r"; domains = ["r.test"]; next_hops = ( {{ name = "hop"; }} ); rate = "10/s"; burst = 2; }} );
      throttles = ( {{ name = "w"; domains = ["w.test"]; warm_up = ["3/d", "1000/s"]; warm_up_from = "{today}"; burst = 3; }} );''')
    send(gate, [f"a{i}@r.test" for i in range(12)] + [f"b{i}@w.test" for i in range(6)])
    assert wait_for(lambda: len(rcpts(sinks[0])) >= 15)
    time.sleep(0.5)
    assert len([r for r in rcpts(sinks[0]) if "w.test" in r]) == 3
    with sinks[0].lock:
        t = sorted(at for at, m in zip(sinks[0].times, sinks[0].messages) if "r.test" in m.rcpts[0])
    assert 0.9 <= t[-1] - t[0] <= 2


def test_a_domain_that_the_hop_wants_slower_slows_alone_and_recovers(make_gate, sink):
    def rcpt(s, arg):
        return "421 4.7.0 too fast, closing" if "@busy" in arg and not s.go.is_set() else None
    sink.behave["RCPT"] = rcpt
    gate = make_gate(sink.addr, delivery='retry_first = "200ms"; retry_max = "1s";')
    send(gate, [f"r{i}@busy.test" for i in range(5)] + [f"f{i}@free.test" for i in range(20)])
    gate.wait_log(r"delivery\.destination\.slower domain=busy\.test")
    assert wait_for(lambda: len(rcpts(sink)) == 20)
    sink.go.set()
    assert gate.queue_is_empty(60)
    gate.wait_log(r"delivery\.destination\.recovered domain=busy\.test")
    assert len(rcpts(sink)) == 25


def test_try_again_in_is_honoured(make_gate, sink):
    seen = []

    def rcpt(s, arg):
        seen.append(time.monotonic())
        return "451 4.2.0 Greylisted, please try again in 3 seconds" if len(seen) == 1 else None
    sink.behave["RCPT"] = rcpt
    gate = make_gate(sink.addr, delivery='retry_first = "100ms"; retry_max = "1h";')
    send(gate, "a@sink.test")
    sink.wait(1)
    assert 2.9 <= seen[1] - seen[0] <= 4.5


def test_expiry_is_by_class(make_gate, sink):
    sink.behave["RCPT"] = lambda s, a: "451 4.2.1 later"
    gate = make_gate(sink.addr, delivery='retry_first = "200ms"; retry_max = "500ms"; expire_marketing = "1s"; expire = "1h";')
    send(gate, "a@sink.test", sender="", data=mail("a@sink.test"))
    send(gate, "b@sink.test", extra="X-Optgate-Stream: receipts\r\n")
    gate.wait_log(r'outcome=permanent .*enhanced=4\.4\.7')
    assert [r["stream"] for r in gate.json("queue", "list")] == ["acme/receipts"]


# ---- reports to the sender ----

def to(sink, address):
    with sink.lock:
        return [m for m in sink.messages if m.rcpts == [address]]


def test_a_failure_is_reported_to_the_tools_bounce_address(make_gate, sink):
    import email
    sink.behave["RCPT"] = lambda s, a: "550 5.1.1 no such user" if "gone" in a else None
    gate = make_gate(sink.addr)
    with smtplib.SMTP(*gate.smtp) as s:
        s.ehlo()
        s.docmd("MAIL", "FROM:<bounces@acme.test> RET=HDRS ENVID=QQ+2B1")
        s.docmd("RCPT", "TO:<gone@sink.test> ORCPT=rfc822;Gone@sink.test")
        s.docmd("RCPT", "TO:<gone2@sink.test> NOTIFY=NEVER")
        s.docmd("RCPT", "TO:<here@sink.test> NOTIFY=SUCCESS,FAILURE")
        assert s.data(mail("gone@sink.test", body="secret words\r\n"))[0] == 250
    assert gate.queue_is_empty()
    reports = {email.message_from_bytes(m.data)["Subject"]: (m, email.message_from_bytes(m.data)) for m in to(sink, "bounces@acme.test")}
    assert sorted(reports) == ["Not delivered: gone@sink.test", "Passed on: here@sink.test"]
    raw, m = reports["Not delivered: gone@sink.test"]
    assert raw.sender == ""
    assert m.get_content_type() == "multipart/report" and m.get_param("report-type") == "delivery-status"
    text, status, original = m.get_payload()
    fields = status.get_payload()[1]
    assert (fields["Action"], fields["Status"]) == ("failed", "5.1.1")
    assert fields["Final-Recipient"] == "rfc822; gone@sink.test" and fields["Original-Recipient"] == "rfc822; Gone@sink.test"
    assert status.get_payload()[0]["Original-Envelope-Id"] == "QQ+1"
    assert original.get_content_type() == "text/rfc822-headers" and "secret" not in str(m)
    assert m["Auto-Submitted"] and m["List-Unsubscribe"] is None
    _, relayed = reports["Passed on: here@sink.test"]
    assert relayed.get_payload()[1].get_payload()[1]["Action"] == "relayed"


def test_no_report_to_the_null_sender_nor_about_reports_nor_of_the_suppressed(make_gate, sink):
    sink.behave["MAIL"] = lambda s, a: None if s.go.is_set() else "stall"
    sink.behave["RCPT"] = lambda s, a: "550 5.1.1 no such user" if "gone" in a or "bounces" in a else None
    gate = make_gate(sink.addr)
    send(gate, "out@sink.test", sender="bounces@acme.test")
    send(gate, "gone@sink.test", sender="", data=mail("gone@sink.test"))
    send(gate, "gone@sink.test", sender="bounces@acme.test")     # its report is refused as well
    gate.tool("suppress", "add", "out@sink.test", "--scope", "acme", "--reason", "unsubscribe")
    sink.go.set()
    gate.wait_log(r"delivery\.report ")
    assert gate.queue_is_empty()
    assert len(re.findall(r"delivery\.report ", gate.text())) == 1
    assert not sink.messages


# ---- hold, release, re-route, live ----

def test_a_held_campaign_stays_held_also_what_comes_later_and_after_a_restart(make_gate, sink):
    gate = make_gate(sink.addr)
    spring = "X-Optgate-Campaign: spring sale\r\n"
    gate.tool("queue", "hold", "--campaign", "spring sale", "--note", "wrong price")
    send(gate, "a@sink.test", extra=spring)
    send(gate, "b@sink.test")
    assert wait_for(lambda: rcpts(sink) == ["b@sink.test"])
    assert wait_for(lambda: [r["state"] for r in gate.json("queue", "list")] == ["held"])
    gate.stop()
    gate.start()
    send(gate, "c@sink.test", extra=spring)
    assert wait_for(lambda: [r["state"] for r in gate.json("queue", "list")] == ["held"] * 2)
    holds = gate.json("queue", "holds")
    assert [(h["campaign"], h["why"], h["stream"]) for h in holds] == [("spring sale", "wrong price", None)]
    assert "wrong price" in gate.tool("queue", "holds").stdout
    assert len(rcpts(sink)) == 1
    gate.tool("queue", "drop", "--campaign", "spring sale", "--id", gate.json("queue", "list")[0]["id"])
    gate.tool("queue", "release", "--campaign", "spring sale")
    assert gate.queue_is_empty()
    assert len(rcpts(sink)) == 2 and gate.json("queue", "holds") == []


def test_holds_by_stream_domain_and_client(make_gate, sink):
    gate = make_gate(sink.addr)
    gate.tool("queue", "hold", "--stream", "acme/offers", "--domain", "big.test")
    gate.tool("queue", "hold", "--client", "nobody")
    send(gate, ["a@big.test", "b@small.test"])
    send(gate, "c@big.test", extra="X-Optgate-Stream: receipts\r\n")
    assert wait_for(lambda: rcpts(sink) == ["b@small.test", "c@big.test"])
    gate.tool("queue", "release", "--domain", "other.test")
    time.sleep(0.3)
    assert len(gate.json("queue", "list")) == 1
    gate.tool("queue", "release", "--stream", "acme")
    assert gate.queue_is_empty()
    assert [h["client"] for h in gate.json("queue", "holds")] == ["nobody"]
    gate.tool("queue", "hold", "--client", "tool")
    send(gate, "d@sink.test")
    assert wait_for(lambda: [r["state"] for r in gate.json("queue", "list")] == ["held"])
    gate.tool("queue", "release")
    assert gate.queue_is_empty() and gate.json("queue", "holds") == []


def test_mail_is_rerouted_live_while_its_hop_is_down(make_routed, sinks):
    sinks[0].behave["connect"] = lambda s, a: "421 4.3.2 not now"
    gate = make_routed('routes = ( { name = "one"; next_hops = ( { name = "hop"; } ); }, { name = "two"; next_hops = ( { name = "hop2"; } ); } );')
    send(gate, [f"r{i}@d{i}.test" for i in range(10)])
    gate.wait_log(r"delivery\.hop\.down")
    gate.tool("queue", "reroute", "--stream", "acme/offers", "--route", "two")
    assert gate.queue_is_empty()
    assert len(rcpts(sinks[1])) == 10
    gate.tool("queue", "reroute", "--stream", "acme/offers")
    send(gate, "late@sink.test")
    time.sleep(0.5)
    assert len(gate.json("queue", "list")) == 1 and len(rcpts(sinks[1])) == 10


def test_a_campaign_or_a_client_is_rerouted_live(make_routed, sinks):
    sinks[0].behave["connect"] = lambda s, a: "421 4.3.2 not now"
    gate = make_routed('routes = ( { name = "one"; next_hops = ( { name = "hop"; } ); }, { name = "two"; next_hops = ( { name = "hop2"; } ); } );')
    for i in range(4):
        send(gate, f"s{i}@d.test", extra="X-Optgate-Campaign: spring sale\r\n")
        send(gate, f"w{i}@d.test", extra="X-Optgate-Campaign: winter\r\n")
    gate.wait_log(r"delivery\.hop\.down")
    gate.tool("queue", "reroute", "--campaign", "spring sale", "--route", "two")
    assert wait_for(lambda: sorted(rcpts(sinks[1])) == [f"s{i}@d.test" for i in range(4)])
    assert len(gate.json("queue", "list", "--campaign", "winter")) == 4
    send(gate, "late@d.test", extra="X-Optgate-Campaign: spring sale\r\n")
    assert wait_for(lambda: "late@d.test" in rcpts(sinks[1]))
    gate.tool("queue", "reroute", "--campaign", "spring sale")
    gate.tool("queue", "reroute", "--client", "nobody", "--route", "two")
    assert len(gate.json("queue", "list")) == 4
    gate.tool("queue", "reroute", "--client", "tool", "--route", "two")
    assert gate.queue_is_empty() and len(rcpts(sinks[1])) == 9


# ---- the complaint breaker ----

def complain(gate, address):
    gate.tool("suppress", "add", address, "--scope", "acme", "--reason", "complaint")


def test_too_many_complaints_pause_a_stream_and_more_stop_it(make_gate, sink):
    gate = make_gate(sink.addr, delivery='breaker = { pause = 2000; stop = 4000; minimum = 50; pause_time = "3s"; };')
    send(gate, [f"r{i}@sink.test" for i in range(100)])
    sink.wait(100)
    assert gate.queue_is_empty()
    complain(gate, "r1@sink.test")
    time.sleep(1.5)
    assert gate.json("queue", "holds") == []
    gate.stop()                                          # what was counted outlives it
    gate.start()
    complain(gate, "r2@sink.test")                       # 2 %
    gate.wait_log(r"delivery\.breaker\.pause stream=acme/offers complaints=2 delivered=100")
    send(gate, "later@sink.test")
    send(gate, "receipt@sink.test", extra="X-Optgate-Stream: receipts\r\n")
    sink.wait(101)
    assert wait_for(lambda: [r["state"] for r in gate.json("queue", "list")] == ["deferred"])
    sink.wait(102)                                       # the pause is over by itself
    complain(gate, "r3@sink.test")
    complain(gate, "r4@sink.test")
    complain(gate, "r5@sink.test")                       # 5 of 101
    gate.wait_log(r"delivery\.breaker\.stop stream=acme/offers")
    send(gate, "held@sink.test")
    assert wait_for(lambda: [r["state"] for r in gate.json("queue", "list")] == ["held"])
    gate.stop()
    gate.start()
    assert [h["actor"] for h in gate.json("queue", "holds")] == ["breaker"]
    gate.tool("queue", "release", "--stream", "acme/offers")
    assert gate.queue_is_empty()
    complain(gate, "r6@sink.test")
    time.sleep(1.5)
    assert gate.json("queue", "holds") == []


# ---- what lasts too long ----

def test_mail_expires_while_its_hop_is_down_and_is_reported_once_it_is_up(make_routed, sinks):
    sinks[0].behave["connect"] = lambda s, a: "421 4.3.2 not now"
    gate = make_routed('''expire = "1s"; expire_service = "1h"; routes = ( { name = "one"; domains = ["gone.test"]; next_hops = ( { name = "hop"; } ); },
      { name = "two"; next_hops = ( { name = "hop2"; } ); } );''')
    send(gate, [f"a{i}@gone.test" for i in range(3)], sender="bounces@acme.test")
    send(gate, "b@gone.test", extra="X-Optgate-Stream: receipts\r\n")
    gate.wait_log(r"outcome=permanent .*enhanced=4\.4\.7", 30, count=3)
    assert wait_for(lambda: len(to(sinks[1], "bounces@acme.test")) == 3)
    assert b"Status: 4.4.7" in to(sinks[1], "bounces@acme.test")[0].data
    assert [r["stream"] for r in gate.json("queue", "list")] == ["acme/receipts"]


# ---- pass-through ----

@pytest.fixture
def make_passing(make_gate, sink):
    """A gateway whose receipts are passed through."""
    def make(delivery=""):
        gate = make_gate(sink.addr, start=False, delivery=delivery,
                         clients='{ name = "tool"; brand = "acme"; stream = "receipts"; streams = ["offers"]; networks = ["127.0.0.0/8"]; }')
        gate.conf.write_text(gate.conf.read_text().replace('title = "Receipts"; class = "service";', 'title = "Receipts"; class = "service"; pass_through = true;'))
        return gate.start()
    return make


def test_passed_through_mail_gets_the_next_hops_answer(make_passing, sink):
    def final(s, a):
        with s.lock:
            to = [a for v, a in s.seen if v == "RCPT"][-1]
        return {"busy": "451 4.2.0 later, says the hop", "full": "552 5.2.2 mailbox full"}.get(re.search("<(.*?)@", to).group(1))
    sink.behave["."] = final
    sink.behave["RCPT"] = lambda s, a: "550 5.1.1 unknown here" if "gone" in a else None
    gate = make_passing()
    assert send(gate, "ann@sink.test") == {}
    assert sink.wait(1)[0].fields("List-Unsubscribe") == []     # composed all the same
    assert send(gate, "gone@sink.test")["data"] == (550, b"5.1.1 unknown here")
    assert send(gate, "busy@sink.test")["data"] == (451, b"4.2.0 later, says the hop")
    assert send(gate, "full@sink.test")["data"] == (552, b"5.2.2 mailbox full")
    assert send(gate, ["a@sink.test", "b@sink.test"])["data"][0] == 554
    assert gate.json("queue", "list") == [] and len(sink.messages) == 1
    assert send(gate, "queued@sink.test", extra="X-Optgate-Stream: offers\r\n") == {}
    sink.wait(2)
    gate.wait_log(r"intake\.message\.keep")
    assert len(re.findall("intake.message.keep", gate.text())) == 1


def test_throttles_hold_for_mail_that_is_passed_through(make_passing, sink):
    gate = make_passing('pass_timeout = "4s"; throttles = ( { name = "t"; domains = ["soon.test"]; rate = "1/2s"; burst = 1; }, '
                        '{ name = "u"; domains = ["late.test"]; rate = "1/h"; burst = 1; } );')
    t = time.monotonic()
    assert send(gate, "a@soon.test") == {} and send(gate, "b@soon.test") == {}
    assert time.monotonic() - t > 1.5                           # the second has waited for its turn
    assert send(gate, "a@late.test") == {}
    t = time.monotonic()
    assert send(gate, "b@late.test")["data"] == (451, b"4.7.1 Too many messages for now; try again later")
    assert time.monotonic() - t < 3                             # nobody waits for what can't come
    assert send(gate, "other@sink.test") == {}
    assert sink.wait(4) and gate.json("queue", "list") == []


def test_passing_through_never_hangs(make_passing, sink):
    sink.behave["DATA"] = lambda s, a: None if s.go.is_set() else "stall"
    gate = make_passing('pass_timeout = "2s"; breaker = { };')
    t = time.monotonic()
    code, text = send(gate, "ann@sink.test")["data"]
    assert code == 451 and time.monotonic() - t < 6
    sink.go.set()
    sink.behave["connect"] = lambda s, a: "421 4.3.2 not now"
    gate.wait_log(r"outcome=unknown")
    time.sleep(0.3)
    for _ in range(3):
        code, text = send(gate, "ann@sink.test", data=mail("ann@sink.test"))["data"]
        assert code in (451,)
    del sink.behave["connect"]
    assert wait_for(lambda: send(gate, "bob@sink.test") == {}, 30)


def test_an_opt_out_overtakes_passed_mail_too(make_passing, sink):
    import threading
    sink.behave["DATA"] = lambda s, a: None if s.go.is_set() else "stall"
    gate = make_passing()
    out = {}
    t = threading.Thread(target=lambda: out.update(send(gate, "ann@sink.test")))
    t.start()
    assert wait_for(lambda: any(v == "DATA" for v, _ in sink.seen))
    gate.tool("suppress", "add", "ann@sink.test", "--scope", "", "--reason", "bounce")
    sink.go.set()
    t.join(20)
    assert out["data"][0] == 550 and not sink.messages


def test_a_stop_answers_what_is_being_passed_through(make_passing, sink):
    import threading
    sink.behave["DATA"] = lambda s, a: "stall"
    gate = make_passing()

    out = {}
    t = threading.Thread(target=lambda: out.update(send(gate, "ann@sink.test")))
    t.start()
    assert wait_for(lambda: any(v == "DATA" for v, _ in sink.seen))
    gate.stop(40)
    t.join(20)
    assert out["data"][0] in (421, 451)


# ---- next hops that misbehave ----

STALLS = ["connect", "EHLO", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("at", STALLS)
@pytest.mark.parametrize("how", ["stall", "drop", "421 4.3.2 going away", "500 what?", "299-\r\n299 odd", "abc", "250", "354 go on"])
def test_whatever_a_hop_does_once_nothing_is_lost(make_gate, sink, at, how):
    """The first session misbehaves at one command; later ones behave. Each message arrives, or was refused in so many words."""
    lock, first = __import__("threading").Lock(), []

    def odd(s, arg):
        with lock:
            if len(first) < 2:
                first.append(arg)
                return how
        return None
    sink.behave[at] = odd
    gate = make_gate(sink.addr, hop_more='attempt_timeout = "1s"; connections = 2;', delivery='retry_first = "100ms"; retry_max = "300ms";')
    send(gate, [f"r{i}@sink.test" for i in range(6)])
    assert gate.queue_is_empty(60)
    refused = lambda: len(re.findall(r"outcome=permanent", gate.text()))
    unseen = len(first) if at == "." and how.startswith("299") else 0   # a yes to us, but Sink keeps only what it answered with 250
    assert wait_for(lambda: len({r for r in rcpts(sink) if r.startswith("r")}) + refused() + unseen >= 6, 5)
    # a hop that says 299 to RCPT and then knows no recipient refuses at DATA
    assert refused() == 0 or how.startswith("5") or (how.startswith("299") and at == "RCPT")
    assert len([m for m in sink.messages if m.sender == ""]) <= refused()


def test_a_name_that_does_not_resolve_and_tls_that_fails_lose_nothing(make_gate, sink):
    gate = make_gate(("nowhere.invalid", 25))
    send(gate, "a@sink.test")
    gate.wait_log(r"delivery\.hop\.down .*nowhere\.invalid")
    gate.write_conf(hop_host="127.0.0.1", hop_port=sink.addr[1], hop_tls="required")
    gate.reload()
    gate.wait_log(r"delivery\.hop\.down .*stage=tls")
    assert len(gate.json("queue", "list")) == 1
    gate.write_conf(hop_tls="none")
    gate.reload()
    sink.wait(1)
    assert gate.queue_is_empty()


def test_a_spool_full_of_retries_still_delivers_what_is_new_and_answers_opt_outs(make_gate, sink):
    sink.behave["RCPT"] = lambda s, a: "451 4.2.1 later" if "@stuck" in a else None
    gate = make_gate(sink.addr, delivery='retry_first = "200ms"; retry_max = "1s";', extra="spool = { max_items = 3000; };")
    send(gate, [f"p{i}@fresh.test" for i in range(20)])
    links = [link_of(m) for m in sink.wait(20)]
    for k in range(3):
        send(gate, [f"r{k}-{i}@stuck{i % 50}.test" for i in range(900)])     # nine tenths of what it holds
    t = time.monotonic()
    send(gate, [f"n{i}@fresh.test" for i in range(100)])
    assert [post(gate, path)[0] for path in links[:10]] == [200] * 10
    assert wait_for(lambda: len(rcpts(sink)) == 120, 30)
    assert time.monotonic() - t < 20
    assert len(gate.json("queue", "list", "--limit", "100000")) == 2700
    send(gate, [f"x{i}@stuck.test" for i in range(300)])                     # and the rest
    assert send(gate, "late@fresh.test")["data"][0] == 452
    assert [post(gate, path)[0] for path in links[10:]] == [200] * 10
    assert send(gate, "p19@fresh.test")["data"][0] == 550


def test_the_program_stands_before_libc(gate):
    import subprocess
    from gate import BIN
    names = subprocess.run(["nm", "-D", BIN / "optgated"], capture_output=True, text=True).stdout
    for name in ("connect", "poll", "write", "read", "close"):
        assert re.search(rf" T {name}$", names, re.M), name


def test_postfix_smtp_sink_takes_it(make_gate):
    import shutil, subprocess
    from gate import free_port
    if not shutil.which("smtp-sink"):
        pytest.skip("postfix's smtp-sink is not here")
    port = free_port()
    p = subprocess.Popen(["smtp-sink", "-u", "nobody", "-c", f"127.0.0.1:{port}", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        gate = make_gate(("127.0.0.1", port))
        send(gate, [f"r{i}@sink.test" for i in range(100)])
        assert gate.queue_is_empty()
        gate.wait_log(r"outcome=delivered", 10, count=100)
    finally:
        p.terminate()
        p.wait()
