// The viewer: over the list it came from, or as a page of its own. One address a picture, one Back to leave.
import { openDialog } from "app/dialogs";
import { keep } from "app/kept";
import { isComposing, isTyping, register } from "app/shortcuts";
import { toast } from "app/toast";
import { pageData, word } from "app/words";

const FOLDED = "atelier:viewer-folded";
const SWIPE_PIXELS = 60;

// Looked up anew each time: going Back to an earlier filter puts others in their place.
const dialog = () => document.getElementById("viewer-dialog");
const place = () => document.getElementById("viewer-here");
const phone = matchMedia("(max-width: 820px)");
const listTitle = document.title;

let opened = ""; // Address of the picture that lies over the list; "" when none does.
let isLeaving = false; // The next popstate is our own way back to the list.

// On a phone the sheet starts low; elsewhere the panel is as it was left.
let isFolded = phone.matches || localStorage.getItem(FOLDED) === "yes";

const viewer = () => place()?.querySelector("[data-viewer]");
const absolute = (address) => new URL(address, location.href).href;

function fold(folded) {
  isFolded = folded;
  const element = viewer();
  if (!element) return;
  element.classList.toggle("folded", folded);
  for (const button of element.querySelectorAll("[data-viewer-panel]")) button.setAttribute("aria-expanded", String(!folded));
}

keep("viewer", () => fold(isFolded));

function toggleFold() {
  fold(!isFolded);
  if (!phone.matches) localStorage.setItem(FOLDED, isFolded ? "yes" : "no");
}

/** Load a picture into the viewer; false when the hub could not give it. */
async function show(address) {
  viewer()?.setAttribute("aria-busy", "true");
  const held = document.activeElement?.closest?.("[data-viewer-go]")?.dataset.viewerGo;
  await globalThis.htmx.ajax("GET", address, { target: place(), swap: "innerHTML", source: place() });
  const element = viewer();
  element?.removeAttribute("aria-busy");
  if (!element?.dataset.url || absolute(element.dataset.url) !== absolute(address)) return false;
  fold(isFolded);
  document.title = element.dataset.title;
  const target = (held && element.querySelector(`[data-viewer-go="${held}"]`)) || element.querySelector("[data-viewer-close]");
  target?.focus({ preventScroll: true });
  return true;
}

function cover(address) {
  opened = address;
  place().replaceChildren(document.getElementById("viewer-waiting").content.cloneNode(true));
  openDialog(dialog());
  return show(address);
}

async function openOver(link) {
  history.pushState({ viewer: true }, "", link.href);
  if (await cover(link.href)) return;
  leave();
  toast(word("no_answer"), { kind: "danger", retry: () => openOver(link) });
}

/** Move to a neighbour: the address changes in place, so that one Back leads to the list. */
async function go(direction) {
  const link = viewer()?.querySelector(`[data-viewer-go="${direction}"]`);
  if (!link || viewer().hasAttribute("aria-busy")) return;
  const address = link.href;
  if (!(await show(address))) return;
  if (dialog()) opened = address;
  history.replaceState({ viewer: true }, "", address);
}

function leave() {
  if (dialog()) dialog().close();
  else location.assign(viewer().querySelector("[data-viewer-close]").href);
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = dialog() && event.target.closest("[data-viewer-list] .shot > a");
  const step = event.target.closest("[data-viewer-go]");
  if (link) openOver(link);
  else if (step) go(step.dataset.viewerGo);
  else if (event.target.closest("[data-viewer-panel]")) return toggleFold();
  else if (dialog()?.open && event.target.closest("[data-viewer-close]")) leave();
  else return;
  event.preventDefault();
});

// Esc, the cross and leave() end here.
document.addEventListener("close", ({ target }) => {
  if (target !== dialog()) return;
  place().replaceChildren();
  document.title = listTitle;
  if (!opened) return;
  opened = "";
  isLeaving = true;
  history.back();
}, { capture: true }); // It does not bubble.

// Heard before htmx does: coming back from a picture must not load the list anew.
addEventListener("popstate", (event) => {
  const isPicture = Boolean(event.state?.viewer);
  if (!dialog() && !viewer()) return;
  if (dialog() && !isPicture && !isLeaving && !dialog().open) return;
  event.stopImmediatePropagation();
  if (!dialog()) location.reload(); // A picture's page that was reloaded over its list.
  else if (isPicture) cover(location.href);
  else if (dialog().open) {
    opened = "";
    dialog().close();
  }
  isLeaving = false;
}, { capture: true });

document.addEventListener("keydown", (event) => {
  if (!dialog()?.open || isComposing(event) || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const run = { ArrowLeft: () => go("previous"), ArrowRight: () => go("next"), i: toggleFold }[event.key];
  if (!run) return;
  event.preventDefault();
  run();
});

if (!dialog() && viewer()) {
  const words = pageData("viewer-words");
  register("ArrowLeft", words.previous, () => { go("previous"); });
  register("ArrowRight", words.next, () => { go("next"); });
  register("i", words.details, toggleFold);
  register("Escape", words.close, leave);
  fold(isFolded);
}

// A finger moves the picture away; a sheet that is scrolled is not a swipe.
let start = null;
document.addEventListener("touchstart", (event) => {
  start = event.touches.length === 1 && event.target.closest("[data-stage]") ? event.touches[0] : null;
}, { passive: true });
document.addEventListener("touchend", (event) => {
  if (!start) return;
  const { clientX, clientY } = event.changedTouches[0];
  const across = clientX - start.clientX;
  if (Math.abs(across) > SWIPE_PIXELS && Math.abs(across) > 2 * Math.abs(clientY - start.clientY)) go(across > 0 ? "previous" : "next");
  start = null;
}, { passive: true });
