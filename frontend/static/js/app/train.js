// The wizard: choices bring settings, and nothing that was clicked or typed meanwhile is lost.
import { catchUp } from "app/early-changes";

const find = (selector) => document.querySelector(selector);
catchUp({ root: find("[data-choices]"), event: "change" }, { root: find("#settings"), event: "input" });

// Each step has its address, the first one too: Back leads to the choices that were there.
if (!new URLSearchParams(location.search).has("preset")) {
  history.replaceState(history.state, "", find("#choices").dataset.address);
}

const fields = () => [...document.querySelectorAll("#settings :is(input, textarea)")];
const valuesNow = () => new Map(fields().map((field) => [field.name, field.value]));
let sent = null;

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target?.id === "choices") sent = valuesNow();
});

// What was typed while the answer was on its way goes into the new form, and open stays open.
let typed = [];
let isOpen = false;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target?.id !== "choices" || !sent) return;
  typed = [...valuesNow()].filter(([name, value]) => sent.has(name) && sent.get(name) !== value);
  sent = null;
  isOpen = Boolean(find("#settings details")?.open);
});
document.addEventListener("htmx:load", () => {
  if (isOpen) find("#settings details")?.setAttribute("open", "");
  const late = typed;
  typed = [];
  for (const [name, value] of late) {
    const field = fields().find((other) => other.name === name);
    if (!field) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
