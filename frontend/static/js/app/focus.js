// What htmx swaps takes the focus along. It goes to what does the same in the new content, or to that part.

const parts = (element) => {
  const found = [];
  for (let part = element.closest("[id]"); part; part = part.parentElement?.closest("[id]")) found.push(part.id);
  return found;
};
const words = (control) => `${control.tagName} ${control.getAttribute("aria-label") ?? control.textContent.trim()}`;
let lost = null;

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const focused = document.activeElement;
  if (focused === document.body || !detail.target.contains(focused)) return;
  const more = focused.closest(".more");
  lost = { words: words(focused), parts: parts(focused), before: more?.previousElementSibling, list: more?.parentElement };
});

document.addEventListener("htmx:afterSettle", () => {
  if (lost && document.activeElement === document.body) heir(lost)?.focus({ preventScroll: true });
  lost = null;
});

/** The first of what came for "Load more"; else the control with the same words, in the same part of the page. */
function heir({ words: wanted, parts: [nearest, ...wider], before, list }) {
  if (list?.isConnected) return (before?.nextElementSibling ?? list.firstElementChild)?.querySelector("a, button");
  const place = document.getElementById(nearest);
  const same = [...(place?.querySelectorAll("a, button, summary") ?? [])].find((control) => words(control) === wanted);
  if (same) return same;
  const part = place ?? wider.map((id) => document.getElementById(id)).find(Boolean);
  if (part && !part.matches("a, button, input, select, textarea")) part.tabIndex = -1;
  return part;
}
