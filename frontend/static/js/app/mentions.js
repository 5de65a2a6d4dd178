// "@" and the first letters of a name in a text: a list of people under it. Without script, a text.
import { announce, make } from "app/dom";
import { isComposing } from "app/shortcuts";

const BEGUN = /(?:^|[^\p{L}\p{N}_@/.-])@([\p{L}\p{N}_.-]{1,150})$/u;
const REST_MS = 120;
let open = null; // { text, list, start }
let asked = null;
let timer = 0;

const options = () => [...open.list.children];
const chosen = () => open.list.querySelector("[aria-selected=true]");

function begun(text) {
  const before = text.value.slice(0, text.selectionStart);
  return text.selectionStart === text.selectionEnd ? BEGUN.exec(before)?.[1] ?? "" : "";
}

function listOf(text) {
  const id = `${text.id}-people`;
  const known = document.getElementById(id);
  if (known) return known;
  const list = make("ul", { id, class: "menu people", role: "listbox", popover: "manual", "aria-label": text.dataset.mentionsLabel });
  text.after(list);
  text.setAttribute("aria-autocomplete", "list");
  text.setAttribute("aria-controls", id);
  return list;
}

function close() {
  clearTimeout(timer);
  asked?.abort();
  if (!open) return;
  open.text.removeAttribute("aria-activedescendant");
  if (open.list.isConnected) open.list.hidePopover();
  open = null;
}

function mark(option) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  open.text.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function show(text, name, people) {
  if (!people.length) return close();
  const list = listOf(text);
  list.replaceChildren(...people.map((person, at) => make(
    "li", { id: `${list.id}-${at}`, role: "option", "data-name": person.username },
    make("b", {}, `@${person.username}`), person.name === person.username ? null : make("span", { class: "muted" }, person.name),
  )));
  open = { text, list, start: text.selectionStart - name.length };
  if (!list.matches(":popover-open")) {
    list.showPopover();
    announce(list.getAttribute("aria-label"));
  }
  const box = text.getBoundingClientRect();
  const below = box.bottom + list.offsetHeight < innerHeight;
  list.style.top = `${below ? box.bottom : Math.max(0, box.top - list.offsetHeight - 12)}px`;
  list.style.left = `${Math.max(16, Math.min(box.left, innerWidth - list.offsetWidth - 16))}px`;
  mark(list.firstElementChild);
}

async function look(text) {
  const name = begun(text);
  if (!name) return close();
  asked?.abort();
  asked = new AbortController();
  try {
    const address = `${text.dataset.mentions}?q=${encodeURIComponent(name)}`;
    const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: asked.signal });
    const { items } = answer.ok ? await answer.json() : { items: [] };
    if (document.activeElement === text && begun(text) === name) show(text, name, items);
  } catch (error) {
    if (error.name !== "AbortError") close(); // names are an offer: the text goes on without
  }
}

function take(option) {
  const { text, start } = open;
  text.setRangeText(`${option.dataset.name} `, start, text.selectionStart, "end");
  close();
  text.focus();
}

document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-mentions]") || isComposing(event)) return;
  clearTimeout(timer);
  timer = setTimeout(look, REST_MS, event.target);
});

document.addEventListener("keydown", (event) => {
  if (!open || event.target !== open.text || isComposing(event)) return;
  const all = options();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark(all.at((all.indexOf(chosen()) + step) % all.length));
  else if (event.key === "Enter" || event.key === "Tab") take(chosen());
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("pointerdown", (event) => {
  const option = open && event.target.closest?.("[role=option]");
  if (!option || !open.list.contains(option)) return;
  event.preventDefault(); // the text keeps the caret
  take(option);
});

document.addEventListener("focusout", (event) => {
  if (event.target === open?.text) close();
});
document.addEventListener("scroll", (event) => {
  if (open && event.target.contains?.(open.text) && !open.list.contains(event.target)) close();
}, { capture: true, passive: true });
