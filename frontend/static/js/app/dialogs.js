// Native dialogs: [data-open=id] opens, [data-close] closes; focus goes back to the opener.

const openers = new WeakMap();

/** Open a dialog by element; Esc and a click beside it close it. */
export function openDialog(dialog, opener = document.activeElement) {
  openers.set(dialog, opener);
  if (!dialog.open) dialog.showModal();
  bring(dialog);
}

/** Messages go where they are heard and pressed: outside the dialog that is open, all is inert. */
function bring(place) {
  place.append(...document.querySelectorAll("#live, #toasts"));
}

/** The button that opens a part, and that of the menu which holds the button. */
export function openersOf(id) {
  const opener = find(id);
  const menu = opener?.closest("[popover]");
  return menu ? [opener, find(menu.id)] : [opener];
}

const find = (id) => document.querySelector(`[data-open="${CSS.escape(id)}"], [popovertarget="${CSS.escape(id)}"]:not([popovertargetaction="hide"])`);

document.addEventListener("click", (event) => {
  if (event.target.closest("[command]")) event.preventDefault(); // what the browser does where there is no script
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
document.addEventListener("close", ({ target }) => {
  if (!target.matches("dialog")) return;
  bring([...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body);
  openers.get(target)?.focus?.();
  if (document.activeElement === document.body) openersOf(target.id).at(-1)?.focus();
}, true);

// A part that is swapped takes its dialogs along, but no message.
for (const name of ["htmx:beforeSwap", "htmx:oobBeforeSwap"]) {
  document.addEventListener(name, ({ detail }) => {
    if (detail.target.contains(document.getElementById("live"))) bring(document.body);
  });
}
