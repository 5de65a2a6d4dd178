// Long lists: five fetches by themselves, then the button. Back finds the list and the place as they were.

const AUTOMATIC = 5;
const KEEP_BYTES = 2_000_000;
const fetched = new WeakMap();

const listOf = (more) => more.closest("[data-infinite]");
const key = (list) => `list:${list.id}:${location.pathname}${location.search}`;

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) load(target);
  }
}, { rootMargin: "800px 0px" });

function load(more) {
  near.unobserve(more);
  const list = listOf(more);
  const times = fetched.get(list) ?? 0;
  if (times >= AUTOMATIC) return;
  fetched.set(list, times + 1);
  more.querySelector("a").click();
}

function watch(root) {
  const found = root.matches?.(".more") ? [root] : root.querySelectorAll("[data-infinite] .more");
  for (const more of found) if (listOf(more)) near.observe(more);
}

function remember() {
  for (const list of document.querySelectorAll("[data-infinite]")) {
    if (!fetched.get(list)) continue;
    const kept = JSON.stringify({ html: list.innerHTML, times: fetched.get(list), top: scrollY });
    if (kept.length < KEEP_BYTES) sessionStorage.setItem(key(list), kept);
  }
}

function restore() {
  const [visit] = performance.getEntriesByType("navigation");
  for (const list of document.querySelectorAll("[data-infinite]")) {
    const kept = sessionStorage.getItem(key(list));
    sessionStorage.removeItem(key(list));
    if (!kept || visit?.type !== "back_forward") continue;
    const { html, times, top } = JSON.parse(kept);
    list.innerHTML = html;
    fetched.set(list, times);
    globalThis.htmx?.process(list);
    scrollTo({ top, behavior: "instant" });
  }
}

restore();
watch(document.body);
addEventListener("pagehide", remember);
document.addEventListener("htmx:load", (event) => watch(event.target));
