"""Grades `optgate classify` against the reports in ../shared/corpus (its README says how), misses one by one.

    tests/integration/grade_reports.py [build/bin/optgate]
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CORPUS = os.path.join(TOP, "..", "shared", "corpus")
WRAP = b"From: MAILER-DAEMON@mail.example.com\r\nTo: sender@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n" \
       b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"


def present():
    return os.path.isdir(CORPUS)


def rows(kind):
    with open(os.path.join(CORPUS, kind, "expected.jsonl")) as f:
        return [json.loads(line) for line in f]


def held_out(row):
    """A third of the messages: never looked at while the rules were written."""
    return hashlib.sha256(row["file"].encode()).digest()[0] % 3 == 0


def classify(optgate, files):
    """{file: its JSON object}"""
    out = subprocess.run([optgate, "classify", *files], stdout=subprocess.PIPE, check=True).stdout
    return {o["file"]: o for o in map(json.loads, out.splitlines())}


def answers(optgate, kind, wanted):
    """[(row, answer)]; bare bodies are wrapped as a mail system's text."""
    with tempfile.TemporaryDirectory() as tmp:
        paths = []
        for i, row in enumerate(wanted):
            path = os.path.join(CORPUS, kind, row["file"])
            if row.get("needs_wrap"):
                with open(path, "rb") as f:
                    body = f.read()
                path = os.path.join(tmp, f"{i}.eml")
                with open(path, "wb") as f:
                    f.write(WRAP + body)
            paths.append(path)
        found = classify(optgate, paths)
        return [(row, found[path]) for row, path in zip(wanted, paths)]


def addresses(answer):
    return {r["address"].lower() for r in answer["recipients"] if r["address"]}


def bare(address):
    """Quotes of a local part are left out where they say nothing."""
    return address.lower().replace('"', "")


class Grade:
    def __init__(self):
        self.scored = self.exact = self.wrong = 0
        self.hard = self.hard_found = self.soft = self.soft_suppressed = 0
        self.misses = []

    def recipients(self, row, answer):
        if row["addr_grade"] not in ("A", "B"):
            return
        want, got = {a.lower() for a in row["addresses"]}, addresses(answer)
        self.scored += 1
        self.exact += want == got
        self.wrong += bool(got - want)
        if want != got:
            self.misses.append(f"{'wrong' if got - want else 'short'} {row['file']}: want {sorted(want)}, got {sorted(got)} ({answer['kind']})")

    def classes(self, row, answer):
        if row["class_grade"] != "A":
            return
        by_address = {bare(r["address"]): r for r in answer["recipients"]}
        for want in row.get("per_recipient", []):
            got = by_address.get(bare(want["recipient"] or ""), {})
            suppressed = answer["kind"] == "bounce" and got.get("class") == "hard"
            if want.get("hard") is True:
                self.hard += 1
                self.hard_found += suppressed
            elif want.get("hard") is False:
                self.soft += 1
                self.soft_suppressed += suppressed
            if want.get("hard") is not None and suppressed != want["hard"]:
                self.misses.append(f"{'hard missed' if want['hard'] else 'soft suppressed'} {row['file']}: {want['recipient']} "
                                   f"{want.get('status')} {want['reason']}; got {got.get('class')} {got.get('status')} {got.get('reason')} {got.get('rule')}")

    def add(self, row, answer):
        self.recipients(row, answer)
        self.classes(row, answer)

    def text(self):
        def share(n, of):
            return f"{n}/{of} ({100 * n / of:.1f} %)" if of else "0/0"
        return (f"recipients exact {share(self.exact, self.scored)}, with a wrong one {share(self.wrong, self.scored)}, "
                f"hard suppressed {share(self.hard_found, self.hard)}, soft suppressed {share(self.soft_suppressed, self.soft)}")


def grade(optgate, choose=lambda row: True):
    g = Grade()
    for row, answer in answers(optgate, "bounce", [r for r in rows("bounce") if choose(r)]):
        g.add(row, answer)
    return g


def suppresses(answer):
    return answer["kind"] in ("complaint", "optout") or any(r["class"] == "hard" for r in answer["recipients"])


def false_suppressions(optgate):
    """Of what is no bounce and no complaint, that which would suppress somebody."""
    with open(os.path.join(CORPUS, "negatives.txt")) as f:
        names = f.read().split()
    names += ["notbounce/" + r["file"] for r in rows("notbounce")]
    found = classify(optgate, [os.path.join(CORPUS, n) for n in names])
    return [o for o in found.values() if suppresses(o)], len(names)


def main():
    optgate = sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "build/bin/optgate")
    if not present():
        print("skipped: ../shared/corpus is not here")
        return
    dev = grade(optgate, lambda r: not held_out(r))
    held = grade(optgate, held_out)
    print("looked at:", dev.text())
    print("held out: ", held.text())
    for miss in dev.misses:
        print("  ", miss)
    if "--all" in sys.argv:
        for miss in held.misses:
            print("   held out:", miss)
    bad, of = false_suppressions(optgate)
    print(f"suppressed by what is no report: {len(bad)} of {of}")
    for o in bad:
        print("  ", json.dumps(o)[:400])
    for row, answer in answers(optgate, "arf", rows("arf")):
        want = row["decision"].startswith("suppress")
        if want != (answer["kind"] == "complaint"):
            print("   complaint:", row["file"], row["decision"], json.dumps(answer)[-300:])


if __name__ == "__main__":
    main()
