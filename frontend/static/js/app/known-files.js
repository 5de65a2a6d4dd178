// Before a model file is sent: is it here already, and what does its header say of it?
import { send } from "app/http";

const WORKER = import.meta.resolve("app/sha256-worker");
const LENGTH_BYTES = 8;
const CUT = "safetensors_wrong_length";
const MAX_HEADER_BYTES = 2 * 1024 * 1024;

/** The SHA-256 of a file, in lower case; `onProgress(done, total)` now and then. */
export function sha256Of(file, { onProgress = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { type: "module" });
    const end = (settle, value) => { worker.terminate(); settle(value); };
    worker.addEventListener("message", ({ data }) => {
      if (data.done) onProgress(data.done, file.size);
      else if (data.hex) end(resolve, data.hex);
      else if (data.error) end(reject, new Error(data.error));
    });
    worker.addEventListener("error", (event) => end(reject, new Error(event.message)));
    signal?.addEventListener("abort", () => end(reject, new DOMException("removed", "AbortError")));
    worker.postMessage({ file });
  });
}

/** The SHA-256 of a file that the hub has within this person's reach, or "". Hashes only where one of that size is there. */
export async function findHere(file, options) {
  if (!file.size) return "";
  try {
    const { any } = await send(`/api/v2/files/of-size/${file.size}/`, { method: "GET", signal: options.signal });
    if (!any) return "";
    const hex = await sha256Of(file, options);
    const { found } = await send("/api/v2/files/by-hash/", { body: { hashes: [hex] }, signal: options.signal });
    return found[hex]?.length ? hex : "";
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return ""; // Knowing it beforehand only saves time: without it the file is simply sent.
  }
}

const headers = new WeakMap(); // file → what was said of it

/** What the hub makes of a safetensors header, asked once; null for other files and unknown headers. `broken` says that the file is cut. */
export function readHeader(file) {
  if (!headers.has(file)) headers.set(file, askOfHeader(file));
  return headers.get(file);
}

async function askOfHeader(file) {
  const prefix = new DataView(await file.slice(0, LENGTH_BYTES + 1).arrayBuffer());
  if (prefix.byteLength < LENGTH_BYTES + 1 || prefix.getUint8(LENGTH_BYTES) !== 0x7b) return null;
  const length = Number(prefix.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length > file.size) return null;
  const header = await file.slice(LENGTH_BYTES, LENGTH_BYTES + length).text();
  try {
    return await send("/api/v2/files/read-header/", { body: { header, size_bytes: file.size } });
  } catch (error) {
    return error.body?.code === CUT ? { broken: error.message } : null;
  }
}
