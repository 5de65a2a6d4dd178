// What htmx swaps takes the focus along. It goes to what does the same in the new content, or to that part.
import { openersOf } from "app/dialogs";

const CONTROLS = "a, button, input, select, textarea, summary";

const idsAround = (element) => {
  const found = [];
  for (let part = element.closest("[id]"); part; part = part.parentElement?.closest("[id]")) found.push(part.id);
  return found;
};
// Without the numbers: those count what the press has changed.
const words = (control) => (control.getAttribute("aria-label") ?? control.textContent).replace(/\d+/g, "").trim();
let lost = null;

// It comes before answers that swap nothing too (204, errors), which no settling follows.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const focused = document.activeElement;
  lost = null;
  if (!detail.shouldSwap || focused === document.body) return;
  const more = focused.closest(".more");
  lost = { focused, words: words(focused), ids: idsAround(focused), before: more?.previousElementSibling, list: more?.parentElement };
});

document.addEventListener("htmx:afterSettle", () => {
  if (lost && !lost.focused.isConnected && document.activeElement === document.body) heirs(lost).some(takesFocus);
  lost = null;
});

/** Whom the focus may go to, the best first: after "Load more" what came, else the same words in the same part. */
function heirs({ words: wanted, ids, before, list }) {
  if (list?.isConnected) return [(before?.nextElementSibling ?? list.firstElementChild)?.querySelector("a, button")];
  const [nearest] = ids;
  const same = [...document.querySelectorAll(`#${CSS.escape(nearest)} :is(${CONTROLS})`)].find((control) => words(control) === wanted);
  return [same, ...ids.flatMap((id) => [document.getElementById(id), ...openersOf(id)])];
}

/** A part of the page does too, unseen; what is closed or gone does not. */
export function takesFocus(place) {
  if (place && !place.matches(CONTROLS)) place.tabIndex = -1;
  place?.focus({ preventScroll: true });
  return document.activeElement === place;
}
