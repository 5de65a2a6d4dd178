// Filters of a list: Back sets them as its address says; one that fails leaves the old results and says so above them.
// Both are looked up anew each time: going Back puts others in their place.
const showFailure = (isShown) => ({ target, detail }) => {
  const failed = document.getElementById("list-error");
  if (failed && target.closest?.("#filters") && (isShown || detail.successful)) failed.hidden = !isShown;
};
for (const name of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(name, showFailure(true));
document.addEventListener("htmx:afterOnLoad", showFailure(false));
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-list-retry]")) globalThis.htmx.trigger("#filters", "submit");
});

// A kept copy of a page has no ticks of its reader. The order is part of the list.
document.addEventListener("htmx:historyRestore", () => {
  const asked = new URLSearchParams(location.search);
  for (const control of document.getElementById("filters")?.elements ?? []) {
    if (control.name && control.name !== "sort") follow(control, asked.getAll(control.name));
  }
});

function follow(control, values) {
  if (control.type === "checkbox") control.checked = values.includes(control.value);
  else if (control.matches("select")) control.value = values[0] ?? control.options[0].value;
  else if (control.type !== "hidden" && control.matches("input")) control.value = values[0] ?? "";
}
