// Upload a model: the file goes first, its id then travels with the form.
import { UploadList, dropZone } from "app/upload";

const form = document.getElementById("model-upload");
const field = form.elements.upload;
const files = new UploadList(document.getElementById("upload-list"), {
  purpose: "model_file",
  onUploaded(id, file) {
    field.value = id;
    if (!form.elements.name.value) form.elements.name.value = file.name.replace(/\.[^.]+$/, "").replaceAll("_", " ");
  },
});
dropZone(document.getElementById("drop"), (chosen) => files.add(chosen.slice(0, 1)), { wholeWindow: true });
