"""/docs as people have it: complete, without any other host, usable with keys alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.browser import Page
from tests.support.stack import Stack, Tenant


def described(stack: Stack) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{stack.url}/schema/openapi.json").json()
    return document


def test_every_operation_and_problem_is_shown_without_a_complaint_of_the_browser(stack: Stack, page: Page) -> None:
    document = described(stack)
    operations = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    assert set(page.value("[...document.querySelectorAll('article.operation')].map(node => node.id)")) == operations
    problems = {f"problem-{code}" for code in document["x-problems"]}
    assert set(page.value("[...document.querySelectorAll('article.problem')].map(node => node.id)")) == problems
    links = set(page.value("[...document.querySelectorAll('nav a')].map(link => link.getAttribute('href').slice(1))"))
    assert links == operations | problems
    # What is nested is made when it is opened.
    page.value("document.querySelectorAll('article.operation details:not(.try)').forEach(each => { each.open = true; })")
    page.until("[...document.querySelectorAll('details[open]')].every(each => each.childElementCount > 1)")
    assert page.complaints() == []


def test_no_other_host_is_asked_for_anything(stack: Stack, page: Page) -> None:
    hosts = {urlsplit(url).netloc for url in page.requested() if not url.startswith("data:")}
    assert hosts == {urlsplit(stack.url).netloc}


def test_the_policy_admits_nothing_inline_and_no_other_host(stack: Stack, own_page: Page) -> None:
    policy = httpx.get(f"{stack.url}/docs").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none';")
    own_page.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}))")
    assert own_page.value("window.ran") is None
    assert own_page.value("fetch('http://127.0.0.1:1/').then(() => 'answered', failure => failure.message)") == "Failed to fetch"
    assert any("Content Security Policy" in complaint for complaint in own_page.complaints())


def test_a_problem_has_an_anchor_that_its_type_leads_to(stack: Stack, own_page: Page) -> None:
    kind = httpx.get(f"{stack.url}/v1/events").json()["type"]
    own_page.open(f"{stack.url}{kind}")
    own_page.until("document.getElementById('problem-unauthenticated') !== null")
    own_page.until("Math.abs(document.getElementById('problem-unauthenticated').getBoundingClientRect().top) < window.innerHeight")


def test_search_leaves_what_was_looked_for(page: Page) -> None:
    page.value(
        "document.getElementById('search').value = 'hold tickets'; document.getElementById('search').dispatchEvent(new Event('input'))"
    )
    shown = page.value("[...document.querySelectorAll('article:not([hidden])')].map(node => node.id)")
    assert "place_order" in shown
    assert "add_venue" not in shown
    page.value("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))")
    assert page.value("document.querySelectorAll('article[hidden]').length") == 0


def test_a_slash_leads_to_the_search_and_tab_to_the_content(own_page: Page) -> None:
    own_page.press("Tab", code="Tab", windowsVirtualKeyCode=9)
    assert own_page.value("document.activeElement.className") == "skip"
    own_page.press("/", text="/", windowsVirtualKeyCode=191)
    own_page.until("document.activeElement.id === 'search'")
    assert own_page.value("document.getElementById('search').value") == ""


def test_everything_that_can_be_operated_is_reached_with_keys_and_has_a_name(page: Page) -> None:
    named = "each => each.labels?.length || each.getAttribute('aria-label') || each.textContent.trim()"
    assert page.value(f"[...document.querySelectorAll('input, textarea, select, button')].filter(each => !({named})(each)).length") == 0
    assert page.value("document.querySelectorAll('[tabindex]:not([tabindex=\"-1\"]):not(pre), [onclick]').length") == 0


@pytest.mark.parametrize(("scheme", "brightness"), [("dark", range(90)), ("light", range(200, 256))])
def test_it_is_dark_and_light(page: Page, scheme: str, brightness: range) -> None:
    page.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    assert page.value("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])") in brightness


def test_an_operation_is_tried_and_followed_by_another_with_what_is_known_by_then(stack: Stack, own_page: Page) -> None:
    with stack.tenant() as tenant:
        sign_in(own_page, tenant)
        name = send(own_page, "create_event", body={"name": "Tried", "starts_at": "2099-01-01T10:00Z", "ends_at": "2099-01-01T12:00Z"})
        assert name.startswith("201")
        assert "stagebook-position:" in own_page.value("document.querySelector('#create_event .try .panel pre').textContent")
        made = own_page.value("JSON.parse(document.querySelectorAll('#create_event .try .panel pre')[1].textContent)")
        own_page.value(
            "[...document.querySelectorAll('#create_event .try .next button')].find(b => b.textContent === 'get_events').click()"
        )
        own_page.until(f"document.querySelector('#get_events .try input').value === '{made['id']}'")
        assert send(own_page, "get_events").startswith("200")
        assert "Tried" in own_page.value("document.querySelector('#get_events .try').textContent")


def test_a_problem_is_shown_as_it_was_answered(own_page: Page) -> None:
    assert send(own_page, "create_event").startswith("401")
    assert "unauthenticated" in own_page.value("document.querySelector('#create_event .try').textContent")


def test_the_key_is_in_memory_only(stack: Stack, own_page: Page) -> None:
    with stack.tenant() as tenant:
        sign_in(own_page, tenant)
        assert send(own_page, "list_events").startswith("200")
        assert own_page.value("[localStorage.length, sessionStorage.length, document.cookie, location.href.includes('sbk_')]") == [
            0,
            0,
            "",
            False,
        ]
        own_page.tell("Page.reload")
        own_page.until("document.getElementById('key')?.value === ''")


def sign_in(page: Page, tenant: Tenant) -> None:
    page.value(f"document.getElementById('key').value = {tenant.key!r}")


def send(page: Page, operation: str, body: dict[str, Any] | None = None) -> str:
    """Send what the form has; the line with the status."""
    form = f"document.querySelector('#{operation} .try')"
    if body is not None:
        page.value(f"{form}.querySelector('textarea').value = JSON.stringify({body!r})")
    page.value(f"{form}.querySelector('.status')?.remove(); {form}.open = true; {form}.querySelector('form').requestSubmit()")
    page.until(f"{form}.querySelector('.status') !== null")
    status: str = page.value(f"{form}.querySelector('.status').textContent")
    return status
