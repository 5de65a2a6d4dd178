// Import into a dataset: files, folders and zips; each file has its own bar, then the hub's report follows.
import { UploadList, pathOf } from "app/upload";
import { send } from "app/http";

const QUIET = 600;
const JUNK = /(^|\/)\.|__MACOSX|Thumbs\.db$/;

/** Remember the folders of a file: `20_name/a.png` repeats its picture 20 times. */
const withPath = (file, path) => Object.defineProperty(file, "relativePath", { value: path });

async function filesOf(entry, path = "") {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [withPath(file, path + file.name)];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return found;
    for (const child of part) found.push(...await filesOf(child, `${path}${entry.name}/`));
  }
}

function start(zone) {
  let timer;
  const refresh = () => {
    clearTimeout(timer);
    timer = setTimeout(() => globalThis.htmx.ajax("GET", location.pathname, { target: "#content", swap: "outerHTML" }), QUIET);
  };
  const list = new UploadList(document.getElementById("upload-list"), {
    purpose: "dataset",
    async onUploaded(id, _file, row) {
      await send(zone.dataset.import, { body: new URLSearchParams({ upload: id }) });
      row.element.remove();
      refresh();
    },
  });
  const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;
  const take = (files) => list.add(files.filter((file) => !JUNK.test(pathOf(file))).sort((a, b) => inOrder(pathOf(a), pathOf(b))));
  for (const input of zone.querySelectorAll('input[type="file"]')) {
    const taken = () => {
      take([...input.files]);
      input.value = "";
    };
    input.addEventListener("change", taken);
    if (input.files.length) taken(); // chosen before this script had come
  }
  listen(zone, take);
}

/** The whole page takes files and folders. */
function listen(zone, take) {
  const page = document.documentElement;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  page.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  page.addEventListener("dragleave", (event) => event.relatedTarget ?? zone.classList.remove("over"));
  page.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    zone.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    take(entries.length ? (await Promise.all(entries.map((entry) => filesOf(entry)))).flat() : plain);
  });
}

const zone = document.getElementById("drop");
if (zone) start(zone);
