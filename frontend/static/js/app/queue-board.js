// The queue board: the socket says that something changed, the page asks for the board again.
import { LiveSocket, showState } from "app/socket";

const EVERY_MS = 10_000;
let timer = 0;

let held = null;
let moves = 0; // begun so far
let moving = 0; // begun and not answered

// A row in the hand stays where it is until it is let go, and a board that is moved until it answers.
const refresh = () => !held && !moving && globalThis.htmx.trigger("#board", "refresh");

// A refresh that was asked for before a move shows the line as it was: its answer is left out, which
// would also take the board away that the move's answer goes to.
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target.id !== "board") return;
  if (detail.requestConfig.verb !== "get") [moves, moving] = [moves + 1, moving + 1];
  detail.requestConfig.moves = moves;
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.target?.id === "board" && detail.requestConfig.verb !== "get") moving -= 1;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "board" && detail.requestConfig.moves !== moves) detail.shouldSwap = false;
});

new LiveSocket("/ws/queue/", {
  onState: showState(document.getElementById("conn")),
  onMessage() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 300);
  },
});

// Progress of running jobs is not told to the queue; while the page is in sight it asks now and then.
setInterval(() => document.visibilityState === "visible" && refresh(), EVERY_MS);

const rowOf = (event) => event.target.closest?.(".qrow[data-number]");
const unmark = () => document.querySelectorAll(".over-top, .over-bottom").forEach((row) => row.classList.remove("over-top", "over-bottom"));
const isUpper = (event, row) => {
  const { top, height } = row.getBoundingClientRect();
  return event.clientY < top + height / 2;
};

/** The run before which a row is let go; "" is behind all of its line. */
function target(event, row) {
  if (isUpper(event, row)) return row.dataset.number;
  const line = [...document.querySelectorAll(`.qrow[data-line="${row.dataset.line}"]`)].filter((other) => other !== held);
  return line[line.indexOf(row) + 1]?.dataset.number ?? "";
}

document.addEventListener("dragstart", (event) => {
  held = rowOf(event);
  if (!held) return;
  held.classList.add("held");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", held.dataset.number);
});
document.addEventListener("dragover", (event) => {
  const row = rowOf(event);
  unmark();
  if (!held || !row || row === held || row.dataset.line !== held.dataset.line) return;
  event.preventDefault();
  row.classList.add(isUpper(event, row) ? "over-top" : "over-bottom");
});
document.addEventListener("drop", (event) => {
  const row = rowOf(event);
  if (!held || !row || row === held || row.dataset.line !== held.dataset.line) return;
  event.preventDefault();
  const values = { before: target(event, row) };
  globalThis.htmx.ajax("POST", held.dataset.move, { target: "#board", swap: "outerHTML", values });
});
document.addEventListener("dragend", () => {
  held?.classList.remove("held");
  held = null;
  unmark();
});

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const which = { ArrowUp: "[data-up]", ArrowDown: "[data-down]" }[event.key];
  const row = which && rowOf(event);
  if (!row) return;
  event.preventDefault();
  row.querySelector(which)?.click();
});
