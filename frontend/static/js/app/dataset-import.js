// Import into a dataset: files, folders and zips; each file has its own bar, then the hub's report follows.
import { UploadList, pathOf } from "app/upload";
import { send } from "app/http";
import { fetchPart } from "app/parts";

const QUIET = 600;
const EVERY = 1000;
const LATER = 10_000;
const TELL_AGAIN = [1000, 3000, 5000, 10_000, 20_000];
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
  const list = new UploadList(document.getElementById("upload-list"), {
    purpose: "dataset",
    async onUploaded(id, _file, row) {
      await tell(zone.dataset.import, new URLSearchParams({ upload: id }));
      row.element.remove();
      refresh(QUIET);
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

/** Send until there is an answer, or the line has been away for long; what is said twice is read once. */
async function tell(url, body) {
  for (const delay of TELL_AGAIN) {
    try {
      return await send(url, { body });
    } catch (error) {
      if (error.status !== 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
  return send(url, { body });
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

let timer;
/** Fetch what the hub has read so far, and again while it reads on. */
function refresh(delay) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const came = await fetchPart("content", location.pathname);
    if (isBeingRead()) refresh(came ? EVERY : LATER);
  }, delay);
}

const isBeingRead = () => "reading" in document.getElementById("content").dataset;
if (isBeingRead()) refresh(EVERY);
const zone = document.getElementById("drop");
if (zone) start(zone);
