// The number beside Queue. A plain request now and then: an open socket would keep lists out of the Back cache.

const EVERY = 20_000;
// Looked up anew each time: going Back to an earlier filter puts another in its place.
const shown = () => document.getElementById("queue-count");

/** Show a number of jobs; `label` is the whole sentence for readers. */
export function showCount(number, label) {
  const count = shown();
  if (!count) return;
  count.textContent = number;
  count.hidden = number === 0;
  if (label) count.setAttribute("aria-label", label);
}

async function ask() {
  if (document.visibilityState !== "visible") return;
  try {
    const response = await fetch(shown().dataset.url, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const { count: number, label } = await response.json();
    showCount(number, label);
  } catch {
    // No answer: the old number stays, the next turn asks again.
  }
}

if (shown()) {
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
}
