// Toasts: six seconds, and they stay while hovered or focused.
import { icon, make } from "app/dom";
import { word } from "app/words";

const LIFE = 6000;
const ICONS = { danger: "circle-alert", ok: "circle-check" };

function holder() {
  let box = document.getElementById("toasts");
  if (!box) {
    box = make("div", { id: "toasts", class: "toasts", "aria-live": "polite" });
    document.body.append(box);
  }
  return box;
}

/** Let a toast go after its time, but never from under a hand or the keyboard. */
function live(element) {
  let timer;
  const stop = () => clearTimeout(timer);
  const start = () => {
    stop();
    timer = setTimeout(() => element.remove(), LIFE);
  };
  element.addEventListener("pointerenter", stop);
  element.addEventListener("focusin", stop);
  element.addEventListener("pointerleave", start);
  element.addEventListener("focusout", start);
  start();
}

function action(element, label, symbol, run) {
  const button = make("button", { class: "btn quiet sm", type: "button" }, icon(symbol), label);
  button.addEventListener("click", () => {
    element.remove();
    run();
  });
  return button;
}

/** Show a sentence; with `undo` or `retry` it has that button. Returns a function that takes it away. */
export function toast(text, { kind = "", undo, retry, signIn } = {}) {
  const box = holder();
  const element = make("div", { class: `toast ${kind}`.trim(), role: kind === "danger" && "alert" });
  if (ICONS[kind]) element.append(icon(ICONS[kind]));
  element.append(make("span", {}, text));
  if (undo) element.append(action(element, word("undo"), "undo-2", undo));
  if (retry) element.append(action(element, word("retry"), "rotate-ccw", retry));
  if (signIn) element.append(action(element, word("sign_in"), "log-in", signIn));
  while (box.children.length > 2) box.firstElementChild.remove();
  box.append(element);
  live(element);
  return () => element.remove();
}

// Toasts that the server printed into the page live and go the same way.
for (const element of document.querySelectorAll("#toasts > .toast")) live(element);
