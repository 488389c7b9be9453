"""The pages in a real browser: by mouse, by keyboard alone, and without scripts; light and dark, on a phone; judged by axe-core.
Screenshots are left in build/screenshots."""
import json, os, pathlib, re, subprocess

import pytest

from gate import TOP
from test_pages import delivered, may_send, notice, pages    # noqa: F401 (a fixture)

SHOTS = TOP / "build" / "screenshots"
MODULES = TOP / "build" / "npm" / "node_modules"
MODES = ("mouse", "keyboard", "no-script")


class Browser:
    def __init__(self):
        self.proc = subprocess.Popen(["node", TOP / "tests" / "integration" / "web" / "driver.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     env={**os.environ, "NODE_PATH_OF_TEST": str(MODULES)}, text=True)
        assert self.proc.stdout.readline() == "{}\n"
        SHOTS.mkdir(parents=True, exist_ok=True)

    def __call__(self, do, **arguments):
        self.proc.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.proc.stdin.flush()
        answer = json.loads(self.proc.stdout.readline())
        assert "error" not in answer, (do, arguments, answer["error"])
        return answer

    def see(self, heading, shot=None):
        s = self("state")
        assert heading in s["heading"], s
        assert s["cookies"] == 0 and not s["outside"] and not s["wide"], s
        if shot:
            self("shot", file=str(SHOTS / f"{shot}.png"))
        return s

    def judge(self):
        found = self("axe")["violations"]
        assert not found, found


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b("end")
    b.proc.wait(20)


def url(gate, path):
    return "http://%s:%d%s" % (*gate.public, path)


@pytest.mark.parametrize("mode", MODES)
def test_opting_out(pages, sink, browser, mode):
    path = delivered(pages, sink, extra="X-Optgate-Topic: spring\r\n")
    browser("open", url=url(pages, path), mode=mode, phone=mode == "mouse", dark=mode == "no-script")
    s = browser.see("Stop these e-mails?", f"ask-{mode}")
    assert "Nothing has changed yet" in s["text"] and "a***" in s["text"]
    assert may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")
    browser("press", name="Stop these e-mails")
    browser.see("Done.", f"done-{mode}")
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")
    browser("press", name="Undo")
    browser.see("You will get these e-mails again", f"undone-{mode}")
    assert may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")
    browser("press", name="Stop these e-mails")
    browser("tick", name="Too many e-mails")
    browser("press", name="Send the reason")
    browser.see("Thank you")
    browser("goto", url=url(pages, path))
    browser("press", name="Pause for 90 days")
    browser.see("pause", f"paused-{mode}")
    browser("press", name="Choose topics and channels")
    browser("press", name="Stop all marketing e-mails from Acme Telecom")
    browser.see("Done.")
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Topic: summer\r\n")


@pytest.mark.parametrize("mode", MODES)
def test_choosing(pages, sink, browser, mode):
    path = delivered(pages, sink, extra="X-Optgate-Topic: spring\r\n").replace("/u/", "/p/")
    browser("open", url=url(pages, path), mode=mode, phone=mode == "keyboard", dark=mode == "mouse")
    browser.see("Your choices", f"choices-{mode}")
    assert browser("tick", name="Spring") == {"checked": False}
    assert browser("tick", name="News") == {"checked": True}
    browser("fill", name="Stop calls to this number", text="+44 20 7946 0000")
    browser("press", name="Save")
    browser.see("Saved")
    assert not may_send(pages, "ann@sink.test", "X-Optgate-Topic: spring\r\n")
    assert may_send(pages, "ann@sink.test", "X-Optgate-Stream: news\r\n")
    assert "+442079460000: not suppressed" not in pages.tool("suppress", "show", "+442079460000", "--channel", "phone").stdout


@pytest.mark.parametrize("mode", MODES)
def test_signing_up_and_asking(pages, sink, browser, mode):
    browser("open", url=url(pages, "/f/join"), mode=mode, dark=mode == "keyboard")
    browser.see("Acme letters", f"join-{mode}")
    browser("tick", name="News")
    browser("fill", name="Your e-mail address", text="new@sink.test")
    browser("press", name="Sign up")
    browser.see("Look into your mailbox", f"sent-{mode}")
    browser("goto", url=url(pages, notice(sink, 1)[2]))
    browser.see("One more step", f"confirm-{mode}")
    browser("press", name="Confirm")
    browser.see("You are signed up")
    assert may_send(pages, "new@sink.test", "X-Optgate-Stream: news\r\n")
    browser("goto", url=url(pages, "/data/acme"))
    browser.see("Your data", f"data-{mode}")
    browser("tick", name="Correct my data")
    browser("fill", name="Your e-mail address", text="new@sink.test")
    browser("press", name="Send me the link")
    browser("goto", url=url(pages, notice(sink, 3)[2]))
    browser("press", name="Confirm")
    browser.see("Your request is recorded", f"case-{mode}")
    assert browser("goto", url=url(pages, "/u/nonsense"))["status"] == 404
    browser("fill", name="Your e-mail address", text="other@sink.test")
    browser("press", name="Send me the link")
    browser.see("Look into your mailbox")
    assert notice(sink, 4)[2].startswith("/p/")


def every_page(gate, sink):
    path = delivered(gate, sink)
    return [path, path.replace("/u/", "/p/"), "/f/join", "/lost/acme", "/data/acme", "/u/nonsense", "/nowhere"]


@pytest.mark.parametrize("dark", (False, True))
@pytest.mark.parametrize("phone", (False, True))
def test_everybody_can_use_them(pages, sink, browser, dark, phone):
    """WCAG 2.2 AA as far as axe-core can judge; nothing wider than a phone of 320 pixels."""
    for p in every_page(pages, sink):
        browser("open", url=url(pages, p), mode="mouse", dark=dark, phone=phone)
        browser.see("")
        browser.judge()
    browser("open", url=url(pages, every_page(pages, sink)[0]), mode="mouse", dark=dark, phone=phone)
    for button in ("Stop these e-mails", "Undo", "Stop these e-mails"):
        browser("press", name=button)
        browser.see("")
        browser.judge()


def test_the_brands_own_look(pages, sink, browser):
    browser("open", url=url(pages, delivered(pages, sink)), mode="mouse")
    s = browser.see("Stop")
    assert s["act"] == "rgb(122, 0, 73)" and "ACME" in s["text"] and s["text"].rstrip().endswith("Acme Telecom")


@pytest.mark.parametrize("locale,words", (("cy", "Atal yr e-byst hyn"), ("fr-FR", "Ne plus recevoir"), ("de-AT", "abbestellen"), ("es", "Dejar de recibir")))
def test_languages(pages, sink, browser, locale, words):
    browser("open", url=url(pages, delivered(pages, sink)), mode="mouse", locale=locale, phone=True)
    assert words in browser.see("", f"ask-{locale}")["text"]
    browser.judge()


def test_html_is_valid(pages, sink):
    """Parsed by the rules of HTML without one error; ids are unique, labels have their field."""
    import html5lib
    from test_pages import get
    for p in every_page(pages, sink):
        page = get(pages, p)[1]
        parser = html5lib.HTMLParser(strict=True)
        parser.parse(page)
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r' for="([^"]+)"', page)) <= set(ids)
        assert "<script" not in page and not re.search(r"\son\w+=", page)
