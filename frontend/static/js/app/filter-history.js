// Back brings the list of before; its filters follow the address, since a kept copy has no ticks of a reader.

function follow(control, asked) {
  const values = asked.getAll(control.name);
  if (control.type === "checkbox") control.checked = values.includes(control.value);
  else if (control.matches("select")) control.value = values[0] ?? control.options[0].value;
  else if (control.type !== "hidden" && control.matches("input")) control.value = values[0] ?? "";
}

document.addEventListener("htmx:historyRestore", () => {
  const asked = new URLSearchParams(location.search);
  for (const control of document.getElementById("filters")?.elements ?? []) {
    if (control.name && control.name !== "sort") follow(control, asked); // the order is part of the list
  }
});
