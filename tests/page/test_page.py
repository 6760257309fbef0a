"""The page in a browser, on a pretended daemon that can be brought into any state at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.page.pretended import Pretended, serving
from tests.page.pretended_site import instance, large_site, small_site, status, virtual_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]
    Serve = Callable[[Pretended], str]

ONE = "tcp/192.0.2.10:80/10.1.0.1:80"
TWO = "tcp/192.0.2.10:80/10.1.0.2:80"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(daemon)`` gives its address; asked for before ``visit``, it outlives the pages."""
    with ExitStack() as stack:
        yield lambda daemon: stack.enter_context(serving(daemon))


@pytest.fixture
def daemon() -> Pretended:
    return Pretended(small_site())


@pytest.fixture
def address(daemon: Pretended, serve: Serve) -> str:
    return serve(daemon)


def node(page: Page, name: str) -> Any:
    """A thing of the picture."""
    return page.locator(f'.node[data-id="{name}"]')


def button(page: Page, name: str) -> Any:
    """A button of the panel."""
    return page.locator("#panel").get_by_role("button", name=name, exact=True)


def wait_for_words(page: Page, selector: str, words: str) -> None:
    """Until an element's text has these words in it."""
    page.wait_for_function(
        "([selector, words]) => document.querySelector(selector)?.textContent.includes(words)",
        arg=[selector, words],
    )


def wait_for_label(page: Page, name: str, words: str) -> None:
    """Until a thing of the picture is called so."""
    page.wait_for_function(
        "([at, words]) => document.querySelector(at)?.getAttribute('aria-label').includes(words)",
        arg=[f".node[data-id='{name}']", words],
    )


# -- what is shown ----------------------------------------------------------------------------


def test_a_change_is_seen_heard_and_told(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address)
    assert page.locator("#verdict-words").inner_text() == "All is well"
    began = time.monotonic()
    daemon.fails(ONE)
    wait_for_label(page, ONE, "connection refused")
    took = time.monotonic() - began
    assert took < 2, f"{took} s: the next status by itself would have been due in 5"
    wait_for_words(page, "#live", "10.1.0.1:80 of 192.0.2.10:80 is down: connection refused")
    assert page.locator("#verdict-words").inner_text() == "1 thing to look at"
    assert (
        "192.0.2.10:80: 1 of 4 servers out: 10.1.0.1:80 (connection refused)"
        in page.locator("#problems").inner_text()
    )
    assert page.title() == "(1) lb1 · kaltwisted"
    assert "10.1.0.1:80 of 192.0.2.10:80 up → down" in page.locator("#events li").first.inner_text()
    assert "3 of 4 servers take clients" in str(node(page, "tcp/192.0.2.10:80").get_attribute("aria-label"))
    daemon.recovers(ONE)
    wait_for_words(page, "#verdict-words", "All is well")


def test_what_is_wrong_leads_to_the_thing_that_is(daemon: Pretended, address: str, visit: Visit) -> None:
    daemon.fails(ONE, "timeout after 3 s")
    page = visit(address)
    page.locator("#problems button").click()
    assert page.locator("#panel h2").inner_text() == "10.1.0.1:80"
    wait_for_words(page, "#panel .explained", "fails: timeout after 3 s")
    assert "up → down" in page.locator("#panel .events").inner_text()


def test_the_table_tells_the_same_as_the_picture(daemon: Pretended, address: str, visit: Visit) -> None:
    daemon.fails(ONE)
    page = visit(address)
    pictured = page.eval_on_selector_all(".node", "all => all.map(each => each.dataset.id)")
    page.get_by_role("button", name="Table").click()
    rows = page.locator("#tables tbody tr").count()
    assert rows == len(
        [each for each in pictured if each[:8] != "director" and each[-5:] not in (" pool", "sorry")]
    )
    row = page.get_by_role("row", name="10.1.0.1:80 ").first
    assert [each for each in row.inner_text().split("\t") if each.strip()][1:2] == ["down"]
    assert "connection refused" in row.inner_text()
    page.get_by_role("button", name="Servers of 192.0.2.10:80").click()
    assert page.locator("#tables tbody tr").count() == rows - 4


def test_ten_thousand_servers(serve: Serve, visit: Visit) -> None:
    daemon = Pretended(large_site())
    address = serve(daemon)
    page = visit(address)
    assert "things to look at" in page.locator("#verdict-words").inner_text()
    assert page.locator(".node").count() < 120
    page.get_by_role("button", name="Unfold all").click()
    page.wait_for_selector(".node.server")
    assert page.locator(".node").count() < 120
    assert page.evaluate("document.querySelector('.picture').getBoundingClientRect().height") > 10_000 * 28
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    # The last pool is there, and its virtual router beside it.
    wait_for_label(page, "tcp/192.0.2.20:8009/10.199.0.50:8009", "in the pool")
    assert node(page, "instance/VI_all").bounding_box()["y"] >= 0
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})

    def cpu() -> float:
        return next(
            e["value"] for e in meter.send("Performance.getMetrics")["metrics"] if e["name"] == "TaskDuration"
        )

    before = cpu()
    page.evaluate(
        """async () => {
            for (let n = 0; n < 20; n += 1) {
                scrollTo(0, n * 9000);
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            }
        }"""
    )
    used = cpu() - before
    assert used < 1.5, f"{used} s of CPU for twenty screens"
    page.locator("#filter").fill("10.77.0.33")
    wait_for_words(page, "#shown", "1 virtual server of 200 shown")
    assert page.locator(".node.server").count() == 1
    page.locator("#filter").fill("")
    page.locator("#only").select_option("problems")
    page.wait_for_function("document.querySelectorAll('.node.pool').length > 3")
    pools = page.eval_on_selector_all(".node.pool", "all => all.map(each => each.getAttribute('aria-label'))")
    assert all("of 50 shown" in each for each in pools), pools


def test_names_are_text_whatever_is_in_them(serve: Serve, visit: Visit) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    document = status(
        [instance(evil, "BACKUP", ["192.0.2.1/24"])], [virtual_server("192.0.2.1", 80, ["10.0.0.1"])]
    )
    document["daemon"]["host"] = evil
    document["daemon"]["warnings"] = [evil]
    document["vrrp"]["instances"][0]["master"]["address"] = evil
    server = document["checkers"]["virtual_servers"][0]["real_servers"][0]
    server.update(alive=False, in_pool=False, why=evil)
    server["checks"][0].update(last_result=evil, target=evil, up=False)
    document["checkers"]["virtual_servers"][0]["name"] = evil
    document["overrides"] = [
        {
            "kind": "real_server",
            "target": server["id"],
            "action": "pause",
            "value": None,
            "by": evil,
            "at": time.time(),
            "reason": evil,
        }
    ]
    daemon = Pretended(document)
    daemon.event("instance", evil, evil, evil, evil)
    address = serve(daemon)
    page = visit(address)
    node(page, server["id"]).click()
    wait_for_words(page, "#panel .explained", evil)
    page.get_by_role("button", name="Table").click()
    wait_for_words(page, "#tables", evil)
    wait_for_words(page, "#events", evil)
    assert page.locator("#host").inner_text() == evil
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2


def test_nothing_configured_is_no_error(serve: Serve, visit: Visit) -> None:
    daemon = Pretended({"daemon": {"host": "lb1", "started": 0}, "overrides": [], "vrrp": None})
    page = visit(serve(daemon), wait=None)
    wait_for_words(page, "#verdict-words", "All is well")
    assert page.locator(".node").count() == 0


# -- steering ---------------------------------------------------------------------------------


def test_drain_and_enable_by_button(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address)
    node(page, ONE).click()
    button(page, "Drain").click()
    assert "New clients go to the 3 servers left of 192.0.2.10:80." in page.locator(".ask").inner_text()
    page.get_by_label("Reason").fill("kernel update")
    page.locator(".ask").get_by_role("button", name="Drain").click()
    wait_for_words(page, "#panel .result", "Drain: done.")
    assert daemon.asked == [
        ("PUT", "/api/v1/overrides", {"target": ONE, "action": "drain", "reason": "kernel update"})
    ]
    wait_for_label(page, ONE, "drained by hand")
    wait_for_words(page, "#panel .override", "drain by night")
    wait_for_words(page, "#overrides", "kernel update")
    button(page, "Enable").click()
    page.locator(".ask").get_by_role("button", name="Enable").click()
    wait_for_label(page, ONE, "in the pool")
    assert page.locator("#steered").is_hidden()


def test_a_weight_and_what_is_taken_back(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address)
    node(page, ONE).click()
    button(page, "Weight…").click()
    page.get_by_role("spinbutton", name="Weight").fill("7")
    page.locator(".ask").get_by_role("button", name="Weight").click()
    wait_for_words(page, "#panel .facts", "7 (configured 1)")
    button(page, "Check now").click()
    wait_for_words(page, "#panel .result", "Check now: TCP_CHECK success after 1.3 ms.")
    button(page, "Pause checks").click()
    page.keyboard.press("Enter")
    wait_for_words(page, "#panel .checks", "paused")
    button(page, "Weight as configured").click()
    page.locator(".ask").get_by_role("button", name="Weight as configured").click()
    wait_for_words(page, "#panel .result", "Weight as configured: done.")
    assert [each["action"] for each in daemon.document["overrides"]] == ["pause"]


def test_the_last_one_of_a_pool_is_drained_only_by_who_insists(
    daemon: Pretended, address: str, visit: Visit
) -> None:
    for n in (2, 3, 4):
        daemon.fails(f"tcp/192.0.2.10:80/10.1.0.{n}:80")
    page = visit(address)
    page.allowed.append("409")  # type: ignore[attr-defined]
    node(page, ONE).click()
    button(page, "Drain").click()
    assert (
        "It is the last server of 192.0.2.10:80: clients get no answer then."
        in page.locator(".ask").inner_text()
    )
    page.locator(".ask").get_by_role("button", name="Drain").click()
    wait_for_words(
        page, "#panel .result", "Drain: its pool has no quorum then: force it to do it all the same"
    )
    page.keyboard.press("Enter")
    wait_for_words(page, "#panel .result", "Drain: done.")
    assert [each[2].get("force") for each in daemon.asked] == [None, True]


def test_a_switch_over(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address)
    node(page, "instance/VI_web").click()
    button(page, "Yield").click()
    assert "becomes backup with priority 1" in page.locator(".ask").inner_text()
    page.locator(".ask").get_by_role("button", name="Yield").click()
    wait_for_words(page, "#panel .state", "BACKUP")
    wait_for_words(page, "#panel .sum", "yield, by root")
    button(page, "Give back").wait_for()
    assert (
        node(page, "director/10.0.0.2").get_attribute("aria-label")
        == "Director: 10.0.0.2, master of 2, another director"
    )


def test_all_of_it_by_keyboard(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address)
    focus = "() => document.activeElement.dataset?.id ?? document.activeElement.id"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.picture') !== null"):
            break
    assert page.evaluate(focus) == "director/here"
    outline = "getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth"
    assert page.evaluate(outline) == "3px"
    for key in ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown"]:
        page.keyboard.press(key)
    assert page.evaluate(focus) == TWO
    page.keyboard.press("Enter")
    assert page.evaluate(focus) == "panel-heading"
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Drain":
            break
    page.keyboard.press("Enter")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    wait_for_words(page, "#panel .result", "Drain: done.")
    assert daemon.asked[0][2] == {"target": TWO, "action": "drain", "reason": "by keyboard"}
    assert page.evaluate("document.activeElement.closest('#panel') !== null")
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert page.evaluate(focus) == TWO
    # The picture is one stop of the Tab key, not thirteen.
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('.picture') !== null")


def test_escape_leaves_the_question_first(address: str, visit: Visit) -> None:
    page = visit(address)
    node(page, ONE).click()
    button(page, "Disable").click()
    page.keyboard.press("Escape")
    assert page.locator(".ask").count() == 0
    assert page.locator("#panel").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Disable"


# -- access and the line to the daemon -----------------------------------------------------------


def test_a_token_is_asked_for_and_kept_for_the_tab(daemon: Pretended, address: str, visit: Visit) -> None:
    daemon.tokens = {"r3ad": "read", "c0ntrol": "control"}
    page = visit(address, wait="#ask-token[open]")
    page.allowed.append("401")  # type: ignore[attr-defined]
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.keyboard.press("Enter")
    wait_for_words(page, "#token-why", "The daemon does not take this token")
    page.get_by_role("textbox", name="Token").fill("r3ad")
    page.keyboard.press("Enter")
    page.wait_for_selector(".node")
    node(page, ONE).click()
    wait_for_words(page, "#forbidden", "Your token may only read.")
    assert button(page, "Drain").is_disabled()
    page.get_by_role("button", name="Token").click()
    page.get_by_role("textbox", name="Token").fill("c0ntrol")
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel [data-focus='act drain']:not([disabled])")
    kept = page.evaluate("[JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie]")
    assert kept == [json.dumps({"kaltwisted-token": "c0ntrol"}, separators=(",", ":")), "{}", ""]
    page.reload()
    page.wait_for_selector(".node")
    assert not any("c0ntrol" in each for each in daemon.requests), "no token in an address"


def test_a_daemon_that_is_gone(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address)
    page.allowed.append("net::ERR")  # type: ignore[attr-defined]
    node(page, ONE).click()
    daemon.broken = True
    wait_for_words(page, "#unreachable", "The daemon cannot be reached (no answer). What is shown is from ")
    assert page.locator("#unreachable").is_visible()
    assert button(page, "Drain").is_disabled()
    assert page.title().startswith("? ")
    assert page.locator(".node").count() > 10, "what was known is still shown"
    daemon.broken = False
    page.wait_for_selector("#unreachable", state="hidden")
    wait_for_words(page, "#reach-words", "live")
    daemon.fails(ONE)
    wait_for_words(page, "#problems", "10.1.0.1:80")


def test_without_a_stream_it_asks(daemon: Pretended, address: str, visit: Visit) -> None:
    daemon.no_stream = True
    page = visit(address)
    wait_for_words(page, "#reach-words", "live, by asking")
    daemon.fails(ONE)
    wait_for_label(page, ONE, "down")
    wait_for_words(page, "#events", "connection refused")


def test_every_answer_keeps_the_page_to_itself(daemon: Pretended, address: str, visit: Visit) -> None:
    page = visit(address, wait=None)
    answer = page.goto(address)
    assert answer is not None
    headers = answer.headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert (
        policy["default-src"] == "'none'"
        and policy["script-src"] == "'self'"
        and policy["frame-ancestors"] == "'none'"
    )
    assert not any("unsafe" in each or "http" in each for each in policy.values())
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-cache"
    page.allowed.append("Content Security Policy")  # type: ignore[attr-defined]
    page.allowed.append("TrustedHTML")  # type: ignore[attr-defined]
    made = "() => { try { document.body.innerHTML = '<b>x</b>'; return true } catch { return false } }"
    assert not page.evaluate(made), "HTML of a text"


# -- everybody's eyes, ears and hands ------------------------------------------------------------


@pytest.mark.parametrize(
    ("colours", "rules"), [("light", {}), ("dark", {"runOnly": ["color-contrast"]})], ids=["light", "dark"]
)
def test_nothing_that_axe_would_object_to(
    daemon: Pretended, address: str, visit: Visit, axe: str, colours: str, rules: dict[str, Any]
) -> None:
    daemon.fails(ONE)
    daemon.override({"target": TWO, "action": "drain", "reason": "kernel update"}, "ann")
    daemon.event("reload", "configuration", None, "applied")
    # Only for this: axe is no script of ours, so that the page's policy would keep it out.
    page = visit(address, color_scheme=colours, bypass_csp=True)
    page.evaluate(axe)

    def look(at: str) -> None:
        found = page.evaluate(
            "async (rules) => (await axe.run(document, rules)).violations",
            rules,
        )
        told = [
            (each["id"], each["help"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found
        ]
        assert not told, f"{at}: {told}"

    look("picture")
    node(page, ONE).click()
    wait_for_words(page, "#panel .explained", "fails")
    button(page, "Disable").click()
    look("panel")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Table").click()
    look("table")
    page.evaluate("document.getElementById('ask-token').showModal()")
    look("dialog")


@pytest.mark.parametrize("document", [small_site(), large_site(20, 50)], ids=["small", "large"])
def test_a_phone_scrolls_one_way_only(document: dict[str, Any], serve: Serve, visit: Visit) -> None:
    page = visit(serve(Pretended(document)), **PHONE)
    wide = "Math.max(document.documentElement.scrollWidth, innerWidth, visualViewport.width)"
    assert page.evaluate(wide) == 360
    page.get_by_role("button", name="Table").click()
    assert page.evaluate(wide) == 360
    page.get_by_role("button", name="Picture").click()
    node(page, document["checkers"]["virtual_servers"][0]["id"]).tap()
    box = page.locator("#panel").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360
    assert page.evaluate(wide) == 360
    small = page.eval_on_selector_all(
        "#panel button, header button, .toolbar button",
        """all => all.filter(each => each.offsetHeight && Math.min(each.offsetHeight, each.offsetWidth) < 24)
            .map(each => each.textContent)""",
    )
    assert not small, "too small for a thumb"


def test_colours_follow_the_system_until_somebody_chooses(address: str, visit: Visit) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page = visit(address, color_scheme="dark")
    dark = page.evaluate(ground)
    assert dark == "rgb(15, 20, 26)"
    page.locator("#theme").click()
    assert page.evaluate(ground) == "rgb(244, 246, 248)"
    page.reload()
    assert page.evaluate(ground) == "rgb(244, 246, 248)"
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert page.locator("#theme").inner_text() == "Auto"
    assert page.evaluate(ground) == dark


def test_nothing_moves_for_those_who_asked_for_it(daemon: Pretended, address: str, visit: Visit) -> None:
    moving = "getComputedStyle(document.querySelector('.node.changed .box')).animationName"
    for wanted, name in (("reduce", "none"), ("no-preference", "changed")):
        page = visit(address, reduced_motion=wanted)
        daemon.fails(ONE)
        page.wait_for_selector(".node.changed")
        assert page.evaluate(moving) == name
        daemon.recovers(ONE)
