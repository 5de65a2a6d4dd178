// Pictures of a version: each is sent, then given to the version; the page shows them when all are in.
import { send } from "app/http";
import { UploadList, dropZone } from "app/upload";

const section = document.getElementById("pictures");
const list = document.getElementById("upload-list");

/** Reload when every row has arrived; rows that failed stay to be read. */
function showWhenDone() {
  if ([...list.children].every((row) => row.dataset.taken)) location.reload();
}

const pictures = new UploadList(list, {
  purpose: "image",
  async onUploaded(id, _file, row) {
    await send(section.dataset.add, { body: new URLSearchParams({ upload: id }) });
    row.element.dataset.taken = "1";
    showWhenDone();
  },
});
dropZone(document.getElementById("drop"), (files) => pictures.add(files));
