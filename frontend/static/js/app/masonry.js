// Masonry with known ratios: each picture goes to the shortest column; what is placed never moves on append.

const GAP = 12;

function columnsFor(width) {
  if (width < 560) return 2;
  return Math.max(2, Math.floor((width + GAP) / (248 + GAP)));
}

function ratioOf(item) {
  const [width, height] = (item.dataset.ratio ?? "1:1").split(":").map(Number);
  return height / width;
}

/** Place the items of a `ul.masonry`; call again after appending. */
export function placeMasonry(list) {
  const count = columnsFor(list.clientWidth);
  const gap = list.clientWidth < 560 ? 8 : GAP;
  const width = (list.clientWidth - gap * (count - 1)) / count;
  const heights = new Array(count).fill(0);
  list.classList.add("placed");
  for (const item of list.children) {
    if (item.classList.contains("more")) {
      placeLast(item, Math.max(...heights), list.clientWidth);
      heights.fill(Math.max(...heights) + item.offsetHeight + gap);
      continue;
    }
    const column = heights.indexOf(Math.min(...heights));
    item.style.width = `${width}px`;
    item.style.transform = `translate(${column * (width + gap)}px, ${heights[column]}px)`;
    heights[column] += width * ratioOf(item) + gap;
  }
  list.style.height = `${Math.max(0, ...heights) - gap}px`;
}

function placeLast(item, top, width) {
  item.style.width = `${width}px`;
  item.style.transform = `translate(0, ${top}px)`;
}

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    if (target.dataset.width === String(contentRect.width)) continue;
    target.dataset.width = contentRect.width;
    placeMasonry(target);
  }
});

/** Take the places out of the markup: a kept copy of it may carry no inline style under our policy. */
function forget() {
  for (const list of document.querySelectorAll("ul.masonry")) {
    list.classList.remove("placed");
    delete list.dataset.width;
    for (const element of [list, ...list.children]) element.removeAttribute("style");
  }
}

function start(root) {
  for (const list of root.querySelectorAll("ul.masonry")) sizes.observe(list);
}

start(document);
document.addEventListener("htmx:beforeHistorySave", forget);
addEventListener("pagehide", forget, { capture: true });
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("ul.masonry").forEach(placeMasonry);
});
document.addEventListener("htmx:load", (event) => {
  const list = event.target.closest?.("ul.masonry");
  if (list) placeMasonry(list);
  else start(event.target);
});
