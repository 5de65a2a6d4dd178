// The weight slider: its number and its prompt tag follow. Markup: .weight > input.range[data-weight].
document.addEventListener("input", (event) => {
  const { weight, tag } = event.target.dataset ?? {};
  if (weight === undefined) return;
  const value = Number(event.target.value);
  const output = document.getElementById(weight);
  if (output) output.value = value.toFixed(2);
  const target = tag ? document.querySelector(tag) : null;
  if (target) target.textContent = target.dataset.template.replace("{weight}", String(value));
});
