// Roving focus for [role=tablist] and for groups of pressed buttons (.seg[data-seg]).

const STEP = { ArrowRight: 1, ArrowLeft: -1 };

/** Show one tab's panel and hide the others. */
export function selectTab(tab) {
  const list = tab.closest('[role="tablist"]');
  for (const other of list.querySelectorAll('[role="tab"]')) {
    const isOn = other === tab;
    other.setAttribute("aria-selected", isOn);
    other.tabIndex = isOn ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !isOn;
  }
  tab.dispatchEvent(new CustomEvent("tabchange", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest('button[role="tab"]');
  if (tab) return selectTab(tab);
  const part = event.target.closest("[data-seg] > button");
  if (!part) return undefined;
  for (const other of part.parentElement.children) other.setAttribute("aria-pressed", other === part);
  part.dispatchEvent(new CustomEvent("segchange", { bubbles: true, detail: { value: part.value } }));
  return undefined;
});

document.addEventListener("keydown", (event) => {
  const list = event.target.closest?.('[role="tablist"]');
  if (!list || (!STEP[event.key] && event.key !== "Home" && event.key !== "End")) return;
  const tabs = [...list.querySelectorAll('[role="tab"]:not(:disabled)')];
  const at = tabs.indexOf(event.target);
  const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : (at + STEP[event.key] + tabs.length) % tabs.length;
  event.preventDefault();
  tabs[next].focus();
  if (tabs[next].tagName === "BUTTON") selectTab(tabs[next]);
});
