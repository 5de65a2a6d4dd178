// A preview grid: a cell opens large, arrows go to its neighbours without leaving the picture.
import { openDialog } from "app/dialogs";

const $ = (id) => document.getElementById(id);
let current = "";

/** Cells of the table around a cell, by row and column as they are seen. */
function neighbours(cell) {
  const rows = [...cell.closest("tbody").rows].map((row) => [...row.querySelectorAll("td:not(.gbase) .gcell")]);
  const at = rows.findIndex((row) => row.includes(cell));
  return { rows, at, across: at < 0 ? -1 : rows[at].indexOf(cell) };
}

function show(cell) {
  current = cell.id;
  const picture = $("enlarged-picture");
  picture.src = cell.dataset.large;
  picture.alt = cell.dataset.label;
  $("enlarged-label").textContent = cell.dataset.label;
  const use = $("enlarged-use"); // not on comparisons, where nothing is published from
  if (!use) return;
  use.hidden = !cell.dataset.use;
  if (cell.dataset.use) use.href = cell.dataset.use;
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("a.gcell");
  if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(cell);
  openDialog($("enlarged"));
});

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

$("enlarged").addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const cell = $(current);
  if (!step || !cell) return;
  const { rows, at, across } = neighbours(cell);
  const next = at < 0 ? null : rows[at + step[0]]?.[across + step[1]];
  if (next?.dataset.large) show(next);
  event.preventDefault();
});

// New cells come as a new table: it stays where the reader had scrolled it.
let places = [];
const tables = () => [...document.querySelectorAll(".gtable")];
document.addEventListener("htmx:beforeSwap", () => { places = tables().map((table) => [table.scrollLeft, table.scrollTop]); });
document.addEventListener("htmx:afterSwap", () => {
  for (const [number, table] of tables().entries()) [table.scrollLeft, table.scrollTop] = places[number] ?? [0, 0];
});
