"""Imports that are taken back, and imports that are killed and go on."""
import json, os, signal, subprocess, time

from gate import BIN


def write(place, name, text):
    (place / name).write_text(text, newline="")
    return place / name


def says(gate, who, *args):
    """The tool as somebody else uses it: behind sudo."""
    return subprocess.run([BIN / "optgate", "-c", gate.conf, *map(str, args)], env={**os.environ, "SUDO_USER": who}, capture_output=True, text=True, timeout=60)


def state(gate):
    rows = [json.loads(line) for line in gate.tool("export", "--format", "ndjson").stdout.splitlines()]
    return sorted((r["address"], r["scope"], r["reason"], r["event"], r.get("note", "")) for r in rows)


def test_a_wrong_import_is_taken_back(make_gate, place):
    gate = make_gate()
    gate.tool("suppress", "add", "before@sink.test", "--reason", "bounce")
    before = state(gate)
    f = write(place, "wrong.csv", "address,channel,scope,reason,event,expires,source,actor,note\n" + "".join(
        f"{who}@sink.test,email,acme,complaint,2020-01-01,,,,\n" for who in ("one", "two", "three")))
    done = gate.json("import", f)[0]
    gate.tool("suppress", "add", "two@sink.test", "--scope", "acme", "--reason", "complaint")
    asked = gate.json("import", "undo", done["import"], "--note", "wrong file")
    assert (asked["asked"], asked["removed"], asked["kept"], asked["reasons"]) == (True, 2, 1, {"complaint": 2})
    own = gate.tool("import", "approve", done["import"], "--note", "yes", check=False)
    assert own.returncode == 1 and "somebody else" in own.stderr
    other = says(gate, "bob", "import", "approve", done["import"], "--note", "yes", "--json")
    assert other.returncode == 0, other.stderr
    assert json.loads(other.stdout)["removed"] == 2
    assert [r[0] for r in state(gate)] == ["before@sink.test", "two@sink.test"] and set(before) <= set(state(gate))
    listed = gate.json("import", "list")
    assert [(i["import"], i["state"], i["rows"], i["changed"], i["undone"]) for i in listed] == [(done["import"], "undone", 3, 3, "user:bob")]
    assert [e["change"] for e in gate.json("journal", "tail") if e["change"] in ("import", "load", "undo-request", "undo")] == ["import", "load", "undo-request", "undo"]
    gate.tool("journal", "verify")


def test_a_killed_import_goes_on_where_it_was(make_gate, place):
    one, two = (make_gate(name=n, start=False, extra="ledger = { load_rows = 10000; };") for n in ("one", "two"))
    rows = 200000
    f = place / "big.csv"
    with open(f, "w") as out:
        out.write("status,reason,email,created\n")
        for i in range(rows):
            who = f"nonsense {i}" if i % 5000 == 17 else f"user{i * 7919 % rows}@d{i % 97}.test"
            out.write(f"5.1.1,gone,{who},{1690000000 + i}\n")
    command = ["import", "--format", "sendgrid-bounces", "--rejects"]
    undisturbed = one.json(*command, place / "r1", f)[0]
    assert (undisturbed["rows"], undisturbed["rejected"], undisturbed["resumed"]) == (rows, rows // 5000, 0)
    done, kills = 0, 0
    while kills < 4:
        p = subprocess.Popen([BIN / "optgate", "-c", two.conf, *command, place / "r2", f], stdout=subprocess.DEVNULL)
        while p.poll() is None:                     # a bit at a time, until it has come further than the last one
            time.sleep(0.01)
            p.send_signal(signal.SIGSTOP)
            listed = two.json("import", "list") if (two.data / "ledger" / "data.mdb").exists() else []
            if listed and listed[0]["changed"] > done and listed[0]["state"] == "unfinished":
                done = listed[0]["changed"]
                p.kill()
                p.wait()
                kills += 1
                break
            p.send_signal(signal.SIGCONT)
        if p.returncode == 0:
            break
    assert kills
    last = two.json(*command, place / "r2", f)[0]
    same = ("rows", "suppressions", "skipped", "rejected", "changed", "sha256", "reasons")
    assert {k: last[k] for k in same} == {k: undisturbed[k] for k in same}
    assert last["resumed"] > 0
    assert [(i["state"], i["changed"]) for i in two.json("import", "list")] == [("done", undisturbed["changed"])]
    assert (place / "r1").read_bytes() == (place / "r2").read_bytes()
    assert state(one) == state(two)
    two.tool("journal", "verify")
