"""Lists in, lists out, lists screened: by the tool, while the daemon runs."""
import json, smtplib, subprocess

import pytest

from gate import BIN, TOP, mail


def write(place, name, text):
    (place / name).write_text(text, newline="")
    return place / name


def explain(gate, who, stream="acme/offers"):
    return gate.tool("explain", who, "--stream", stream, check=False).returncode


def test_an_import_blocks_the_next_send(gate, place):
    f = write(place, "bounces.csv", "status,reason,email,created\r\n5.1.1,\"550 gone, sorry\",Gone@sink.test,1690083507\r\n4.2.2,full,full@sink.test,1690083507\r\n")
    r = gate.json("import", "--scope", "acme/offers", f)[0]
    assert (r["format"], r["rows"], r["suppressions"], r["skipped"], r["changed"]) == ("sendgrid-bounces", 2, 1, 1, 1)
    with smtplib.SMTP(*gate.smtp) as s:
        refused = s.sendmail("news@acme.test", ["gone@sink.test", "full@sink.test"], mail("full@sink.test"))
    assert list(refused) == ["gone@sink.test"]
    again = gate.json("import", "--scope", "acme/offers", f)[0]
    assert again["changed"] == 0
    assert "import:sendgrid-bounces" in gate.tool("explain", "gone@sink.test", "--stream", "acme/receipts", check=False).stdout


def test_a_dry_run_changes_nothing(gate, place):
    f = write(place, "l.txt", "a@sink.test\nb@sink.test\nnonsense\n")
    before = gate.json("journal", "tail")
    r = gate.json("import", "--dry-run", "--rejects", place / "rej", f)[0]
    assert (r["changed"], r["rejected"]) == (2, 1)
    assert (place / "rej").read_text() == "3,an e-mail address,nonsense\n"
    assert gate.json("journal", "tail") == before and explain(gate, "a@sink.test") == 0


def test_an_import_never_weakens(gate, place):
    """A grant that is older than a withdrawal, and a list that says less than what stands."""
    gate.tool("consent", "withdraw", "a@sink.test", "--purpose", "acme/news", "--at", "2025-01-01")
    gate.tool("suppress", "add", "a@sink.test", "--scope", "acme", "--reason", "complaint")
    f = write(place, "subscribed.csv", "Email Address,OPTIN_TIME,OPTIN_IP,LEID\na@sink.test,2024-06-01 10:00:00,192.0.2.1,1\n")
    gate.tool("import", "--scope", "acme/news", f)
    assert explain(gate, "a@sink.test", "acme/news") == 3 and explain(gate, "a@sink.test") == 3
    g = write(place, "own.csv", "address,channel,scope,reason,event,expires,source,actor,note\na@sink.test,email,acme,complaint,2020-01-01,2020-02-01,,,\n")
    gate.tool("import", g)
    assert explain(gate, "a@sink.test") == 3


def test_consent_needs_its_evidence(gate, place):
    f = write(place, "c.csv", "address,purpose,basis,granted,wording,evidence\n"
              "yes@sink.test,acme/news,consent,2026-01-02T03:04:05Z,w3,ip=192.0.2.1\nno@sink.test,acme/news,consent,2026-01-02T03:04:05Z,,\n")
    r = gate.json("import", f)[0]
    assert (r["consents"], r["rejected"]) == (1, 1)
    assert explain(gate, "yes@sink.test", "acme/news") == 0 and explain(gate, "no@sink.test", "acme/news") == 3


def test_a_list_of_contacts_is_refused(gate, place):
    f = write(place, "contacts.csv", "firstname,lastname,email,city\nA,B,a@sink.test,C\n")
    r = gate.tool("import", f, check=False)
    assert r.returncode == 1 and "--format" in r.stderr


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_what_goes_out_comes_back(make_gate, place, form):
    one, two = make_gate(name="one"), make_gate(name="two")
    for who, scope, reason, more in (("a@sink.test", "acme", "complaint", ["--at", "2020-02-03"]), ("b@sink.test", "", "bounce", ["--note", "=cmd|' /C calc'!A0, \"x\""]),
                                     ("c@sink.test", "acme/offers/spring", "unsubscribe", ["--expires", "2030-01-01"])):
        one.tool("suppress", "add", who, "--scope", scope, "--reason", reason, *more)
    text = one.tool("export", "--format", form).stdout
    assert not any(cell.startswith(("=", "+", "@")) for line in text.splitlines() for cell in line.split(",")) or form == "ndjson"
    f = write(place, "out." + form, text)
    assert two.json("import", f)[0]["changed"] == 3

    def state(gate):
        rows = [json.loads(line) for line in gate.tool("export", "--format", "ndjson").stdout.splitlines()]
        return sorted((r["address"], r["scope"], r["reason"], r["event"], r.get("expires"), r.get("note")) for r in rows)
    assert state(one) == state(two)
    assert any(e["change"] == "note" and "export" in e["note"] for e in two.json("journal", "tail"))


def test_screening_keeps_order_and_bytes(gate, place):
    for i in (3, 5):
        gate.tool("suppress", "add", f"r{i}@sink.test", "--scope", "acme", "--reason", "unsubscribe")
    rows = [f'"Name, {i}",R{i}@sink.test,x\r\n' for i in range(8)] + ["no address,-,x\r\n"]
    f = write(place, "in.csv", "name,email,more\r\n" + "".join(rows))
    gate.tool("screen", "--stream", "acme/offers", "--clear", f, place / "clear.csv")
    assert (place / "clear.csv").read_bytes().decode() == "name,email,more\r\n" + "".join(r for i, r in enumerate(rows) if i not in (3, 5, 8))
    cert = json.loads((place / "clear.csv.cert").read_text())
    assert (cert["rows"], cert["clear"], cert["suppressed"], cert["bad"], cert["reasons"]) == (9, 6, 2, 1, {"unsubscribe": 2})
    assert gate.tool("screen", "verify", place / "clear.csv.cert", f, place / "clear.csv").returncode == 0
    (place / "forged").write_text((place / "clear.csv.cert").read_text().replace('"clear": 6', '"clear": 7'))
    assert gate.tool("screen", "verify", place / "forged", check=False).returncode == 1
    write(place, "in.csv", "changed")
    assert gate.tool("screen", "verify", place / "clear.csv.cert", f, check=False).returncode == 1
    out = subprocess.run([BIN / "optgate", "-c", gate.conf, "screen", "--stream", "acme/offers"], input=b"r3@sink.test\nr4@sink.test\n", capture_output=True)
    assert out.stdout == b"r3@sink.test,suppress,unsubscribe\nr4@sink.test,allow,\n"


def test_vendors_samples(gate):
    folder = TOP.parent / "shared" / "corpus" / "suppression" / "vendor-docs"
    if not folder.is_dir():
        pytest.skip("skipped: ../shared/corpus is not here")
    expected = {"ses-bulk.csv": (2, 2), "cleaned_members_export_2024.csv": (1, 1), "postmark-dump.json": (3, 3), "mailgun-bounces.csv": (2, 2),
                "sendgrid-bounces.csv": (2, 1), "sparkpost.csv": (2, 2), "activecampaign.csv": (1, 1), "kit.csv": (1, 1)}
    for name, (rows, suppressions) in expected.items():
        r = gate.json("import", "--dry-run", "--scope", "acme/offers", folder / name)[0]
        assert (r["rows"], r["suppressions"], r["rejected"]) == (rows, suppressions, 0), name
