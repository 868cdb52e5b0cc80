"""The documentation page of a running system, in a browser that reaches no other host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import NAMES, Browser, Page, executable, running_browser
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with an empty profile."""
    program = executable()
    if program is None:
        pytest.skip(f"No browser is installed: none of {', '.join(NAMES)} is found")
    with running_browser(program, tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def page(browser: Browser, stack: Stack) -> Page:
    """The page with all that it shows, to be looked at."""
    return opened(browser, stack)


@pytest.fixture
def own_page(browser: Browser, stack: Stack) -> Page:
    """One more, that a test may change or break."""
    return opened(browser, stack)


def opened(browser: Browser, stack: Stack) -> Page:
    """The page, when all of it is there."""
    page = browser.page()
    page.open(f"{stack.url}/docs")
    page.until("document.querySelector('article.problem') !== null")
    return page
