"""What people meet in a browser, without one: every page and form by plain requests; mails come through a real queue to a next hop."""
import base64, html, re, smtplib, time, urllib.parse
from email import message_from_bytes, policy

import pytest

from gate import link_of, mail, post

NOTICES = 'notice_from = "privacy@acme.test"; notice_stream = "receipts";'
WORDING = "I want the e-mails ticked above. <Acme> keeps my consent until I take it back.\n"


@pytest.fixture
def pages(make_gate, sink, place):
    (place / "wording.txt").write_text(WORDING)
    (place / "style.css").write_text(":root{--act:#7a0049}@media(prefers-color-scheme:dark){:root{--act:#ff9ed2;--on-act:#3b0023}}")
    (place / "frame.html").write_text('<header role="banner"><p>ACME</p></header>{{content}}<footer><p>Acme Telecom</p></footer>')
    return make_gate(sink.addr, topics=', { name = "staff"; title = "Staff only"; hidden = true; }',
                     brand=NOTICES + f' style_file = "{place}/style.css"; frame_file = "{place}/frame.html";',
                     more=f'forms = ( {{ name = "join"; brand = "acme"; title = "Acme letters"; purposes = ["offers/spring", "news"]; '
                          f'wording_file = "{place}/wording.txt"; version = "3"; privacy_url = "https://acme.test/privacy"; privacy_version = "2"; }} );')


def get(gate, path, **headers):
    status, _, body = post(gate, path, method="GET", headers=headers)
    return status, body.decode()


def form(gate, path, fields, **headers):
    status, head, body = post(gate, path, urllib.parse.urlencode(fields, doseq=True).encode(), headers=headers)
    assert not [h for h, _ in head if h.lower() in ("location", "set-cookie")]
    return status, body.decode()


def field(page, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page).group(1))


def send(gate, to="ann@sink.test", extra=""):
    with smtplib.SMTP(*gate.smtp) as s:
        s.sendmail("news@acme.test", [to], mail(to, extra=extra))


def may_send(gate, to, extra=""):
    try:
        send(gate, to, extra)
        return True
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
        return False


def delivered(gate, sink, to="ann@sink.test", extra=""):
    n = len(sink.messages)
    send(gate, to, extra)
    return link_of(sink.wait(n + 1)[-1])


def notice(sink, n):
    """Message number N (from 1): text and the link in it."""
    m = message_from_bytes(sink.wait(n)[n - 1].data, policy=policy.default)
    text = m.get_content()
    return m, text, re.search(r"http://u\.acme\.test(/\S+)", text).group(1)


def entries(gate):
    out = gate.tool("journal", "tail", "--json", "--count", "100").stdout
    import json
    all = json.loads(out) if out.startswith("[") else [json.loads(l) for l in out.splitlines()]
    return [e for e in all if e["change"] != "wording"]      # the forms' words are kept as the daemon starts


def test_pause_and_a_reason_afterwards(pages, sink):
    path = delivered(pages, sink)
    page = get(pages, path)[1]
    assert "30 days" in page and "/style/acme" in page and "ACME" in page and "Acme Telecom</p></footer>" in page
    nonce = field(page, "nonce")
    status, body = form(pages, path, dict(nonce=nonce, action="pause-30"))
    assert status == 200 and "pause" in body
    assert not may_send(pages, "ann@sink.test")
    rows = pages.json("suppress", "show", "ann@sink.test")
    assert len(rows) == 1 and rows[0]["expires"], rows
    # For good: longer than any pause, which then can't shorten it.
    assert post(pages, path)[0] == 200
    assert form(pages, path, dict(nonce=nonce, action="pause-90"))[0] == 200
    assert pages.json("suppress", "show", "ann@sink.test")[0]["expires"] is None
    # The reason: from a list, never needed.
    assert form(pages, path, dict(nonce=nonce, action="reason", reason="too-many"))[0] == 200
    assert "reason given: too-many" in pages.tool("journal", "tail", "--json").stdout
    assert form(pages, path, dict(nonce=nonce, action="reason", reason="<b>mine</b>"))[0] == 409
    assert form(pages, path, dict(action="reason", reason="other"))[0] == 400


def test_one_link_cannot_fill_the_journal(pages, sink):
    path = delivered(pages, sink)
    nonce = field(get(pages, path)[1], "nonce")
    answers = [form(pages, path, dict(nonce=nonce, action="reason", reason="other"))[0] for _ in range(25)]
    assert answers == [200] * 20 + [429] * 5
    assert form(pages, path.replace("/u/", "/p/"), dict(nonce=nonce, action="save", sms="+442079460000"))[0] == 429
    assert post(pages, path)[0] == 200          # an opt-out always may


def test_preferences(pages, sink):
    path = delivered(pages, sink, extra="X-Optgate-Topic: spring\r\n")
    p = path.replace("/u/", "/p/")
    status, page = get(pages, p)
    assert status == 200 and "Spring" in page and "Summer" in page and "Staff only" not in page and "Receipts" not in page
    boxes = re.findall(r'<input type="checkbox" name="on" value="(\w+)"( checked)?( disabled)?><span>([^<]*)', page)
    # news asks for consent, and there is none
    assert [(b[3], bool(b[1])) for b in boxes] == [("Spring", True), ("Summer", True), ("News", False)]
    ids = {b[3]: b[0] for b in boxes}
    shown = list(ids.values())
    nonce = field(page, "nonce")
    before = pages.tool("journal", "tail", "--json").stdout
    assert form(pages, p, dict(nonce=nonce, action="save", shown=shown, on=[ids["Spring"], ids["Summer"]]))[0] == 200
    assert form(pages, p, dict(action="save", shown=shown))[0] == 400
    assert pages.tool("journal", "tail", "--json").stdout == before       # nothing differed, or no nonce
    assert form(pages, p, dict(nonce=nonce, action="save", shown=shown, on=[ids["Summer"], ids["News"]]))[0] == 200
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")
    assert may_send(pages, "ann@sink.test", "X-Optgate-Topic: summer\r\n")
    assert may_send(pages, "ann@sink.test", "X-Optgate-Stream: news\r\n")
    # All of them off: that and no more. The hidden topic goes on; so does mail without a topic.
    assert form(pages, p, dict(nonce=nonce, action="save", shown=shown))[0] == 200
    for topic, may in (("spring", False), ("summer", False), ("staff", True)):
        assert may_send(pages, "ann@sink.test", f"X-Optgate-Topic: {topic}\r\n") == may, topic
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Stream: news\r\n")
    # On again, as a consent with its evidence.
    assert form(pages, p, dict(nonce=nonce, action="save", shown=shown, on=[ids["Spring"]]))[0] == 200
    assert may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")
    assert "optgate-preferences-1" in pages.tool("consent", "show", "ann@sink.test").stdout
    # Everything from the brand reaches the hidden one, and then no box can lift it.
    assert form(pages, path, dict(nonce=nonce, action="brand"))[0] == 200
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Topic: staff\r\n")
    page = get(pages, p)[1]
    assert page.count(" disabled>") == 3
    assert form(pages, p, dict(nonce=nonce, action="save", shown=shown, on=shown))[0] == 200
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")


def test_other_channels(pages, sink):
    path = delivered(pages, sink)
    p = path.replace("/u/", "/p/")
    nonce = field(get(pages, p)[1], "nonce")
    assert form(pages, p, dict(nonce=nonce, action="save", sms="07946 0000"))[0] == 400
    assert form(pages, p, dict(nonce=nonce, action="save", sms="+44 (0)20 7946-0000", stop=["post"]))[0] == 200
    tail = pages.tool("journal", "tail", "--json").stdout
    assert '"sms"' in tail and "asked to stop: post" in tail
    assert may_send(pages, "ann@sink.test")


def test_the_lost_mail(pages, sink):
    assert get(pages, "/lost/acme")[0] == 200 and get(pages, "/lost/nobody")[0] == 404
    status, page = get(pages, "/u/wrong", Host="u.acme.test")
    assert status == 404 and 'action="../lost/acme"' in page
    known = form(pages, "/lost/acme", dict(address="ann@sink.test", website=""))
    m, text, link = notice(sink, 1)
    assert m["To"] == "ann@sink.test" and m["From"].endswith("<privacy@acme.test>") and m["Auto-Submitted"] == "auto-generated"
    assert link.startswith("/p/") and get(pages, link)[0] == 200
    assert form(pages, "/lost/acme", dict(address="never.seen@sink.test")) == known
    notice(sink, 2)
    # A machine that fills in everything, and an address that has had its share: the same answer, no mail.
    assert form(pages, "/lost/acme", dict(address="bot@sink.test", website="http://x")) == known
    for _ in range(3):
        assert form(pages, "/lost/acme", dict(address="ann@sink.test")) == known
    assert form(pages, "/lost/acme", dict(address="not an address"))[0] == 400
    time.sleep(0.5)
    assert len(sink.messages) == 3
    for _ in range(10):
        status = form(pages, "/lost/acme", dict(address="x@sink.test"))[0]
    assert status == 429


def test_signing_up(pages, sink):
    status, page = get(pages, "/f/join")
    assert status == 200 and "checked" not in page and page.count('name="purpose"') == 2
    assert html.escape(WORDING.strip()) in page and 'href="https://acme.test/privacy"' in page
    snippet = get(pages, "/snippet/join")[1]
    assert 'action="http://u.acme.test/f/join"' in snippet and "<script" not in snippet
    version = field(page, "version")
    assert form(pages, "/f/join", dict(address="new@sink.test", version=version))[0] == 400
    assert form(pages, "/f/join", dict(address="new@sink.test", version="2", purpose=["1"]))[0] == 409
    assert not may_send(pages, "new@sink.test", "X-Optgate-Stream: news\r\n")
    status, answer = form(pages, "/f/join", dict(address="new@sink.test", version=version, purpose=["1"]), **{"Accept-Language": "de"})
    assert status == 200
    m, text, link = notice(sink, 1)
    assert "bestätigen" in text and link.startswith("/c/")
    # Nothing is kept, and looking confirms nothing.
    assert not entries(pages)
    page = get(pages, link)[1]
    assert "News" in page and "Spring" not in page
    for method in ("GET", "HEAD", "OPTIONS"):
        post(pages, link, method=method)
    assert post(pages, link)[0] == 400                  # one-click's body says nothing here
    assert not entries(pages) and not may_send(pages, "new@sink.test", "X-Optgate-Stream: news\r\n")
    assert form(pages, link, dict(nonce=field(page, "nonce"), action="confirm"))[0] == 200
    assert may_send(pages, "new@sink.test", "X-Optgate-Stream: news\r\n")
    shown = pages.json("consent", "show", "new@sink.test")
    assert pages.tool("wording", "show", shown[0]["wording"]).stdout.strip() == WORDING.strip()
    assert len(shown) == 1 and "asked=" in shown[0]["evidence"] and shown[0]["source"] == "form:join"
    assert form(pages, link, dict(nonce=field(page, "nonce"), action="confirm"))[0] == 200    # twice does no harm
    # Opted out, then signed up afresh: that lifts it.
    path = link_of(sink.wait(2)[-1])
    assert post(pages, path)[0] == 200 and not may_send(pages, "new@sink.test", "X-Optgate-Stream: news\r\n")
    time.sleep(0.01)
    form(pages, "/f/join", dict(address="new@sink.test", version=version, purpose=["1"]))
    _, _, link = notice(sink, 3)
    assert form(pages, link, dict(nonce=field(get(pages, link)[1], "nonce"), action="confirm"))[0] == 200
    assert may_send(pages, "new@sink.test", "X-Optgate-Stream: news\r\n")
    # The link that was used before the opt-out is no new wish.
    assert post(pages, path)[0] == 200
    assert form(pages, link, dict(nonce=field(get(pages, link)[1], "nonce"), action="confirm"))[0] == 410
    # A form that has changed since: nobody agreed to that.
    text = pages.conf.read_text()
    pages.conf.write_text(text.replace('version = "3"', 'version = "4"'))
    assert "fail" not in pages.reload()
    assert get(pages, link)[0] == 410


def test_signing_up_after_leaving_the_brand(pages, sink):
    """That which was ticked comes again, and nothing else of the brand; a complaint is more than a sign-up takes back."""
    path = delivered(pages, sink, "new@sink.test")
    assert form(pages, path, dict(nonce=field(get(pages, path)[1], "nonce"), action="brand"))[0] == 200
    news = "X-Optgate-Stream: news\r\n"
    assert not may_send(pages, "new@sink.test") and not may_send(pages, "new@sink.test", news)
    form(pages, "/f/join", dict(address="new@sink.test", version="3", purpose=["1"]))
    _, _, link = notice(sink, 2)
    confirm = dict(nonce=field(get(pages, link)[1], "nonce"), action="confirm")
    status, page = form(pages, link, confirm)
    assert status == 200 and "Every e-mail has a link" in page
    assert may_send(pages, "new@sink.test", news)
    for other in ("", "X-Optgate-Topic: spring\r\n", "X-Optgate-Topic: staff\r\n"):
        assert not may_send(pages, "new@sink.test", other), other
    pages.tool("suppress", "add", "new@sink.test", "--scope", "acme", "--reason", "complaint", "--note", "called")
    status, page = form(pages, link, confirm)
    assert status == 200 and "something else still stops" in page
    assert not may_send(pages, "new@sink.test", news)


def test_data_rights(pages, sink):
    assert get(pages, "/data/acme")[0] == 200
    assert form(pages, "/data/acme", dict(address="ann@sink.test"))[0] == 400
    sent = form(pages, "/data/acme", dict(address="ann@sink.test", right="erase"))
    assert sent[0] == 200
    assert form(pages, "/data/acme", dict(address="nobody@sink.test", right="object")) == sent
    _, _, erase = notice(sink, 1)
    m, _, objection = notice(sink, 2)
    if m["To"] != "nobody@sink.test":
        erase, objection = objection, erase
    assert not entries(pages)
    page = get(pages, erase)[1]
    status, answer = form(pages, erase, dict(nonce=field(page, "nonce"), action="confirm"))
    case = re.search(r"Its number is (\w{10})\.", answer).group(1)
    tail = pages.tool("journal", "tail", "--json").stdout
    assert f"case={case} right=erase due=" in tail and "proof=mail" in tail
    page = get(pages, objection)[1]
    assert form(pages, objection, dict(nonce=field(page, "nonce"), action="confirm"))[0] == 200
    assert pages.json("suppress", "show", "nobody@sink.test")[0]["reason"] == "objection"
    assert not may_send(pages, "nobody@sink.test")
    # A forged or foreign wish is no wish, and a token of a mail is none.
    assert get(pages, "/c/" + objection[3:-4] + "AAAA")[0] == 404
    assert get(pages, "/c/" + delivered(pages, sink).split("/")[-1])[0] == 404


def test_no_answer_tells_who_is_known(pages, sink):
    """Timing alike, known and unknown, in turns."""
    import statistics
    path = delivered(pages, sink)
    post(pages, path)
    for _ in range(3):
        form(pages, "/lost/acme", dict(address="ann@sink.test"))
    pages.conf.write_text(pages.conf.read_text().replace("public = {", 'public = { trusted_proxies = ["127.0.0.0/8"];'))
    assert "fail" not in pages.reload()
    took = {"known": [], "unknown": []}
    answers = set()
    for i in range(60):
        for kind, address in (("known", "ann@sink.test"), ("unknown", f"u{i}@sink.test")):
            t = time.perf_counter()
            status, body = form(pages, "/lost/acme", dict(address=address), **{"X-Forwarded-For": f"198.51.{i}.{len(kind)}"})
            took[kind].append(time.perf_counter() - t)
            answers.add((status, body))
    assert len(answers) == 1
    a, b = statistics.median(took["known"]), statistics.median(took["unknown"])
    assert abs(a - b) < 0.005, (a, b)


def test_crawlers_change_nothing(pages, sink):
    """Every URL of a delivered mail and of the pages behind it, by every harmless method, from many addresses at once."""
    import threading
    path = delivered(pages, sink)
    token = path.split("/")[-1]
    form(pages, "/data/acme", dict(address="ann@sink.test", right="access"))
    wish = notice(sink, 2)[2]
    urls = [path, f"/p/{token}", wish, "/f/join", "/snippet/join", "/lost/acme", "/data/acme", "/style/acme", "/healthz"]
    before = entries(pages)
    failures = []

    def crawl(i):
        for url in urls:
            for method, extra in (("HEAD", {}), ("GET", {}), ("OPTIONS", {}), ("GET", {"Purpose": "prefetch"}), ("GET", {"Sec-Purpose": "prefetch;prerender"})):
                status = post(pages, url + "?List-Unsubscribe=One-Click&action=unsubscribe", method=method,
                              headers={"X-Forwarded-For": f"203.0.113.{i}", "User-Agent": "Scanner", **extra})[0]
                if status not in (200, 204):
                    failures.append((method, url, status))
    threads = [threading.Thread(target=crawl, args=(i,)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not failures, failures[:3]
    assert entries(pages) == before
    assert may_send(pages, "ann@sink.test")
