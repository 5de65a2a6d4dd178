// Keyboard: `/` search, `g` then a letter, `?` the list. Never while typing or while an input method chooses.
import { make } from "app/dom";
import { openDialog } from "app/dialogs";

const SEQUENCE = 1200;
const actions = new Map();
let pending = 0;

/** Whether an input method is choosing characters: every key belongs to it. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Whether the keys go into a field. */
export const isTyping = (target) =>
  target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|range|button|submit)$/.test(target.type));

/** Give a page a key: register("a", "Add a tag", run). It appears in the `?` list. */
export function register(key, description, run) {
  actions.set(key, run);
  const list = document.querySelector("[data-page-shortcuts]");
  if (!list || !description) return;
  list.hidden = false;
  list.append(make("dt", {}, description), make("dd", {}, make("kbd", {}, key)));
}

function go(letter) {
  const link = document.querySelector(`[data-go="${CSS.escape(letter)}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

function builtIn(key) {
  if (key === "/") {
    const field = [...document.querySelectorAll('[data-hotkey="/"]')].find((item) => item.checkVisibility());
    if (field) field.focus();
    else document.querySelector("a.quick")?.click();
    return true;
  }
  if (key !== "?") return false;
  const dialog = document.getElementById("shortcuts");
  if (dialog) openDialog(dialog);
  return Boolean(dialog);
}

function single(key, event) {
  if (Date.now() - pending < SEQUENCE) {
    pending = 0;
    if (go(key)) return true;
  }
  if (key === "g") {
    pending = Date.now();
    return false;
  }
  const run = actions.get(key);
  if (run) return run(event) !== false;
  return builtIn(key);
}

document.addEventListener("keydown", (event) => {
  if (isComposing(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (single(event.key, event)) event.preventDefault();
});

// Safari ends the composition before its Enter arrives; that Enter must not send the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && isComposing(event) && event.target.tagName === "INPUT") event.preventDefault();
}, true);
