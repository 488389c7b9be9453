"""What people agreed to: the words, the proof, its end, and the receipt that they keep. By the tool alone."""
import json, subprocess

import pytest

from gate import BIN

WORDS = "Yes, send me the news of Acme by mail.\nI can leave whenever I like.\n"


def explain(gate, who, stream="acme/news", *more):
    return gate.tool("explain", who, "--stream", stream, *more, check=False).returncode


@pytest.fixture
def tools(make_gate):
    """A directory with settings; no daemon runs."""
    return make_gate(start=False)


def test_the_words_and_what_a_brand_demands(make_gate, place):
    g = make_gate(start=False, brand='consent_evidence = ["how", "stored-wording"];')
    (place / "yes.txt").write_text(WORDS)
    grant = ["consent", "grant", "ann@sink.test", "--purpose", "acme/news"]
    r = g.tool(*grant, "--wording", "v1", check=False)
    assert r.returncode == 1 and "how=WAY" in r.stderr
    r = g.tool(*grant, "--wording", "v1", "--evidence", "how=telephone", check=False)
    assert r.returncode == 1 and "wording" in r.stderr and "v1" in r.stderr
    added = g.json("wording", "add", "news", "1", "en", place / "yes.txt")
    assert added["changed"] and not g.json("wording", "add", "news", "1", "en", place / "yes.txt")["changed"]
    (place / "yes.txt").write_text(WORDS + "And more.\n")
    r = g.tool("wording", "add", "news", "1", "en", place / "yes.txt", check=False)
    assert r.returncode == 1 and "version of their own" in r.stderr
    assert g.tool("wording", "show", added["wording"]).stdout == WORDS
    assert [w["name"] for w in g.json("wording", "list")] == ["news"]
    g.tool(*grant, "--wording", added["wording"], "--evidence", "how=telephone")
    assert explain(g, "ann@sink.test") == 0
    # The same of an import, row by row.
    (place / "c.csv").write_text("address,purpose,basis,granted,wording,evidence\n"
                                 f"b@sink.test,acme/news,consent,2026-01-02,{added['wording']},how=paper\n"
                                 "c@sink.test,acme/news,consent,2026-01-02,v1,how=paper\n"
                                 f"d@sink.test,acme/news,consent,2026-01-02,{added['wording']},ip=192.0.2.1\n")
    r = g.json("import", "--rejects", place / "rej", place / "c.csv")[0]
    assert (r["consents"], r["rejected"]) == (1, 2)
    rejects = (place / "rej").read_text().splitlines()
    assert rejects[0].startswith("3,") and "wording" in rejects[0] and rejects[1].startswith("4,") and "how=WAY" in rejects[1]


def test_a_basis_that_has_ended(tools):
    g = tools
    g.conf.write_text(g.conf.read_text().replace('requires = "consent"', 'requires = ["consent", "soft-opt-in"]'))
    soft = ["--basis", "soft-opt-in", "--evidence", "product=shoes", "--evidence", "refusal=box"]
    g.tool("consent", "grant", "old@sink.test", "--purpose", "acme/news", "--at", "2021-03-31", *soft, "--evidence", "sale=A1")
    shown = g.json("explain", "old@sink.test", "--stream", "acme/news", check=False)
    assert shown["verdict"] == "suppress" and "expired on 2023-03-31" in shown["findings"][0]["why"] and "24 months" in shown["findings"][0]["why"]
    # Another setting holds at once, for old grants too.
    g.conf.write_text(g.conf.read_text().replace("bounce_domain", "soft_opt_in_months = 0; bounce_domain", 1))
    assert explain(g, "old@sink.test") == 0


def test_one_person_of_two_addresses(tools):
    g = tools
    g.tool("person", "link", "ann@sink.test", "sms:+44 7700 900123")
    g.tool("suppress", "add", "+447700900123", "--channel", "sms", "--reason", "objection", "--scope", "acme")
    assert explain(g, "ann@sink.test", "acme/offers") == 3
    assert "the same person as sms +447700900123" in g.tool("explain", "ann@sink.test", "--stream", "acme/offers", check=False).stdout
    g.tool("person", "unlink", "ann@sink.test", "sms:+447700900123")
    assert explain(g, "ann@sink.test", "acme/offers") == 3
    g.tool("person", "corporate", "office@sink.test")
    assert g.json("person", "show", "office@sink.test")["subscriber"]["corporate"]


def test_a_receipt_can_be_checked_anywhere(tools, place):
    g = tools
    (place / "yes.txt").write_text(WORDS)
    id = g.json("wording", "add", "news", "1", "en", place / "yes.txt")["wording"]
    r = g.tool("consent", "receipt", "ann@sink.test", "--stream", "acme/news", check=False)
    assert r.returncode == 1 and "nothing is on record" in r.stderr
    g.tool("consent", "grant", "ann@sink.test", "--purpose", "acme/news", "--wording", id, "--evidence", "how=paper", "--evidence", "ip=192.0.2.7")
    text = g.tool("consent", "receipt", "ann@sink.test", "--stream", "acme/news").stdout
    receipt = json.loads(text)
    purpose, = receipt["services"][0]["purposes"]
    assert purpose["standing"] == "given" and purpose["wording"]["text"] + "\n" == WORDS and purpose["wording"]["sha256"] == id
    assert purpose["collectionMethod"] == "paper" and receipt["piiPrincipalId"] == "ann@sink.test" and "/u/" in receipt["withdrawal"]
    (place / "receipt").write_text(text)
    assert g.tool("consent", "verify", place / "receipt").returncode == 0
    # Elsewhere: no settings, no keys, but what we have published.
    public, = [k["public"] for k in g.json("key", "list") if k["key"] == "receipt"]
    away = lambda file, key: subprocess.run([BIN / "optgate", "-c", "/nonexistent", "consent", "verify", file, key], capture_output=True).returncode
    assert away(place / "receipt", public) == 0 and away(place / "receipt", "A" * 43 + "=") == 1
    (place / "forged").write_text(text.replace("192.0.2.7", "192.0.2.8"))
    assert g.tool("consent", "verify", place / "forged", check=False).returncode == 1 and away(place / "forged", public) == 1
    # Once withdrawn, it says so, and what came before.
    g.tool("consent", "withdraw", "ann@sink.test", "--purpose", "acme/news")
    later = g.json("consent", "receipt", "ann@sink.test", "--stream", "acme/news")
    assert later["services"][0]["purposes"][0]["standing"] == "withdrawn" and [h["change"] for h in later["history"]] == ["grant", "withdraw"]
    assert later["maySend"] == "suppress"


def test_every_channel_by_the_same_verbs(tools, make_gate, place):
    g = tools
    spoken = {"post": ("1 High St.,\nLondon, sw1a1aa", "1 HIGH ST London SW1A 1AA, UK"), "social": ("https://x.com/Ann", "twitter:@ANN"),
              "phone": ("+44 20 7946 0000", "0044 (0)20 7946 0000"), "sms": ("+44 7700 900123", "+447700900123")}
    for channel, (one, other) in spoken.items():
        on = ["--channel", channel]
        assert explain(g, other, "acme/news", *on) == 3
        g.tool("consent", "grant", one, "--purpose", "acme/news", *on)
        assert explain(g, other, "acme/news", *on) == 0
        g.tool("optout", one, "--scope", "acme/news", *on)
        assert explain(g, other, "acme/news", *on) == 3
        g.tool("suppress", "add", one, *on, "--reason", "objection", "--scope", "acme")
    assert "two words" in g.tool("suppress", "add", "London", "--channel", "post", check=False).stderr
    # A list of them comes back as it was.
    (place / "out.csv").write_text(g.tool("export").stdout, newline="")
    two = make_gate(start=False)
    assert two.json("import", place / "out.csv")[0]["rejected"] == 0
    for channel, (_, other) in spoken.items():
        assert explain(two, other, "acme/offers", "--channel", channel) == 3


def test_national_numbers_are_the_brands(tools):
    g = tools
    assert "country code" in g.tool("suppress", "add", "020 7946 0000", "--channel", "phone", "--scope", "acme", check=False).stderr
    g.conf.write_text(g.conf.read_text().replace("bounce_domain", 'country = "44"; bounce_domain', 1))
    g.tool("suppress", "add", "020 7946 0000", "--channel", "phone", "--scope", "acme", "--reason", "objection")
    assert explain(g, "+442079460000", "acme/offers", "--channel", "phone") == 3
    assert explain(g, "(020) 7946-0000", "acme/offers", "--channel", "phone") == 3
    # Of no brand, or of one that has none: nobody guesses.
    assert g.tool("suppress", "add", "020 7946 0000", "--channel", "phone", check=False).returncode == 1
    assert g.tool("suppress", "add", "020 7946 0000", "--channel", "phone", "--scope", "other", check=False).returncode == 1


def test_consents_that_are_taken_in(tools, make_gate, place):
    g = tools
    g.conf.write_text(g.conf.read_text().replace("bounce_domain", 'consent_evidence = ["how", "ip"]; bounce_domain', 1))
    (place / "subscribed.csv").write_text("Email Address,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LEID\n"
                                          "a@sink.test,2026-01-02 10:00:00,192.0.2.1,2026-01-02 10:05:00,192.0.2.2,1\nb@sink.test,2026-01-02 10:00:00,,,,2\n")
    r = g.json("import", "--scope", "acme/news", "--rejects", place / "rej", place / "subscribed.csv")[0]
    assert (r["consents"], r["rejected"]) == (1, 1) and (place / "rej").read_text().startswith("3,") and "OPTIN_IP" in (place / "rej").read_text()
    shown, = g.json("consent", "show", "a@sink.test")
    assert shown["granted"].startswith("2026-01-02T10:05") and shown["evidence"] == "how=mailchimp-confirmed ip=192.0.2.2"
    # Out and in again: who has withdrawn stays withdrawn, and an end stays an end.
    g.tool("consent", "grant", "c@sink.test", "--purpose", "acme/news", "--wording", "1", "--evidence", "how=paper", "--evidence", "ip=192.0.2.3", "--expires", "2099-01-01")
    g.tool("consent", "grant", "d@sink.test", "--purpose", "acme/news", "--wording", "1", "--evidence", "how=paper", "--evidence", "ip=192.0.2.3", "--at", "2026-02-01")
    g.tool("consent", "withdraw", "d@sink.test", "--purpose", "acme/news")
    (place / "out.csv").write_text(g.tool("export", "consents").stdout, newline="")
    two = make_gate(start=False)
    r = two.json("import", "--rejects", place / "rej2", place / "out.csv")[0]
    assert r["consents"] == 2 and r["rejected"] == 1 and "wording" in (place / "rej2").read_text()     # Mailchimp kept no words
    assert explain(two, "c@sink.test") == 0 and explain(two, "d@sink.test") == 3
    assert two.json("consent", "show", "c@sink.test")[0]["expires"].startswith("2099-01-01") and two.json("consent", "show", "d@sink.test")[0]["withdrawn"]
    assert two.json("import", place / "out.csv")[0]["changed"] == 0
