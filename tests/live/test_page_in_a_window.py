"""The page of a run in the window of a browser: its width, its fields, and what it shows when one comes back to it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Browser
    from tests.live.conftest import RunPage

Pages = Callable[..., "RunPage"]
PHONE = 360
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_text_that_the_browser_puts_back_is_answered(asking_tab: "Browser", page: Pages, by_heart: Path) -> None:
    """When one comes back to a page, its fields are filled without an event for each, and before it is shown."""
    shown = page(by_heart)
    shown.shows("Type something first.")
    asking_tab.value("document.querySelector('#inputs textarea').value = 'let them eat cake'")
    asking_tab.value("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))")
    shown.shows("qu'ils mangent du gâteau")


def test_white_space_is_no_input(page: Pages, by_heart: Path) -> None:
    """Also what only Python takes for white space."""
    shown = page(by_heart)
    for text in (" ", "\x85", "\x1c"):
        shown.type(text)
        shown.shows("Type something first.")


def test_long_words_do_not_make_the_page_wider(tab: "Browser", page: Pages, run_of: Callable[..., Path]) -> None:
    word = "word" * 40
    shown = page(run_of("choice"))
    tab.send("Emulation.setDeviceMetricsOverride", width=PHONE, height=800, deviceScaleFactor=1, mobile=False)
    for field in range(3):
        shown.type(f"{word}{field}", field)
    shown.computed()
    assert len(shown.texts("#label-explained option")) == 2
    assert tab.value(TOO_WIDE) <= 0


def test_seeds_and_top_k_are_whole_numbers(tab: "Browser", page: Pages, by_heart: Path) -> None:
    """And a seed is one that the command line accepts; the page says so of another."""
    shown = page(by_heart)
    shown.set("ten-temperature", 1.5)
    for seed, top_k, wanted in ((5.7, 1.9, [5, 1]), (2**32 - 1, 3, [2**32 - 1, 3]), (0, 0, [0, 0])):
        shown.set("ten-seed", seed)
        shown.set("ten-top-k", top_k)
        shown.type(f"let them eat {seed} cakes")
        shown.computed()
        assert tab.value("[questions.last.answer.seed, questions.last.answer.settings.top_k]") == wanted
        assert f"seed {wanted[0]}" in shown.text("#ten-said")
    asked = tab.value("questions.asked")
    shown.set("ten-seed", 2**32)
    shown.click("#ten")
    assert shown.text("#ten-said").startswith("seed: ")
    assert str(2**32 - 1) in shown.text("#ten-said")
    assert tab.value("questions.asked") == asked
