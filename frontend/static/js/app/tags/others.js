// Who else has this dataset open: where they are, and what they changed.
import { make } from "app/dom";
import { send } from "app/http";
import { LiveSocket } from "app/socket";
import { say } from "app/tags/draw";
import { drop, items, update, urls, view } from "app/tags/state";

const HELLO_MS = 30_000;
const GONE_MS = 75_000; // a window that crashed says no goodbye
const PAUSE_MS = 300; // the cursor runs over many pictures; only where it rests is told

const others = new Map();
const changed = new Set();
let isAll = false;
let timer = 0;
let told = "";
let canFetch = () => true;
let redraw = () => {};

const socket = new LiveSocket(urls.socket, { onMessage, onState: (state) => state === "open" && tell() });

/** `whenFree` says whether no command is under way, `onChange` draws pictures that others changed. */
export function start(whenFree, onChange) {
  canFetch = whenFree;
  redraw = onChange;
  setInterval(tell, HELLO_MS);
  setInterval(forget, HELLO_MS);
}

/** The cursor moved. */
export function moved() {
  if (view.current === told) return;
  clearTimeout(timer);
  timer = setTimeout(tell, PAUSE_MS);
}

/** Fetch what others changed, once no command of ours is under way. */
export async function catchUp() {
  if (!canFetch() || !(changed.size || isAll)) return;
  const wanted = [...changed];
  const query = isAll ? "" : `?ids=${wanted.join(",")}`;
  changed.clear();
  isAll = false;
  const fresh = await send(urls.items + query, { method: "GET" });
  const known = new Set(fresh.items.map((item) => item.id));
  if (query) drop(wanted.filter((id) => !known.has(id)));
  update(fresh.items);
  redraw();
}

function onMessage({ kind, key, who, at, items: ids }) {
  if (kind === "present") others.set(key, { who, at, heard: Date.now() });
  if (kind === "left") others.delete(key);
  if (kind === "changed" && others.size) {
    if (ids === null) isAll = true;
    else for (const id of ids) changed.add(id);
    catchUp();
  }
  show();
}

function tell() {
  if (!view.current) return;
  told = view.current;
  socket.send({ at: told });
}

function forget() {
  for (const [key, { heard }] of others) if (Date.now() - heard > GONE_MS) others.delete(key);
  show();
}

/** The others in the head, and a name on the picture where each of them is. */
export function show() {
  const box = document.getElementById("others");
  const rows = [...others.values()];
  box.hidden = rows.length === 0;
  box.replaceChildren(...rows.map(({ who, at }) => {
    const name = items.find((item) => item.id === at)?.name;
    return make("li", {}, name ? say("editing", { who, name }) : who);
  }));
  for (const label of document.querySelectorAll(".thumb > .who")) label.remove();
  for (const { who, at } of rows) document.getElementById(`im-${at}`)?.append(make("span", { class: "who", "aria-hidden": "true" }, who));
}
