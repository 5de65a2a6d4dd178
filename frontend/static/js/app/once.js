// A form that makes something is sent once, however often its button is pressed meanwhile.
const FORGET_MS = 8000; // an answer that opened no page, such as a download or a lost line

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return; // a script or htmx sends it by itself
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true"); // the answer may take seconds
  setTimeout(() => forget(form), FORGET_MS);
});

function forget(form) {
  delete form.dataset.sent;
  for (const button of form.elements) button.removeAttribute("aria-busy");
}

// Back shows the page as it was left, mark included.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) forget(form);
});
