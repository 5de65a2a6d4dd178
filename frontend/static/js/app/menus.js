// Popover menus: browsers without anchor positioning get their place here; arrows move inside.

const needsPlace = !CSS.supports("position-area", "block-end");

function place(menu) {
  const opener = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (!opener) return;
  const box = opener.getBoundingClientRect();
  menu.style.top = `${box.bottom}px`;
  menu.style.left = `${Math.max(16, Math.min(box.right, innerWidth - 16) - menu.offsetWidth)}px`;
}

document.addEventListener("toggle", (event) => {
  if (event.newState === "open" && needsPlace && event.target.matches?.(".menu,.tip")) place(event.target);
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu") ?? openedBy(event.target);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !step) return;
  const items = [...menu.querySelectorAll("a, button")].filter((item) => item.checkVisibility());
  const at = items.indexOf(document.activeElement);
  const from = at < 0 && step < 0 ? 0 : at;
  items.at((from + step) % items.length)?.focus();
  event.preventDefault();
});

function openedBy(opener) {
  const menu = opener.popoverTargetElement;
  return menu?.matches(":popover-open") ? menu : null;
}
