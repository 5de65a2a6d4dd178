// Tag editor: keys and clicks become commands; a command shows at once and is then sent.
import { send } from "app/http";
import { setIcon } from "app/dom";
import { isComposing, isTyping, register } from "app/shortcuts";
import { toast } from "app/toast";
import * as auto from "app/tags/auto";
import * as others from "app/tags/others";
import * as outbox from "app/tags/outbox";
import { draw as drawAll, drawSelection as drawCursor, drawTags, say } from "app/tags/draw";
import { canEdit, chosen, drop, history, items, problemsOf, select, selectAll, shown, toggle, update, urls, view } from "app/tags/state";

const $ = (id) => document.getElementById(id);
const SPLIT = /[,，、]/;

let isComplete = false; // whether all pictures are here, or more are on their way

function draw() {
  drawAll();
  if (isComplete) $("image-count").textContent = say("count", { n: items.length });
  others.show();
  others.moved();
}

function drawSelection() {
  drawCursor();
  others.moved();
}

let forget = () => {};

/** Say what a command did. Its Undo takes back the last one, so the toast before it goes. */
function tell(sentence, values) {
  forget();
  forget = toast(say(sentence, values), { undo });
}

/** Do one command on the selection: `change(tags)` gives the new tags; then tell the hub. */
function command(given, change, sentence) {
  if (!canEdit) return;
  const touched = chosen().filter((item) => {
    const after = change(item.tags);
    if (after.length === item.tags.length && after.every((tag, place) => tag === item.tags[place])) return false;
    item.tags = after;
    return true;
  });
  if (touched.length === 0) return;
  outbox.push({ ...given, items: touched.map((item) => item.id) });
  takenOut = null;
  draw();
  tell(sentence, { tag: given.tags?.join(", ") ?? given.old, n: touched.length });
}

const add = (tags) => command({ kind: "add", tags }, (before) => [...before, ...tags.filter((tag) => !before.includes(tag))], "added");
const remove = (tag) => command({ kind: "remove", tags: [tag] }, (before) => before.filter((other) => other !== tag), "removed");
const replace = (old, fresh) => command({ kind: "replace", old, new: fresh }, (before) => [...new Set(before.map((tag) => (tag === old ? fresh : tag)))], "replaced");

/** Running text in place of the tags; empty text gives the tags back. */
function writeCaption(id, typed) {
  const item = items.find((other) => other.id === id);
  const text = typed.trim();
  if (!canEdit || !item || item.text === text) return;
  item.text = text;
  outbox.push({ kind: "text", items: [id], text });
  takenOut = null;
  draw();
  tell(text ? "caption_saved" : "caption_gone");
}

let takenOut = null; // the pictures of the last command, where that took some out

/** Take the selection out of the set; what was taken out last comes back by undo. */
function takeOut() {
  const ids = chosen().map((item) => item.id);
  if (!canEdit || ids.length === 0) return;
  drop(ids);
  outbox.push({ kind: "delete", items: ids });
  takenOut = ids;
  draw();
  buttons();
  tell("taken_out", { n: ids.length });
}

function repeat(times) {
  const touched = chosen().filter((item) => item.repeats !== times);
  if (!canEdit || touched.length === 0 || !Number.isInteger(times) || times < 1) return;
  for (const item of touched) item.repeats = times;
  outbox.push({ kind: "repeats", items: touched.map((item) => item.id), repeats: times });
  draw();
}

function undo() {
  if (!canEdit) return;
  forget();
  outbox.push(takenOut ? { kind: "restore", items: takenOut } : { kind: "undo" });
  takenOut = null;
}
const redo = () => canEdit && outbox.push({ kind: "redo" });

outbox.onChange(({ state, count, answer, refused }) => {
  const status = $("saved");
  status.dataset.state = state;
  setIcon(status.querySelector("svg"), { saved: "circle-check", saving: "loader-circle", waiting: "circle-alert", signed_out: "circle-alert" }[state]);
  status.querySelector("span").textContent = say(state, { n: count });
  $("sign-in").hidden = state !== "signed_out";
  if (answer) {
    if (count === 0) update(answer.items);
    Object.assign(history, { undo: answer.undo, redo: answer.redo });
    draw();
  }
  if (refused) {
    toast(refused, { kind: "danger" });
    reload();
  }
  buttons();
  if (state === "saved") others.catchUp();
});

function buttons() {
  $("undo").disabled = !canEdit || !(history.undo || takenOut);
  $("redo").disabled = !canEdit || !history.redo;
}

/** The hub's own state again, after it refused a command or the tagger was done. */
async function reload() {
  const fresh = await send(urls.items, { method: "GET" });
  update(fresh.items);
  Object.assign(history, { undo: fresh.undo, redo: fresh.redo });
  draw();
  buttons();
  await loadRest(fresh.next);
}

async function loadRest(cursor) {
  let next = cursor;
  while (next) {
    const page = await send(`${urls.items}?cursor=${encodeURIComponent(next)}`, { method: "GET" });
    update(page.items);
    next = page.next;
    draw();
  }
  isComplete = true;
}

function pick(id, event) {
  select(id, { extend: event.shiftKey, keep: event.ctrlKey || event.metaKey });
  drawSelection();
  $(`im-${id}`)?.scrollIntoView({ block: "nearest" });
}

const ON_CLICK = {
  want: (tag) => { toggle("want", tag); draw(); },
  hide: (tag) => { toggle("hide", tag); draw(); },
  rm: remove,
  plus: (tag) => add([tag]),
  f: (name) => { view.problem = name; draw(); },
};

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-want], [data-hide], [data-rm], [data-plus], [data-f], .thumb, .pane-tabs [data-pane]");
  if (!target) return;
  const [kind] = Object.keys(ON_CLICK).filter((name) => name in target.dataset);
  if (kind) ON_CLICK[kind](target.dataset[kind]);
  else if (target.dataset.id) {
    pick(target.dataset.id, event);
    $("images").focus({ preventScroll: true });
  } else if (target.dataset.pane) showPane(target);
});

function showPane(button) {
  document.querySelector(".editor").dataset.pane = button.dataset.pane;
  for (const other of button.parentNode.children) other.toggleAttribute("aria-current", other === button);
}

/** Move by cells; the grid tells how many stand in a row. */
function move(key, event) {
  const ids = shown().map((item) => item.id);
  const across = getComputedStyle($("images")).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[key];
  const next = ids[ids.indexOf(view.current) + step];
  if (!step || !next) return false;
  pick(next, { shiftKey: event.shiftKey });
  return true;
}

function toProblem(step) {
  const list = shown();
  const from = list.findIndex((item) => item.id === view.current);
  for (let at = from + step; at >= 0 && at < list.length; at += step) {
    if (problemsOf(list[at]).length) return pick(list[at].id, {});
  }
}

document.addEventListener("keydown", (event) => {
  if (isComposing(event) || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  let done = false;
  if (control && key === "z") done = event.shiftKey ? (redo(), true) : (undo(), true);
  else if (control && key === "a") done = (selectAll(), drawSelection(), true);
  else if (!control && !event.altKey) done = move(event.key, event);
  if (done) event.preventDefault();
});

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isTyping(event.target) && !isComposing(event)) $("images").focus();
  const tag = document.activeElement?.dataset.want;
  if (tag && event.key === "Delete") remove(tag);
  else if (event.key === "Delete" && document.activeElement === $("images")) takeOut();
});

register("a", say("key_add"), () => $("add").focus());
register("f", say("key_filter"), () => $("tagq").focus());
register("h", say("key_hide"), () => { const tag = document.activeElement?.dataset.want; if (tag) { toggle("hide", tag); draw(); } });
register("[", say("key_previous"), () => toProblem(-1));
register("]", say("key_next"), () => toProblem(1));

$("addform").addEventListener("submit", (event) => {
  event.preventDefault();
  const tags = $("add").value.split(SPLIT).map((tag) => tag.trim()).filter(Boolean);
  if (tags.length) add(tags);
  $("add").value = "";
});
$("replaceform").addEventListener("submit", (event) => {
  event.preventDefault();
  const { old, new: fresh } = event.target.elements;
  if (old.value.trim() && fresh.value.trim()) replace(old.value.trim(), fresh.value.trim());
});
$("caption").addEventListener("change", (event) => writeCaption(event.target.dataset.item, event.target.value));
$("repeats").addEventListener("change", (event) => repeat(event.target.valueAsNumber));
$("take-out").addEventListener("click", takeOut);
$("undo").addEventListener("click", undo);
$("redo").addEventListener("click", redo);
$("tagq").addEventListener("input", () => { view.text = $("tagq").value.trim().toLowerCase(); drawTags(); });
$("size").addEventListener("input", () => $("images").style.setProperty("--thumb", `${$("size").value}px`));

for (const field of document.querySelectorAll("#add, #caption, #repeats, #take-out, #replaceform input, #replaceform button")) field.disabled = !canEdit;
auto.start({ onDone: reload, undo });
others.start(() => outbox.isIdle(), draw);
draw();
buttons();
outbox.flush();
loadRest(JSON.parse(document.getElementById("data").textContent).next);
if (items.length) $("images").focus({ preventScroll: true });
