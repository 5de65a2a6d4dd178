"""The shared live socket: numbered messages, nothing twice, nothing missed."""

import json

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from hub.core.live import PING

MOST_LOOKS = 500
LISTEN = """async () => {
  const { LiveSocket, showState } = await import("app/socket");
  document.body.insertAdjacentHTML("beforeend", '<p id="conn"><i></i><b></b></p><p id="got"></p>');
  const show = showState(document.getElementById("conn"));
  window.states = [];
  window.live = new LiveSocket("/ws/test/", {
    after: 2,
    onMessage: (m) => { document.getElementById("got").textContent += `${m.sequence} `; },
    onState: (...state) => { window.states.push(state[0]); show(...state); },
  });
}"""


class Feed:
    """The server's end of the wire, as the job consumer behaves: replay after N, then live."""

    def __init__(self) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.last = 4
        self.pings = 0
        self.answers = True

    def open(self, route: WebSocketRoute) -> None:
        self.sockets.append(route)
        route.on_message(self.hear)
        after = int(route.url.rpartition("after=")[2])
        for number in range(after + 1, self.last + 1):
            self.send(number)

    def send(self, number: int) -> None:
        self.sockets[-1].send(json.dumps({"sequence": number}))

    def hear(self, message: str | bytes) -> None:
        assert message == PING
        self.pings += 1
        if self.answers:
            self.sockets[-1].send(json.dumps({"kind": "pong"}))

    def wait_for_pings(self, page: Page, count: int) -> None:
        """Let the page's words arrive, and the answers to them."""
        for _ in range(MOST_LOOKS):
            page.evaluate("0")
            if self.pings >= count:
                break
        page.evaluate("0")
        assert self.pings == count


def start(page: Page) -> Feed:
    feed = Feed()
    page.route_web_socket("**/ws/test/**", feed.open)
    page.goto("/styleguide/")
    page.evaluate(LISTEN)
    return feed


def test_messages_come_in_order_and_only_once(page: Page) -> None:
    feed = start(page)
    expect(page.locator("#got")).to_have_text("3 4 ")
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")

    feed.send(4)
    feed.send(5)

    expect(page.locator("#got")).to_have_text("3 4 5 ")


def test_a_gap_is_filled_by_asking_again_from_the_last_number(page: Page) -> None:
    feed = start(page)
    expect(page.locator("#got")).to_have_text("3 4 ")

    feed.last = 7
    feed.send(7)

    expect(page.locator("#got")).to_have_text("3 4 5 6 7 ")
    assert len(feed.sockets) == 2


def test_a_lost_line_is_counted_down_and_taken_up_again(page: Page) -> None:
    page.clock.install()
    feed = start(page)
    expect(page.locator("#got")).to_have_text("3 4 ")

    feed.sockets[-1].close(code=1011)
    expect(page.locator("#conn b")).to_have_text("Reconnecting in 1 s")
    feed.last = 6
    page.clock.run_for(1_100)

    expect(page.locator("#got")).to_have_text("3 4 5 6 ")
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")

    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#conn b")).to_have_text("Reconnecting in 1 s")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")


def test_a_line_that_answers_nothing_any_more_is_not_called_live(page: Page) -> None:
    page.clock.install()
    feed = start(page)
    expect(page.locator("#got")).to_have_text("3 4 ")

    page.clock.run_for(19_000)
    feed.send(5)  # what comes by itself needs no question
    expect(page.locator("#got")).to_have_text("3 4 5 ")
    page.clock.run_for(19_000)
    feed.wait_for_pings(page, 0)
    page.clock.run_for(2_000)
    feed.wait_for_pings(page, 1)
    page.clock.run_for(15_000)
    assert len(feed.sockets) == 1
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")
    expect(page.locator("#got")).to_have_text("3 4 5 ")  # an answer is no message

    feed.answers, feed.last = False, 6
    page.clock.run_for(6_000)
    feed.wait_for_pings(page, 2)
    assert page.evaluate("window.states") == ["connecting", "open"]
    page.clock.run_for(12_000)
    expect(page.locator("#got")).to_have_text("3 4 5 6 ")
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")
    assert page.evaluate("window.states") == ["connecting", "open", "retry", "connecting", "open"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4403, "Updates paused, reload the page"),
        (4401, "You are signed out. Sign in to go on."),
    ],
)
def test_a_refused_connection_is_not_tried_forever(page: Page, code: int, words: str) -> None:
    feed = start(page)
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")

    feed.sockets[-1].close(code=code)

    expect(page.locator("#conn b")).to_have_text(words)
