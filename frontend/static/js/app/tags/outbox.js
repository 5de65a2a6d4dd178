// Commands on their way to the hub: in order, kept in the browser until the hub has them.
import { send } from "app/http";
import { urls } from "app/tags/state";

const KEY = `tag-commands:${urls.command}`;
// Answers after which the same command may still be taken: signed out, too long a wait, too many.
const LATER = new Set([401, 408, 429]);
const RETRY_MS = [1000, 2000, 5000, 10_000, 30_000];

let waiting = read();
let running = false;
let failures = 0;
let listener = () => {};

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return []; // a private window has no storage: commands then live as long as the page
  }
}

function keep() {
  try {
    if (waiting.length) localStorage.setItem(KEY, JSON.stringify(waiting));
    else localStorage.removeItem(KEY);
  } catch { /* as above */ }
}

/** Hear of every answer: {state: "saved"|"saving"|"waiting"|"signed_out", count, answer, refused}. */
export function onChange(callback) {
  listener = callback;
}

/** Whether the hub has everything. */
export const isIdle = () => waiting.length === 0;

/** Send a command after those before it. */
export function push(command) {
  waiting.push(command);
  keep();
  flush();
}

/** Send what waits; called again by itself after a failure. */
export async function flush() {
  if (running || waiting.length === 0) return;
  running = true;
  listener({ state: failures ? "waiting" : "saving", count: waiting.length });
  try {
    const answer = await send(urls.command, { body: waiting[0] });
    failures = 0;
    done({ answer });
  } catch (error) {
    if (error.status >= 400 && error.status < 500 && !LATER.has(error.status)) done({ refused: error.message });
    else later(error.status === 401 ? "signed_out" : "waiting");
  }
}

function done(result) {
  waiting.shift();
  keep();
  running = false;
  listener({ state: waiting.length ? "saving" : "saved", count: waiting.length, ...result });
  flush();
}

function later(state) {
  running = false;
  listener({ state, count: waiting.length });
  setTimeout(flush, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  failures += 1;
}

addEventListener("online", flush);
addEventListener("focus", flush); // back from the tab where one has signed in again
