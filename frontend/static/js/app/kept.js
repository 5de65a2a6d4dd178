// What a reader has folded, and typed but not sent, stays as it is while htmx draws its part anew.
const kept = new Map(); // id → what makes the new element as the reader left the old one
const FIELDS = ":is(textarea, input:not([type]), input[type=text], input[type=number])[id]";
let typed = [];

/** From now on, whenever the element `#id` may have come anew, `put` is called with it. */
export function keep(id, put) {
  kept.set(id, put);
}

document.addEventListener("click", ({ target }) => {
  const fold = target.closest("summary")?.closest("details[id]");
  if (!fold) return;
  const open = !fold.open; // the click is about to turn it
  keep(fold.id, (element) => { element.open = open; });
});

// What was sent is done: its field is as the hub has it, and what it was folded into closes.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const sent = detail.requestConfig.elt;
  if (sent.matches("form")) for (let fold = sent.closest("details"); fold; fold = fold.parentElement.closest("details")) kept.delete(fold.id);
  typed = [...document.querySelectorAll(FIELDS)].filter((field) => field.form !== sent && field.value !== field.defaultValue);
});

function putBack() {
  for (const [id, put] of kept) {
    const element = document.getElementById(id);
    if (element) put(element);
  }
  for (const field of typed) {
    const heir = document.getElementById(field.id);
    if (!heir || heir === field || heir.value !== heir.defaultValue) continue;
    heir.value = field.value;
    if (heir === document.activeElement) heir.setSelectionRange(field.selectionStart, field.selectionEnd);
  }
}

document.addEventListener("htmx:afterSwap", putBack);
// While it settles, htmx gives an element that kept its id the classes that the hub sent.
document.addEventListener("htmx:afterSettle", putBack);
