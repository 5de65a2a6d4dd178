// Changes made before the page's scripts listened: compare each control with what was rendered.

const isChanged = (control) =>
  control.type === "radio" || control.type === "checkbox"
    ? control.checked !== control.defaultChecked
    : "defaultValue" in control && control.value !== control.defaultValue;

/** Controls below `root` that differ from the HTML the server sent. */
export const changedControls = (root) =>
  [...root.querySelectorAll("input:not([type=hidden]), textarea")].filter(isChanged);

/** Tell htmx what it missed below each of `roots`: one event each, as if it happened now. */
export function catchUp(...roots) {
  const tell = () => {
    for (const { root, event } of roots) {
      const missed = root ? changedControls(root) : [];
      const control = missed.find((other) => other.checked) ?? missed[0];
      if (!control) continue;
      control.dispatchEvent(new Event(event, { bubbles: true }));
      return; // the first request carries the whole form
    }
  };
  // htmx starts at DOMContentLoaded and registered before us, so it listens by then.
  if (document.readyState === "complete") tell();
  else document.addEventListener("DOMContentLoaded", tell, { once: true });
}
