"""What one client may use up: connections, messages and recipients a minute; and what is left for the others."""
import smtplib, socket, threading, time

from gate import mail


def clients(first, *more):
    return ", ".join('{ name = "%s"; brand = "acme"; stream = "offers"; networks = ["%s"]; %s }' % c for c in (first,) + more)


class From(smtplib.SMTP):
    """A client of the loopback network with an address of its own."""

    def __init__(self, gate, ip):
        super().__init__(*gate.smtp, source_address=(ip, 0), timeout=20)


def greeting(gate, ip):
    with socket.create_connection(gate.smtp, 20, (ip, 0)) as s:
        return s.recv(500).decode()


def test_connections_of_one_client(make_gate, sink):
    gate = make_gate(sink.addr, clients=clients(("busy", "127.0.0.2/31", "max_connections = 2;"), ("calm", "127.0.0.9", "")))
    a, b = From(gate, "127.0.0.2"), From(gate, "127.0.0.3")
    assert greeting(gate, "127.0.0.2").startswith("421 4.7.0 Client busy has its 2 connections already")
    assert greeting(gate, "127.0.0.9").startswith("220 ")
    a.quit()
    for _ in range(100):
        if greeting(gate, "127.0.0.3").startswith("220 "):
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the place did not become free")
    b.quit()
    gate.wait_log(r"intake\.client\.limit client=busy limit=max_connections")


def test_connections_after_login(make_gate, sink):
    gate = make_gate(sink.addr, start=False, clients='{ name = "tool"; brand = "acme"; stream = "offers"; plain_auth = true; max_connections = 1; }')
    gate.tool("client", "add", "tool", input="a long password\n")
    gate.start()
    one, two = smtplib.SMTP(*gate.smtp), smtplib.SMTP(*gate.smtp)
    one.login("tool", "a long password")
    two.ehlo()
    assert two.docmd("AUTH", "PLAIN AHRvb2wAYSBsb25nIHBhc3N3b3Jk")[0] == 421
    one.sendmail("news@acme.test", ["ann@sink.test"], mail())
    one.quit()


def test_rates(make_gate, sink):
    gate = make_gate(sink.addr, clients=clients(("busy", "127.0.0.2", "max_messages_per_minute = 5; max_recipients_per_minute = 8;"),
                                                ("calm", "127.0.0.9", "")))
    gate.tool("suppress", "add", "no@sink.test", "--scope", "acme", "--reason", "complaint")
    with From(gate, "127.0.0.2") as s:
        for i in range(2):
            s.sendmail("news@acme.test", [f"a{i}@sink.test", f"b{i}@sink.test", f"c{i}@sink.test"], mail())
        s.ehlo()
        s.mail("news@acme.test")
        assert s.rcpt("no@sink.test")[0] == 550  # takes nothing
        assert [s.rcpt(f"{x}@sink.test")[0] for x in "defg"] == [250, 250, 450, 450]
        code, text = s.rcpt("g@sink.test")
        assert text.startswith(b"4.7.1 Client busy sends more than 8 recipients a minute; try again in ")
        s.rset()
        s.mail("news@acme.test"), s.rset(), s.mail("news@acme.test"), s.rset()
        code, text = s.mail("news@acme.test")
        assert code == 450 and text.startswith(b"4.7.1 Client busy sends more than 5 messages a minute"), text
        with From(gate, "127.0.0.9") as other:
            other.sendmail("news@acme.test", [f"x{i}@sink.test" for i in range(20)], mail())
        # a reload gives nothing back, but for what the new settings allow
        gate.write_conf(clients=clients(("busy", "127.0.0.2", "max_messages_per_minute = 6;")))
        gate.reload()
    with From(gate, "127.0.0.2") as s:
        s.ehlo()
        assert s.mail("news@acme.test")[0] == 250
        s.rset()
        assert s.mail("news@acme.test")[0] == 450
    gate.wait_log(r"intake\.client\.limit client=busy limit=max_messages_per_minute")


def test_guessers_do_not_keep_others_from_logging_in(make_gate, sink):
    gate = make_gate(sink.addr, start=False, clients='{ name = "tool"; brand = "acme"; stream = "offers"; plain_auth = true; }')
    gate.tool("client", "add", "tool", input="a long password\n")
    gate.start()
    stop, busy = threading.Event(), []

    def guess():
        while not stop.is_set():
            try:
                with From(gate, "127.0.0.66") as s:
                    s.ehlo()
                    busy.append(s.docmd("AUTH", "PLAIN AHRvb2wAd3Jvbmc=")[0])
            except (smtplib.SMTPException, OSError):
                pass
    threads = [threading.Thread(target=guess) for _ in range(24)]
    for t in threads:
        t.start()
    try:
        time.sleep(0.5)
        for _ in range(3):
            with From(gate, "127.0.0.9") as s:
                s.login("tool", "a long password")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert 454 in busy and 235 not in busy
