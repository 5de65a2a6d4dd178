// One picture with a form: it is sent when it is chosen, its id then travels with the form.
import { UploadList } from "app/upload";

const fitted = new WeakSet();

function fit(field) {
  if (fitted.has(field)) return;
  fitted.add(field);
  const list = field.querySelector("ul");
  const input = field.querySelector('input[type="file"]');
  const id = field.querySelector('input[name="upload"]');
  const submit = field.closest("form").querySelector('button[type="submit"]');
  const pictures = new UploadList(list, {
    purpose: "image",
    onUploaded(upload) {
      id.value = upload;
    },
  });
  input.addEventListener("change", () => {
    list.replaceChildren();
    id.value = "";
    pictures.add([...input.files].slice(0, 1));
    input.value = "";
  });
  // A form sent while the picture moves would go without it.
  new MutationObserver(() => {
    submit.disabled = [...list.children].some((row) => ["waiting", "running"].includes(row.dataset.state));
    if (list.childElementCount === 0) id.value = "";
  }).observe(list, { childList: true, subtree: true, attributeFilter: ["data-state"] });
}

const fitAll = (root) => root.querySelectorAll("[data-picture-field]").forEach(fit);
fitAll(document);
document.addEventListener("htmx:load", ({ target }) => fitAll(target)); // a part that came later
