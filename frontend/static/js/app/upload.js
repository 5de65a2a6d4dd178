// Resumable uploads (tus): survive a reload and a lost line; one bar, one reason, one retry per file.
import "tus-js-client"; // sets globalThis.tus
import { csrfToken } from "app/http";
import { tellOfBrokenOff } from "app/broken-off";
import { icon, make, makeMeter, setMeter } from "app/dom";
import { sizeText } from "app/sizes";
import { word } from "app/words";

const ENDPOINT = "/api/v2/uploads/";
const CHUNK_BYTES = 16 * 1024 * 1024;
const RETRY_DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000];
const AT_ONCE = 3;

const moving = new Set();

// Leaving is asked about only while bytes are moving.
addEventListener("beforeunload", (event) => {
  if (moving.size === 0) return;
  event.preventDefault();
  event.returnValue = word("upload_leave");
});

/** The hub's own sentence for a failed upload, or ours by status. */
function reasonOf(error) {
  const response = error.originalResponse;
  if (!response) return word("no_answer");
  try {
    const { error: said, detail } = JSON.parse(response.getBody());
    if (said || detail) return said ?? detail;
  } catch { /* not JSON: our own words below */ }
  if (response.getStatus() === 401) return word("signed_out");
  if (response.getStatus() === 413) return word("upload_too_big");
  return word("upload_refused", { status: response.getStatus() });
}

/** The name with its folders, where the browser or a dropped folder tells them. */
export const pathOf = (file) => file.relativePath || file.webkitRelativePath || file.name;

/** Send one file; resolves to the id of the upload. `purpose` is what the hub will use it for. */
export function sendFile(file, { purpose, endpoint = ENDPOINT, onProgress = () => {}, signal }) {
  const { Upload } = globalThis.tus;
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      endpoint,
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_DELAYS,
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRFToken": csrfToken() },
      metadata: { filename: file.name, filetype: file.type, purpose, relativePath: pathOf(file), page: location.pathname },
      fingerprint: async () => `atelier:${purpose}:${pathOf(file)}:${file.size}:${file.lastModified}`,
      onShouldRetry: (error) => ![400, 401, 403, 413, 415].includes(error.originalResponse?.getStatus()),
      onProgress,
      onError: (error) => { moving.delete(upload); reject(new Error(reasonOf(error))); },
      onSuccess: () => { moving.delete(upload); resolve(new URL(upload.url, location.href).pathname.split("/").filter(Boolean).at(-1)); },
    });
    signal?.addEventListener("abort", () => {
      moving.delete(upload);
      upload.abort(true).catch(() => {}); // The hub forgets a part by itself after a while.
      reject(new DOMException("removed", "AbortError"));
    });
    moving.add(upload);
    upload.findPreviousUploads().then((previous) => {
      if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
      upload.start();
    });
  });
}

/**
 * A list of files with a row each; `onUploaded(id, file, row)` runs for every file that arrives.
 * `before(file, {onProgress, signal})` may find that it need not be sent: what it returns goes to `onHere`.
 */
export class UploadList {
  #list; #options; #waiting = []; #running = 0;
  #sent = new Map(); // file → id of its upload, until the hub has been told what it is for
  #countLeft;

  constructor(list, { purpose, onUploaded, accept = () => "", before = async () => "", onHere = () => {}, onRemoved = () => {}, onIdle = () => {} }) {
    this.#list = list;
    this.#countLeft = tellOfBrokenOff(list, purpose);
    this.#options = { purpose, onUploaded, accept, before, onHere, onRemoved, onIdle };
  }

  /** Whether files are on their way or wait for their turn. */
  get isBusy() { return this.#running + this.#waiting.length > 0; }

  /** Take files in; `accept(file)` returns a reason against it or "". */
  add(files) {
    for (const file of files) {
      const row = this.#row(file);
      const reason = this.#options.accept(file);
      if (reason) row.fail(reason, false);
      else this.#waiting.push({ file, row });
    }
    this.#next();
  }

  /** A row for a file that was sent before this page came. */
  addArrived(id, name) {
    const row = this.#row({ name });
    row.done();
    return this.#options.onUploaded(id, null, row);
  }

  #next() {
    while (this.#running < AT_ONCE && this.#waiting.length) this.#start(this.#waiting.shift());
  }

  async #start({ file, row }) {
    this.#running += 1;
    try {
      const here = await this.#options.before(file, { onProgress: row.comparing, signal: row.signal });
      if (here) {
        row.here();
        await this.#options.onHere(here, file, row);
        return;
      }
      const id = this.#sent.get(file) ?? await sendFile(file, { purpose: this.#options.purpose, onProgress: row.progress, signal: row.signal });
      this.#sent.set(file, id);
      row.done();
      await this.#options.onUploaded(id, file, row);
      this.#sent.delete(file);
    } catch (error) {
      if (error.status !== 0) this.#sent.delete(file); // no answer: its bytes are there all the same
      if (error.name !== "AbortError") row.fail(error.message, true);
    } finally {
      this.#running -= 1;
      this.#countLeft();
      this.#next();
      if (!this.isBusy) this.#options.onIdle();
    }
  }

  #row(file) {
    const controller = new AbortController();
    const meter = makeMeter(file.name);
    const state = make("span", { class: "num" }, word("upload_waiting"));
    const meta = make("div", { class: "meta" }, state);
    const remove = make("button", { class: "btn quiet sm icon", type: "button", "aria-label": `${word("close")}: ${file.name}` }, icon("x"));
    const element = make("li", { class: "file", "data-state": "waiting" }, make("span", { class: "name" }, file.name), remove, meta, meter);
    remove.addEventListener("click", () => { controller.abort(); this.#drop(file); element.remove(); this.#options.onRemoved(); });
    this.#list.append(element);
    return {
      element, state, signal: controller.signal,
      progress: (sent, total) => {
        element.dataset.state = "running";
        setMeter(meter, sent, total);
        state.textContent = word("upload_running", { done: sizeText(sent), total: sizeText(total) });
      },
      comparing: (done, total) => {
        element.dataset.state = "running";
        setMeter(meter, done, total);
        state.textContent = word("upload_comparing");
      },
      here: () => { element.dataset.state = "done"; setMeter(meter, 1, 1); state.textContent = word("upload_here"); },
      done: () => { element.dataset.state = "done"; setMeter(meter, 1, 1); state.textContent = word("upload_done"); },
      fail: (reason, canRetry) => this.#fail({ element, meter, meta, state, reason, retry: canRetry ? file : null }),
    };
  }

  #drop(file) {
    this.#waiting = this.#waiting.filter((entry) => entry.file !== file);
  }

  #fail({ element, meter, meta, state, reason, retry }) {
    element.dataset.state = "failed";
    meter.classList.add("fail");
    state.replaceChildren(icon("circle-alert"), " ", word("upload_failed", { reason }));
    state.classList.add("danger-t");
    if (!retry) return;
    const again = make("button", { class: "btn sm", type: "button" }, icon("rotate-ccw"), word("retry"));
    again.addEventListener("click", () => { element.remove(); this.add([retry]); });
    meta.append(again);
  }
}

/** A drop zone: the element and, with `wholeWindow`, the page take files; so does its file input. */
export function dropZone(zone, onFiles, { wholeWindow = false } = {}) {
  const target = wholeWindow ? document.documentElement : zone;
  let depth = 0;
  const show = (step) => { depth = Math.max(0, depth + step); zone.classList.toggle("over", depth > 0); };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  target.addEventListener("dragenter", (event) => hasFiles(event) && show(1));
  target.addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
  target.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  target.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show(0);
    onFiles([...event.dataTransfer.files]);
  });
  const input = zone.querySelector('input[type="file"]');
  const taken = () => {
    onFiles([...input.files]);
    input.value = "";
  };
  input?.addEventListener("change", taken);
  if (input?.files.length) taken(); // chosen before this script had come
}
