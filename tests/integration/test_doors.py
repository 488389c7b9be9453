"""The policy service and the milter, spoken to byte by byte, and as a real Postfix uses them."""
import re, smtplib, socket, struct, subprocess

import dkim
import pytest

from gate import Postfix, link_of, mail, post

OFFERS_ONLY = '{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.0/8"]; }'
BOTH = '{ name = "tool"; brand = "acme"; stream = "offers"; streams = ["receipts"]; networks = ["127.0.0.0/8"]; }'


def start(make_gate, clients=OFFERS_ONLY, doors="", keys=False, **settings):
    dkim = '{ domain = "acme.test"; selector = "r1"; }, { domain = "acme.test"; selector = "e1"; }' if keys else ""
    gate = make_gate(start=False, clients=clients, dkim=dkim,
                     extra='doors = { policy_listen = "127.0.0.1:0"; milter_listen = "127.0.0.1:0"; %s };' % doors, **settings)
    gate.dns = {}
    for selector, kind in (("r1", "rsa"), ("e1", "ed25519")) if keys else ():
        out = gate.tool("key", "new", "dkim", "acme.test", selector, kind).stdout
        gate.dns[f"{selector}._domainkey.acme.test."] = "".join(re.findall(r'"([^"]*)"', out))
    gate.start()
    gate.policy = gate.pair(gate.wait_log(r"gateway\.door policy=(\S+)").group(1))
    gate.milter = gate.pair(gate.wait_log(r"gateway\.door milter=(\S+)").group(1))
    return gate


def suppress(gate, address, scope="acme", reason="complaint"):
    gate.tool("suppress", "add", address, "--scope", scope, "--reason", reason)


# ---- policy, by hand

class Policy:
    def __init__(self, gate):
        self.s = socket.create_connection(gate.policy, 20)
        self.f = self.s.makefile("rb")

    def ask(self, **attributes):
        base = dict(request="smtpd_access_policy", protocol_state="RCPT", client_address="127.0.0.1", client_port="1025",
                    sender="news@acme.test", recipient="ann@sink.test", recipient_count="0", queue_id="", sasl_username="")
        base.update(attributes)
        self.s.sendall("".join(f"{k}={v}\n" for k, v in base.items()).encode() + b"\n")
        line = self.f.readline().decode()
        assert self.f.readline() == b"\n"
        return line.rstrip("\n")


def test_policy_answers(make_gate):
    gate = start(make_gate, clients=OFFERS_ONLY.replace("127.0.0.0/8", "127.0.0.1") + ', { name = "crm"; brand = "acme"; stream = "receipts"; }')
    suppress(gate, "bob@sink.test", reason="unsubscribe")
    p = Policy(gate)
    assert p.ask() == "action=DUNNO"
    assert re.match(r"action=REJECT 5\.7\.1 <bob@sink\.test>: refused: unsubscribe \(ref \w+\.0\)$", p.ask(recipient="Bob@sink.test").replace("Bob", "bob"))
    assert p.ask(recipient="bob@sink.test", recipient_count="5", protocol_state="RCPT").startswith("action=REJECT")
    # a login that is a client's name goes before the network; another's login is nobody's
    assert p.ask(recipient="bob@sink.test", sasl_username="crm") == "action=DUNNO"
    assert p.ask(recipient="bob@sink.test", sasl_username="somebody").startswith("action=REJECT")
    assert p.ask(client_address="192.0.2.1").startswith("action=DEFER_IF_PERMIT 4.7.1 ")
    assert p.ask(client_address="2001:db8::1").startswith("action=DEFER_IF_PERMIT 4.7.1 ")
    assert p.ask(client_address="192.0.2.1", sasl_username="crm") == "action=DUNNO"
    assert p.ask(recipient="nonsense").startswith("action=REJECT 5.1.3 ")
    assert p.ask(protocol_state="DATA", recipient="", recipient_count="3") == "action=DUNNO"
    # two at once, in pieces
    p.s.sendall(b"request=smtpd_access_policy\nclient_address=127.0.0.1\nrecipient=ann@sink.test\n\nrequest=smtpd_acc")
    assert p.f.readline() == b"action=DUNNO\n"
    p.s.sendall(b"ess_policy\nclient_address=127.0.0.1\nrecipient=bob@sink.test\n\n")
    p.f.readline()
    assert p.f.readline().startswith(b"action=REJECT")
    gate.wait_log(r"intake\.rcpt\.refuse")
    assert "bob@" not in gate.text()


@pytest.mark.parametrize("bad", [b"GET / HTTP/1.0\n\n", b"request=other\n\n", b"\n", b"request=smtpd_access_policy\nrecipient=a@b.test\nrecipient=c@d.test\n\n",
                                 b"request=smtpd_access_policy\nx=" + b"y" * 20000],
                         ids=["http", "other", "empty", "twice", "long"])
def test_policy_says_nothing_to_nonsense(make_gate, bad):
    p = Policy(start(make_gate))
    p.s.sendall(bad)
    try:
        assert p.s.recv(100) == b""
    except ConnectionResetError:
        pass


@pytest.mark.parametrize("unknown,answer", [("pass", "action=DUNNO"), ("refuse", "action=REJECT 5.7.1"), ("defer", "action=DEFER_IF_PERMIT 4.7.1")])
def test_policy_for_nobodys_mail(make_gate, unknown, answer):
    gate = start(make_gate, doors=f'unknown_client = "{unknown}";')
    suppress(gate, "bob@sink.test")
    assert Policy(gate).ask(client_address="192.0.2.1", recipient="bob@sink.test").startswith(answer)


def test_policy_client_of_last_resort(make_gate):
    gate = start(make_gate, doors='client = "tool";', clients=OFFERS_ONLY.replace("127.0.0.0/8", "203.0.113.0/24"))
    suppress(gate, "bob@sink.test")
    assert Policy(gate).ask(client_address="192.0.2.1", recipient="bob@sink.test").startswith("action=REJECT 5.7.1")


def test_doors_are_for_mtas_only(make_gate):
    gate = start(make_gate, doors='networks = ["127.0.0.7"];')
    for at in (gate.policy, gate.milter):
        with socket.create_connection(at, 20) as s:
            assert s.recv(10) == b""
    with socket.create_connection(gate.policy, 20, ("127.0.0.7", 0)) as s:
        s.sendall(b"request=smtpd_access_policy\nclient_address=127.0.0.1\nrecipient=ann@sink.test\n\n")
        assert s.recv(100) == b"action=DUNNO\n\n"


# ---- milter, by hand

class Milter:
    """An MTA's side. Answers are (letter, data)."""

    def __init__(self, gate, version=6, actions=0x1ff, steps=0x1fffff):
        self.s = socket.create_connection(gate.milter, 20)
        self.send("O", struct.pack("!III", version, actions, steps))
        self.offer = self.take()

    def send(self, letter, data=b""):
        self.s.sendall(struct.pack("!I", len(data) + 1) + letter.encode() + data)

    def exactly(self, n):
        out = b""
        while len(out) < n:
            got = self.s.recv(n - len(out))
            if not got:
                return None
            out += got
        return out

    def take(self):
        head = self.exactly(4)
        return head and (lambda d: (chr(d[0]), d[1:]))(self.exactly(struct.unpack("!I", head)[0]))

    def ask(self, letter, data=b""):
        self.send(letter, data)
        return self.take()

    def connect(self, ip="127.0.0.1", user=None):
        self.send("C", b"tool.test\0" + b"4" + struct.pack("!H", 1025) + ip.encode() + b"\0")
        self.send("H", b"tool.test\0")
        self.user = user
        return self

    def mail(self, sender="news@acme.test"):
        if self.user:
            self.send("D", b"M{auth_type}\0PLAIN\0{auth_authen}\0" + self.user.encode() + b"\0")
        return self.ask("M", f"<{sender}>\0SIZE=100\0".encode())

    def rcpt(self, to):
        return self.ask("R", f"<{to}>\0".encode())

    def body(self, message):
        """All packets of the answer to a whole message."""
        head, _, body = message.partition(b"\r\n\r\n")
        for field in re.split(rb"\r\n(?![ \t])", head):
            name, _, value = field.partition(b":")
            self.send("L", name + b"\0" + value.replace(b"\r\n", b"\n") + b"\0")
        self.send("N")
        self.send("B", body)
        self.send("E")
        answers = []
        while not answers or answers[-1][0] in "hime-":
            answers.append(self.take())
            if answers[-1] is None:
                break
        return answers


def applied(message, answers):
    """What an MTA makes of the answers: a message."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = [(n, v) for n, _, v in (f.partition(b":") for f in re.split(rb"\r\n(?![ \t])", head))]
    for letter, data in answers:
        if letter == "m":
            index, (name, value, _) = struct.unpack("!I", data[:4])[0], data[4:].split(b"\0")
            assert value == b""
            places = [i for i, f in enumerate(fields) if f[0].lower() == name.lower()]
            del fields[places[index - 1]]
        elif letter in "hi":
            name, value, _ = data[4 if letter == "i" else 0:].split(b"\0")
            fields.insert(0 if letter == "i" else len(fields), (name, value.replace(b"\n", b"\r\n")))
    from gate import Message
    return Message(None, [], b"".join(n + b":" + v + b"\r\n" for n, v in fields) + b"\r\n" + body)


def verifies(message, dns):
    n = len(message.fields("DKIM-Signature"))
    for i in range(n):
        assert dkim.DKIM(message.data).verify(idx=i, dnsfunc=lambda name, timeout=5: dns[name.decode()].encode())
    return n


def test_milter_negotiates(make_gate):
    gate = start(make_gate)
    assert Milter(gate).offer == ("O", struct.pack("!III", 6, 0x59, 0x1c3380))
    assert Milter(gate, version=2, actions=0x3f, steps=0x7f).offer == ("O", struct.pack("!III", 2, 0x19, 0))
    assert Milter(gate, version=1).offer is None
    assert Milter(gate, actions=0x01).offer is None
    for bad in (b"\0\0\0\0", b"\xff\xff\xff\xffx", struct.pack("!I", 1) + b"M", b"EHLO x\r\n"):
        with socket.create_connection(gate.milter, 20) as s:
            s.sendall(bad)
            try:
                assert s.recv(100) == b""
            except ConnectionResetError:
                pass


MESSAGE = mail("ann@sink.test", extra="X-Optgate-Topic: spring\r\nList-Unsubscribe: <http://tool.acme.test/1>\r\nBcc: x@y.test\r\nX-Keep:  two blanks\r\n"
               "List-Unsubscribe: <http://tool.acme.test/2>\r\nX-Folded: one\r\n\ttwo\r\n")


def test_milter_edits(make_gate):
    gate = start(make_gate, keys=True)
    m = Milter(gate).connect()
    assert m.mail() == ("c", b"")
    assert m.rcpt("ann@sink.test") == ("c", b"")
    answers = m.body(MESSAGE)
    assert answers[-1] == ("c", b"")
    out = applied(MESSAGE, answers)
    assert verifies(out, gate.dns) == 2
    assert re.match(r"b\+[a-z2-7]{58}@bounce\.acme\.test$", [d for l, d in answers if l == "e"][0].decode().strip("<>\0"))
    assert out.fields("X-Optgate-Topic") == out.fields("Bcc") == []
    assert out.data.count(b"tool.acme.test") == 0 and b"X-Keep:  two blanks\r\n" in out.data and b"one\r\n\ttwo" in out.data
    assert out.one("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert out.body == MESSAGE.partition(b"\r\n\r\n")[2]
    assert out.fields("Received") == []
    assert post(gate, link_of(out))[0] == 200
    # the click counts at once, on the same connection
    m.mail()
    assert m.rcpt("ann@sink.test") == ("c", b"")  # the click was for a topic, which the message names later
    refused, = m.body(MESSAGE)
    assert refused[0] == "y" and refused[1].startswith(b"550 5.7.1 <ann@sink.test>: refused: unsubscribe")
    # and a second message passes, after an aborted one
    m.mail(), m.rcpt("bob@sink.test"), m.send("A")
    m.mail(), m.rcpt("bob@sink.test")
    assert verifies(applied(MESSAGE, m.body(MESSAGE)), gate.dns) == 2


def test_one_form_leaves_for_all_behind_a_milter(make_gate):
    gate = start(make_gate, brand='folding = ["sink.test"];')
    message = mail("ann+x@sink.test")
    m = Milter(gate).connect()
    m.mail(), m.rcpt("ann+x@sink.test")
    assert post(gate, link_of(applied(message, m.body(message))))[0] == 200
    assert "refused: unsubscribe" in Policy(gate).ask(recipient="ann@sink.test")
    assert Policy(gate).ask(recipient="eve+x@sink.test") == "action=DUNNO"


def test_milter_refuses_at_rcpt(make_gate):
    gate = start(make_gate)
    suppress(gate, "bob@sink.test")
    m = Milter(gate).connect()
    m.mail()
    letter, data = m.rcpt("bob@sink.test")
    assert letter == "y" and data.startswith(b"550 5.7.1 <bob@sink.test>: refused: complaint")
    assert m.rcpt("ann@sink.test") == ("c", b"")
    assert m.rcpt("ann@sink.test") == ("c", b"")
    letter, data = m.rcpt("eve@sink.test")
    assert letter == "y" and data.startswith(b"452 4.5.3 One recipient a message")
    assert m.rcpt("nonsense")[1].startswith(b"553 5.1.3")
    assert m.body(MESSAGE)[-1][0] == "c"
    gate.wait_log(r"doors\.milter\.edit .*stream=acme/offers .*recipients=1 deleted=0")


def test_milter_several_recipients(make_gate):
    gate = start(make_gate, clients=BOTH)
    m = Milter(gate).connect()
    everybody = ("ann@sink.test", "bob@sink.test", "eve@sink.test")
    m.mail()
    assert [m.rcpt(x)[0] for x in everybody] == ["c"] * 3
    answers = m.body(MESSAGE)
    assert answers[0][0] == "y" and answers[0][1].startswith(b"550 5.5.3 A message of stream offers takes one recipient")
    # service mail goes to all of them, but for whom it may not be sent to any more
    receipt = mail("ann@sink.test", extra="X-Optgate-Stream: receipts\r\n")
    m.mail()
    assert [m.rcpt(x)[0] for x in everybody] == ["c"] * 3
    suppress(gate, "bob@sink.test", reason="bounce")
    answers = m.body(receipt)
    assert ("-", b"<bob@sink.test>\0") in answers and answers[-1] == ("c", b"")
    assert [l for l, _ in answers if l == "e"] == []
    assert applied(receipt, answers).fields("List-Unsubscribe") == []


@pytest.mark.parametrize("refusal,end", [("drop", "d"), ("hold", "y"), ("refuse", "y")])
def test_milter_and_what_the_client_wants_done(make_gate, refusal, end):
    gate = start(make_gate, clients=OFFERS_ONLY.replace("networks", f'reply = "{refusal}"; networks'))
    m = Milter(gate).connect()
    m.mail()
    m.rcpt("ann@sink.test")
    suppress(gate, "ann@sink.test")
    assert m.body(MESSAGE)[0][0] == end


def test_milter_knows_whose_mail_it_is(make_gate):
    gate = start(make_gate, clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["192.0.2.0/24"]; max_messages_per_minute = 2; }, '
                                    '{ name = "named"; brand = "acme"; stream = "offers"; }')
    assert Milter(gate).connect("198.51.100.1").mail()[1].startswith(b"451 4.7.1 No client")
    assert Milter(gate).connect("198.51.100.1", user="named").mail()[0] == "c"
    assert Milter(gate).connect("198.51.100.1", user="other").mail()[0] == "y"
    m = Milter(gate).connect("192.0.2.9")
    assert [m.mail()[0] for _ in range(3)] == ["c", "c", "y"]
    m.send("K")
    m.connect("198.51.100.1")
    assert m.mail()[0] == "y"


def test_milter_large_fields_and_old_mtas(make_gate):
    gate = start(make_gate, keys=True)
    long = "X-Long: " + ("x" * 900 + "\r\n\t") * 110 + "end\r\n"
    message = mail("ann@sink.test", extra=long, body="line\r\n" * 40000)
    m = Milter(gate).connect()
    m.mail(), m.rcpt("ann@sink.test")
    assert verifies(applied(message, m.body(message)), gate.dns) == 2
    old = Milter(gate, version=2, actions=0x3f, steps=0x7f)
    assert old.ask("C", b"x\0" + b"4\0\1" + b"127.0.0.1\0") == ("c", b"")
    assert old.ask("H", b"x\0")[0] == old.ask("M", b"<news@acme.test>\0")[0] == old.ask("R", b"<ann@sink.test>\0")[0] == "c"
    assert old.ask("L", b"From\0news@acme.test\0")[0] == old.ask("N")[0] == old.ask("B", b"x\r\n")[0] == "c"
    old.send("E")
    letters = {}
    while "c" not in letters:
        letter, data = old.take()
        letters[letter] = data
    assert b"List-Id\0<" in letters["h"] or b"Feedback-ID\0" in letters["h"]


# ---- a real Postfix

@pytest.fixture
def make_postfix(place):
    made = []

    def make(main):
        made.append(Postfix(place / "pf", main).start())
        return made[-1]
    yield make
    for p in made:
        p.stop()


def swaks(postfix, *to, data=None, sender="news@acme.test"):
    r = subprocess.run(["swaks", "--server", f"127.0.0.1:{postfix.port}", "--from", sender, "--to", ",".join(to), "--data", "-"],
                       input=(data or mail(to[0])).replace(b"\r\n", b"\n"), capture_output=True, timeout=60)
    return r.stdout.decode(errors="replace")


def test_postfix_policy(make_gate, make_postfix):
    gate = start(make_gate)
    suppress(gate, "bob@sink.test", reason="unsubscribe")
    postfix = make_postfix(f"smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{gate.policy[1]}, permit_mynetworks, reject")
    said = swaks(postfix, "ann@sink.test", "bob@sink.test", "eve@sink.test")
    assert re.search(r"<\*\* 554 5\.7\.1 <bob@sink\.test>: Recipient address rejected: <bob@sink\.test>: refused: unsubscribe", said), said
    assert "<-  250 2.0.0 Ok: queued" in said
    postfix.messages("ann"), postfix.messages("eve")
    assert not (postfix.mail / "bob").exists()
    gate.kill()  # nobody to ask: nothing is taken
    assert re.search(r"<\*\* 451 4\.3\.5 ", swaks(postfix, "ann@sink.test"))


def test_postfix_milter(make_gate, make_postfix):
    gate = start(make_gate, keys=True, clients=BOTH)
    suppress(gate, "bob@sink.test", reason="bounce")
    postfix = make_postfix(f"smtpd_milters = inet:127.0.0.1:{gate.milter[1]}\nmilter_default_action = tempfail")
    assert "<-  250 2.0.0 Ok: queued" in swaks(postfix, "ann@sink.test", data=MESSAGE)
    m = postfix.messages("ann")[0]
    assert verifies(m, gate.dns) == 2
    assert re.match(r"<b\+[a-z2-7]{58}@bounce\.acme\.test>$", m.one("Return-Path"))
    assert m.data.count(b"tool.acme.test") == 0 and m.fields("X-Optgate-Topic") == [] and m.one("X-Keep") == "two blanks"
    # refused for what hits all mail; a newsletter for two; a receipt for two
    assert re.search(r"<\*\* 550 5\.7\.1 <bob@sink\.test>: refused: bounce", swaks(postfix, "bob@sink.test"))
    assert re.search(r"<\*\* 550 5\.5\.3 ", swaks(postfix, "ann@sink.test", "eve@sink.test"))
    receipt = mail("ann@sink.test", extra="X-Optgate-Stream: receipts\r\n")
    assert "<-  250 2.0.0 Ok: queued" in swaks(postfix, "ann@sink.test", "eve@sink.test", data=receipt)
    assert verifies(postfix.messages("eve")[0], gate.dns) == 2
    # one click, and the newsletter is refused while receipts still go
    assert post(gate, link_of(m))[0] == 200
    assert re.search(r"<\*\* 550 5\.7\.1 <ann@sink\.test>: refused: unsubscribe", swaks(postfix, "ann@sink.test", data=MESSAGE))
    assert "<-  250 2.0.0 Ok: queued" in swaks(postfix, "ann@sink.test", data=receipt)
    gate.kill()
    assert re.search(r"<\*\* 4\d\d ", swaks(postfix, "eve@sink.test"))


def test_postfix_milter_splits_recipients(make_gate, make_postfix):
    """A client that heeds 452 sends the others in messages of their own."""
    gate = start(make_gate, keys=True)
    postfix = make_postfix(f"smtpd_milters = inet:127.0.0.1:{gate.milter[1]}\nmilter_default_action = tempfail")
    left = ["ann@sink.test", "bob@sink.test", "eve@sink.test"]
    with smtplib.SMTP("127.0.0.1", postfix.port) as s:
        for _ in range(3):
            refused = s.sendmail("news@acme.test", left, mail())
            left = [a for a, (code, _) in refused.items() if code == 452]
    assert left == []
    links = {box: link_of(postfix.messages(box)[0]) for box in ("ann", "bob", "eve")}
    assert len(set(links.values())) == 3
