// The queue board: the socket says that something changed, the page asks for the board again.
import { LiveSocket, showState } from "app/socket";

const EVERY_MS = 10_000;
let timer = 0;

const refresh = () => globalThis.htmx.trigger("#board", "refresh");

new LiveSocket("/ws/queue/", {
  onState: showState(document.getElementById("conn")),
  onMessage() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 300);
  },
});

// Progress of running jobs is not told to the queue; while the page is in sight it asks now and then.
setInterval(() => document.visibilityState === "visible" && refresh(), EVERY_MS);
