// The button at the foot of a filter sheet says how many it will show: what the list says of itself.

document.addEventListener("htmx:afterSettle", ({ target }) => {
  const words = target.querySelector?.("[data-show]")?.dataset.show;
  const button = words && document.querySelector(`[data-shows="${target.id}"]`);
  if (button) button.textContent = words;
});
