// A form that came back: the first field to correct has the focus, and each sentence about one leads to it.

/** Put the focus on a control, with whatever is folded around it opened. */
function goTo(control) {
  for (let fold = control.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  const target = control.matches("fieldset") ? control.querySelector("input") : control;
  target?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-go]");
  const control = link && document.getElementById(link.hash.slice(1));
  if (!control) return;
  event.preventDefault(); // no place in the history: the form is where it was
  goTo(control);
});

// A browser leaves `autofocus` alone where it is folded away.
const first = document.querySelector("main form [autofocus]");
if (first && !location.hash && document.activeElement !== first) goTo(first);
