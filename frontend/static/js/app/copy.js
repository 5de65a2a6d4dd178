// One delegated handler for every [data-copy] and [data-copy-from] button.
import { announce, setIcon } from "app/dom";
import { toast } from "app/toast";
import { word } from "app/words";

const SHOWN = 1600;

/** Put text on the clipboard. A hub on a LAN is often plain http, where navigator.clipboard is missing; a browser may also refuse it. */
export async function copyText(text) {
  if (navigator.clipboard && isSecureContext) {
    const isDone = await navigator.clipboard.writeText(text).then(() => true, () => false);
    if (isDone) return;
  }
  copySelected(text);
}

function copySelected(text) {
  const opener = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.setAttribute("readonly", "");
  box.className = "vh";
  // A modal dialog makes the rest of the page inert: the box must be inside it.
  (opener?.closest("dialog[open]") ?? document.body).append(box);
  box.select();
  const isDone = document.execCommand("copy");
  box.remove();
  opener?.focus({ preventScroll: true });
  if (!isDone) throw new Error("copy refused");
}

function textOf(button) {
  if (button.dataset.copy !== undefined) return button.dataset.copy;
  const source = document.querySelector(button.dataset.copyFrom);
  return (source?.value ?? source?.textContent ?? "").trim();
}

function showDone(button) {
  const svg = button.querySelector("svg.i");
  if (button.classList.contains("copied") || !svg) return;
  button.classList.add("copied");
  const old = setIcon(svg, "check");
  setTimeout(() => {
    button.classList.remove("copied");
    setIcon(svg, old);
  }, SHOWN);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy],[data-copy-from]");
  if (!button) return;
  event.preventDefault();
  const text = textOf(button);
  try {
    await copyText(text);
  } catch {
    toast(word("copy_failed"), { kind: "danger" });
    return;
  }
  announce(word("copied", { text: text.slice(0, 80) }));
  showDone(button);
});
