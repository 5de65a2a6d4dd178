// Filters of a list: Back sets them as its address says; one that fails leaves the old results and says so above them.
const filters = document.getElementById("filters");
const failed = document.getElementById("list-error");

for (const name of ["htmx:responseError", "htmx:sendError"]) {
  if (failed) filters?.addEventListener(name, () => { failed.hidden = false; });
}
if (failed) filters?.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful) failed.hidden = true; });
failed?.querySelector("[data-list-retry]").addEventListener("click", () => globalThis.htmx.trigger(filters, "submit"));

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
