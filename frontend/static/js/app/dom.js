// Small things every module needs: building elements without HTML strings, icons, live region.

/** An svg icon of the sprite; hidden from readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Show another icon of the sprite; returns the name it had. */
export function setIcon(svg, name) {
  const use = svg.querySelector("use");
  const [sheet, old] = use.getAttribute("href").split("#");
  use.setAttribute("href", `${sheet}#${name}`);
  return old;
}

/** An element with attributes (false and null are left out) and children (text or nodes). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Move a progress bar made by the meter component. */
export function setMeter(meter, value, maximum) {
  const percent = maximum > 0 ? Math.min(100, (100 * value) / maximum) : 0;
  meter.querySelector("rect").setAttribute("width", `${percent.toFixed(1)}%`);
  meter.setAttribute("aria-valuenow", value);
  meter.setAttribute("aria-valuemax", maximum);
}

/** A progress bar like the meter component. */
export function makeMeter(label) {
  const meter = make("div", { class: "meter", role: "progressbar", "aria-label": label, "aria-valuemin": 0 });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  bar.setAttribute("class", "fill");
  bar.setAttribute("height", "100%");
  svg.append(bar);
  meter.append(svg);
  setMeter(meter, 0, 100);
  return meter;
}

let waiting = "";
let lastSaid = 0;

/** Tell screen readers something, politely; with a pause (ms), at most one message in it. */
export function announce(text, pause = 0) {
  const region = document.getElementById("live");
  if (!region) return;
  const rest = lastSaid + pause - Date.now();
  if (rest <= 0) {
    lastSaid = Date.now();
    region.textContent = text;
    return;
  }
  const isScheduled = waiting !== "";
  waiting = text;
  if (isScheduled) return;
  setTimeout(() => {
    lastSaid = Date.now();
    region.textContent = waiting;
    waiting = "";
  }, rest);
}
