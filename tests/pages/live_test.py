"""What the script does in a real browser: keeps the page fresh, says when it is old, never runs what a node says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from noderr.coordinator.description import NetworkDescription
from noderr.coordinator.pages import network_page_routes
from noderr.core.description import NodeDescription, ServiceDescription
from noderr.core.pages import page_routes
from tests.pages.browser import Browser, Page
from tests.pages.samples import fine_node, network, unready_node
from tests.pages.serving import PageServer, serving


class Subject:
    """A node that a test changes while its page is open."""

    def __init__(self) -> None:
        self.now = fine_node()
        self.broken = False
        self.asked = threading.Semaphore(0)

    def describe(self) -> NodeDescription:
        self.asked.release()
        if self.broken:
            raise RuntimeError("inner detail")
        return self.now


@pytest.fixture
def subject() -> Subject:
    return Subject()


@pytest.fixture
def server(subject: Subject) -> Iterator[PageServer]:
    with serving(page_routes(subject.describe)) as found:
        yield found


@pytest.fixture
def page(chromium: Browser, server: PageServer) -> Iterator[Page]:
    with chromium.page(server.url) as found:
        yield found


def headline(page: Page) -> str:
    found: str = page.run("document.getElementById('verdict').textContent")
    return found


def test_page_follows_its_node_in_place(page: Page, subject: Subject) -> None:
    assert headline(page) == "Ready"
    page.run("window.kept = document.querySelector('[data-key=service-http]'); getSelection().selectAllChildren(kept)")
    subject.now = unready_node()
    page.wait_for("document.getElementById('verdict').textContent === 'Alive, not ready'")
    assert "Connection refused by 10.0.0.7:50052" in page.text()
    # The same elements are still there, so nothing flickered and the selection lives.
    assert page.run("kept.isConnected && getSelection().toString().startsWith('http')")
    assert page.run("document.title").startswith("Alive, not ready")
    subject.now = fine_node()
    page.wait_for("document.getElementById('verdict').textContent === 'Ready'")
    assert "market-data" not in page.text()
    assert page.complaints == []


def test_page_after_many_changes_is_the_page_loaded_anew(page: Page, subject: Subject, server: PageServer) -> None:
    fine = fine_node()
    for services in (fine.services[:3], tuple(reversed(fine.services)), fine.services[2:], fine.services):
        subject.now = msgspec.structs.replace(fine, services=services, peers=fine.peers[len(services) % 4 :])
        page.wait_for(
            "[...document.querySelectorAll('[data-key^=service-] th')].map(th => th.firstChild.data.trim()).join()"
            f" === '{','.join(one.name for one in services)}'"
        )
    # Ages and the buttons of the script aside.
    same = """
      fetch('/').then(answer => answer.text()).then(text => {
        const shape = page => {
          const main = page.getElementById('main').cloneNode(true);
          for (const one of main.querySelectorAll('button, time')) one.remove();
          return main.innerHTML.replace(/\\s+/g, '');
        };
        return shape(document) === shape(new DOMParser().parseFromString(text, 'text/html'));
      })"""
    assert page.run(same)


def test_node_that_is_gone_is_marked(page: Page, server: PageServer, screenshots: Path) -> None:
    assert page.run("document.getElementById('stale').textContent") == ""
    server.stop()
    page.wait_for("document.body.classList.contains('stale')")
    told = "document.getElementById('stale').textContent"
    page.wait_for(f"/^No answer for \\d+ s\\. What is shown is old\\.$/.test({told})")
    assert headline(page) == "Ready", "what was last known stays readable"
    page.screenshot(screenshots / "node-stale-wide.png")


def test_node_that_only_fails_is_marked_until_it_recovers(page: Page, subject: Subject) -> None:
    subject.broken = True
    page.wait_for("document.getElementById('stale').textContent.startsWith('Only errors (status 500) for')")
    subject.broken = False
    page.wait_for("!document.body.classList.contains('stale')")
    assert page.run("document.getElementById('stale').textContent") == ""


def test_pause_asks_no_more_until_resumed(page: Page, subject: Subject) -> None:
    page.run("document.getElementById('pause').click()")
    while subject.asked.acquire(blocking=False):
        pass
    assert not subject.asked.acquire(timeout=3)
    page.run("document.getElementById('pause').click()")
    assert subject.asked.acquire(timeout=3)


def test_copy_button_gives_the_key(page: Page, subject: Subject) -> None:
    page.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    key = subject.now.identity.public_key
    page.run(f"document.querySelector('[data-copy=\"{key}\"]').click()")
    assert page.wait_for("window.copied") == key
    assert page.wait_for(f"document.querySelector('[data-copy=\"{key}\"]').textContent === 'Copied'")


def test_what_a_node_says_is_text(page: Page, subject: Subject, server: PageServer) -> None:
    evil = "<script>window.evil = 1</script><img src=x onerror='window.evil = 1'>\" onclick='window.evil = 1"
    services = (ServiceDescription(evil, True, "failed", 0, evil),)
    subject.now = msgspec.structs.replace(fine_node(), services=services, alive=False)
    page.wait_for("document.getElementById('verdict').textContent === 'Not alive'")
    assert page.text().count(evil) == 3
    page.open(server.url)
    assert page.text().count(evil) == 3
    assert page.run("window.evil === undefined && document.querySelectorAll('main script, main img').length === 0")
    assert page.complaints == []


def test_complaints_and_requests_are_seen(chromium: Browser) -> None:
    """What the other tests look for would be found: a page that breaks the policy, throws, and asks somebody else."""

    async def bad(_request: Request) -> Response:
        return HTMLResponse(
            "<script>console.error('a complaint'); fetch('http://elsewhere.example/').catch(() => {});"
            "setTimeout(() => { throw new Error('thrown') })</script>"
        )

    async def inline(_request: Request) -> Response:
        policy = {"content-security-policy": "default-src 'none'"}
        return HTMLResponse("<script>window.ran = 1</script>", headers=policy)

    with serving([Route("/", bad), Route("/inline", inline)]) as server, chromium.page(server.url) as page:
        page.wait_for("true")
        page.open(server.url + "inline")
        assert page.run("window.ran === undefined")
        said = "\n".join(page.complaints)
        assert "a complaint" in said
        assert "thrown" in said
        assert "Content Security Policy" in said
        assert "http://elsewhere.example/" in page.asked


def test_network_is_filtered_while_typing_and_the_address_says_so(chromium: Browser) -> None:
    found = network(30)

    async def describe() -> NetworkDescription:
        return found

    rows = "document.querySelectorAll('[data-key^=node-]').length"
    choose = "const box = document.querySelector('[name={}]'); box.value = '{}'; "
    choose += "box.dispatchEvent(new Event('input', {{bubbles: true}}))"
    with serving(network_page_routes(describe)) as server, chromium.page(server.url) as page:
        assert page.run(rows) == 30
        page.run("{" + choose.format("tier", "guardian") + "}")
        page.wait_for(f"{rows} === 10")
        page.run("{" + choose.format("text", found.nodes[1].node_id[:8]) + "}")
        page.wait_for(f"{rows} === 1")
        assert page.run("location.search") == f"?tier=guardian&text={found.nodes[1].node_id[:8]}"
        # What was typed stays, through every refresh, and a reload finds the same.
        page.wait_for("performance.getEntriesByType('resource').filter(one => one.name.includes('text=')).length >= 2")
        assert page.run("document.querySelector('[name=text]').value") == found.nodes[1].node_id[:8]
        page.open(server.url + page.run("location.search"))
        assert page.run(rows) == 1
        assert page.run("document.querySelector('[name=tier]').value") == "guardian"
        assert page.complaints == []
