// Upload models, or the files of another version: the files go first, what came of them then travels with the form.
import { findHere, readHeader } from "app/known-files";
import { make } from "app/dom";
import { UploadList, dropZone } from "app/upload";

const form = document.getElementById("model-upload");
const separate = form.elements.separate; // not asked, nor the type, for another version of a model
const type = form.elements.type;

/** A file is with the hub: keep it for the form, in its row, so that the order is that of the list. */
function keep(value, file, row) {
  row.element.append(make("input", { type: "hidden", name: "upload", value }));
  showChoice();
}

/** Several files may be one model or several. */
function showChoice() {
  if (!separate) return;
  separate.closest(".field").hidden = form.querySelectorAll('input[name="upload"]').length < 2;
}

// Files that came with the page: named in its address, or kept while the form was refused.
form.querySelector("[data-forget]")?.addEventListener("click", ({ target }) => {
  for (const input of form.querySelectorAll('input[name="upload"]')) input.remove();
  target.closest(".note").remove();
  showChoice();
});

/** A file that was cut on its way here is refused before it is sent: on a slow line that may be hours. */
async function findWhole(file, options) {
  const facts = await readHeader(file);
  if (facts?.broken) throw new Error(facts.broken);
  return findHere(file, options);
}

/** Fill what is still empty with what the header of the first file says. */
async function fill(file) {
  const facts = await readHeader(file);
  const put = (name, value) => {
    const field = form.elements[name];
    if (field && value && !field.value) field.value = value;
  };
  put("name", facts?.title || file.name.replace(/\.[^.]+$/, "").replaceAll("_", " "));
  if (!facts || facts.broken) return;
  put("base_model", facts.base_model);
  put("trigger_words", facts.trigger_words.join(", "));
  put("tags", facts.tags.join(", "));
  put("description", facts.description);
  put("licence", facts.licence);
  if (type && facts.type && type.value === type.dataset.first) type.value = facts.type;
}

if (type) type.dataset.first = type.value;
const files = new UploadList(document.getElementById("upload-list"), {
  purpose: "model_file",
  before: findWhole,
  onHere: (hex, file, row) => keep(`sha256:${hex} ${file.name}`, file, row),
  onUploaded: keep,
  onRemoved: showChoice,
  onIdle: () => form.dataset.waits && !form.querySelector(".file[data-state=failed]") && form.requestSubmit(),
});
// Sent while files are on their way, the form waits for them.
form.addEventListener("submit", (event) => {
  delete form.dataset.waits;
  if (!files.isBusy) return;
  event.preventDefault();
  form.dataset.waits = "yes";
});
dropZone(document.getElementById("drop"), (chosen) => {
  if (chosen.length) fill(chosen[0]);
  files.add(chosen);
}, { wholeWindow: true });
showChoice();
