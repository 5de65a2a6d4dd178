"""The shared live socket: numbered messages, nothing twice, nothing missed."""

import json

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

LISTEN = """async () => {
  const { LiveSocket, showState } = await import("app/socket");
  document.body.insertAdjacentHTML("beforeend", '<p id="conn"><i></i><b></b></p><p id="got"></p>');
  window.live = new LiveSocket("/ws/test/", {
    after: 2,
    onMessage: (m) => { document.getElementById("got").textContent += `${m.sequence} `; },
    onState: showState(document.getElementById("conn")),
  });
}"""


class Feed:
    """The server's end of the wire, as the job consumer behaves: replay after N, then live."""

    def __init__(self) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.last = 4

    def open(self, route: WebSocketRoute) -> None:
        self.sockets.append(route)
        after = int(route.url.rpartition("after=")[2])
        for number in range(after + 1, self.last + 1):
            self.send(number)

    def send(self, number: int) -> None:
        self.sockets[-1].send(json.dumps({"sequence": number}))


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
