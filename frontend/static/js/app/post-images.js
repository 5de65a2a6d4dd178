// Posting pictures: every file is sent and looked at by itself; the post takes those that are fine.
import { dropZone, UploadList } from "app/upload";
import { icon, make } from "app/dom";
import { fill, pageData, word } from "app/words";

const words = pageData("post-words");
const form = document.getElementById("post");
const list = document.getElementById("files-list");
const field = form.elements.uploads;
const button = document.getElementById("post-send");
const state = document.getElementById("post-state");
const most = Number(form.dataset.maxImages);

const rows = () => [...list.children];
const arrived = () => rows().filter((row) => row.dataset.upload);
const isMoving = (row) => row.dataset.state !== "failed" && !row.dataset.upload;

function sentence() {
  const ready = arrived().length;
  if (rows().some(isMoving)) return words.waiting;
  if (ready > most) return fill(words.too_many, { most, count: ready });
  return ready ? fill(ready === 1 ? words.ready_one : words.ready, { count: ready }) : words.none;
}

/** The form knows the ids in the order of the rows; the button can be pressed when all have arrived. */
function refresh() {
  const ready = arrived();
  field.value = ready.map((row) => row.dataset.upload).join(",");
  button.disabled = ready.length === 0 || ready.length > most || rows().some(isMoving);
  state.textContent = sentence();
}

/** What the hub found in the file, in its row; a picture that cannot be shown is not posted. */
async function look(id, _file, row) {
  row.state.textContent = words.looking;
  const response = await fetch(`${form.dataset.check}?upload=${encodeURIComponent(id)}`, { headers: { "HX-Request": "true" } });
  if (!response.ok) throw new Error(word("no_answer"));
  const holder = make("div");
  holder.innerHTML = await response.text(); // Our own template, escaped by the hub.
  const isBad = holder.querySelector("[data-error]") !== null;
  row.state.replaceWith(...holder.childNodes);
  row.element.dataset.state = isBad ? "failed" : "done";
  if (!isBad) row.element.dataset.upload = id;
  refresh();
}

function accept(file) {
  return file.size > Number(form.dataset.maxBytes) ? word("upload_too_big") : "";
}

const uploads = new UploadList(list, { purpose: "image", onUploaded: look, accept });

function take(files) {
  const before = list.childElementCount;
  uploads.add(files);
  rows().slice(before).forEach((row, index) => row.prepend(peek(files[index])));
}

/** The picture itself beside its bar, straight from the disk. */
function peek(file) {
  const address = URL.createObjectURL(file);
  const image = make("img", { class: "peek", alt: "", width: 72, height: 72, src: address });
  image.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
  image.addEventListener("error", () => {
    URL.revokeObjectURL(address);
    image.replaceWith(make("span", { class: "peek none" }, icon("image-off")));
  }, { once: true });
  return image;
}

// A post that was refused comes back with its pictures.
const before = field.value.split(",").filter(Boolean);
before.forEach((id, index) => {
  uploads.addArrived(id, fill(words.before, { number: index + 1 })).catch(() => {});
  list.lastElementChild.prepend(make("span", { class: "peek none" }, icon("image")));
});

dropZone(document.getElementById("drop"), take, { wholeWindow: true });
new MutationObserver(refresh).observe(list, { childList: true, subtree: true, attributeFilter: ["data-state", "data-upload"] });
refresh();
