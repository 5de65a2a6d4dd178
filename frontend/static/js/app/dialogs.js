// Native dialogs: [data-open=id] opens, [data-close] closes; focus goes back to the opener.

const openers = new WeakMap();

/** Open a dialog by element; Esc and a click beside it close it. */
export function openDialog(dialog, opener = document.activeElement) {
  openers.set(dialog, opener);
  if (!dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.open);
    if (dialog) openDialog(dialog, opener);
    return;
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  else if (event.target.matches?.("dialog.dialog, dialog.sheet") && isOutside(event)) event.target.close();
});

function isOutside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

// The close event does not bubble, so it is caught on its way down.
document.addEventListener("close", (event) => openers.get(event.target)?.focus?.(), true);
