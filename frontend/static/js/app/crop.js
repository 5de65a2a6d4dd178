// The crop page: a frame by mouse, fingers or keys; Enter accepts it and goes on to the next picture.
import { largest, moved, ratioOf, reshaped, resized } from "app/crop/frame";
import { CropStore } from "app/crop/store";
import { icon, make, setIcon } from "app/dom";
import { isComposing, isTyping } from "app/shortcuts";
import { toast } from "app/toast";
import { fill, pageData } from "app/words";

const data = pageData("crop-data");
const words = pageData("crop-words");
const say = (key, values) => fill(words[key], values);
const $ = (id) => document.getElementById(id);
const { least, canEdit, resolution } = data;
const MOVE_SHARE = 0.01;
const SIZE_SHARE = 0.03;

let current = data.items[0];
let box = null;
let isWhole = false;
let ratio = ratioOf($("cropper").querySelector("[name=shape]:checked").value);
const store = new CropStore(data, showState);

const listed = (crop) => crop && { x: crop[0], y: crop[1], w: crop[2], h: crop[3] };
const asCrop = () => (isWhole ? null : [box.x, box.y, box.w, box.h]);

function showState(state) {
  const status = $("saved");
  setIcon(status.querySelector("svg"), { saving: "loader-circle", failed: "circle-alert" }[state] ?? "circle-check");
  status.querySelector("span").textContent = words[state] ?? words.saved;
  $("undo").disabled = !canEdit || !store.canUndo;
  $("redo").disabled = !canEdit || !store.canRedo;
  if (state === "saved" || state === "more") drawStrip();
}

function open(item) {
  current = item;
  isWhole = !item.crop && !canEdit;
  box = listed(item.crop) ?? largest(item, ratio); // a suggestion until it is accepted
  const picture = $("crop-picture");
  if (picture.getAttribute("src") !== item.src) Object.assign(picture, { src: item.src, width: item.w, height: item.h });
  $("stage").style.setProperty("--shape", item.w / item.h);
  $("crop-name").textContent = item.name;
  drawStrip();
  draw();
}

function draw() {
  const frame = $("frame");
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  frame.hidden = false;
  frame.classList.toggle("off", isWhole);
  Object.assign(frame.style, {
    left: percent(box.x, current.w), top: percent(box.y, current.h),
    width: percent(box.w, current.w), height: percent(box.h, current.h),
  });
  const facts = isWhole ? words.whole : say(Math.max(box.w, box.h) < resolution ? "small" : "size", { w: box.w, h: box.h, n: resolution });
  $("crop-facts").textContent = facts;
  frame.setAttribute("aria-label", isWhole ? words.whole : say("frame", box));
  $("crop-place").textContent = say("place", { at: store.items.indexOf(current) + 1, all: store.items.length });
}

function drawStrip() {
  const strip = $("strip");
  const had = document.activeElement?.dataset?.id;
  strip.replaceChildren(...store.items.map((item) => {
    const label = say(item.crop ? "choose_cropped" : "choose", { name: item.name });
    const thumb = make("img", { src: item.thumb, alt: "", loading: "lazy", width: 64, height: 64 });
    return make("li", {}, make("button", { type: "button", "data-id": item.id, "aria-label": label, "aria-current": item === current ? "true" : false }, thumb, item.crop ? icon("crop") : null));
  }));
  if (had) strip.querySelector(`[data-id="${had}"]`)?.focus({ preventScroll: true });
}

function change(next) {
  if (!canEdit) return;
  isWhole = false;
  box = next;
  draw();
}

const scale = (factor) => change(resized(box, { w: box.w * factor, h: box.h * factor }, { picture: current, ratio, least }));
const nudge = (dx, dy) => change(moved(box, dx * Math.max(1, current.w * MOVE_SHARE), dy * Math.max(1, current.h * MOVE_SHARE), current));

function step(by) {
  const next = store.items[store.items.indexOf(current) + by];
  if (next) open(next);
  else if (by > 0) toast(words.last);
  return true;
}

const sameCrop = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const failed = (error) => toast(error.message, { kind: "danger" });

async function accept() {
  if (!canEdit) return;
  const [item, crop] = [current, asCrop()];
  step(1);
  if (!sameCrop(item.crop, crop)) await store.save({ [item.id]: crop }).catch(failed);
}

async function acceptForAll() {
  if (isWhole) return;
  try {
    const n = await store.saveForAll(current.id, asCrop());
    toast(say("for_all", { n }), { undo: () => back("undo") });
    open(current);
  } catch (error) {
    failed(error);
  }
}

async function back(kind) {
  const ids = await store[kind]().catch(failed);
  if (!ids) return;
  toast(words[kind === "undo" ? "undone" : "redone"]);
  open(ids.includes(current.id) ? current : store.find(ids[0]) ?? current);
}

function toWhole() {
  if (!canEdit) return;
  isWhole = true;
  box = largest(current, ratio);
  draw();
}

// Pointers: one moves the frame or a corner, two pinch it.
const pointers = new Map();
let hold = null;
const CORNERS = { nw: [1, 1], ne: [0, 1], sw: [1, 0], se: [0, 0] }; // the corner that stays, as shares

const spread = () => {
  const [one, other] = [...pointers.values()];
  return Math.hypot(one.x - other.x, one.y - other.y);
};

$("stage").addEventListener("pointerdown", (event) => {
  if (!canEdit || event.button !== 0) return;
  event.preventDefault();
  $("frame").focus({ preventScroll: true });
  $("stage").setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  const pixels = current.w / $("crop-picture").clientWidth;
  hold = { box, x: event.clientX, y: event.clientY, pixels, corner: event.target.dataset?.corner, spread: pointers.size === 2 ? spread() : 0 };
});

$("stage").addEventListener("pointermove", (event) => {
  if (!pointers.has(event.pointerId) || !hold) return;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  const shape = { picture: current, ratio, least };
  if (hold.spread) {
    const factor = spread() / hold.spread;
    change(resized(hold.box, { w: hold.box.w * factor, h: hold.box.h * factor }, shape));
    return;
  }
  const [dx, dy] = [(event.clientX - hold.x) * hold.pixels, (event.clientY - hold.y) * hold.pixels];
  if (!hold.corner) {
    change(moved(hold.box, dx, dy, current));
    return;
  }
  const [ax, ay] = CORNERS[hold.corner];
  const wanted = { w: hold.box.w + (ax ? -dx : dx), h: hold.box.h + (ay ? -dy : dy) };
  if (ratio) wanted.w = Math.max(wanted.w, wanted.h * ratio);
  change(resized(hold.box, wanted, { ...shape, ax, ay }));
});

for (const name of ["pointerup", "pointercancel"]) {
  $("stage").addEventListener(name, (event) => {
    pointers.delete(event.pointerId);
    hold = null;
  });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { Enter: accept, "+": () => scale(1 + SIZE_SHARE), "=": () => scale(1 + SIZE_SHARE), "-": () => scale(1 - SIZE_SHARE), 0: toWhole };

function onKey(event) {
  const arrow = ARROWS[event.key];
  if (arrow && event.shiftKey) return nudge(...arrow), true;
  if (arrow && arrow[0]) return step(arrow[0]);
  const isOnControl = event.target.closest("button, a, summary");
  if (!KEYS[event.key] || (event.key === "Enter" && isOnControl)) return false;
  KEYS[event.key]();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (isComposing(event) || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.target.type === "radio" && event.key.startsWith("Arrow") && !event.shiftKey) return;
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "z") {
    back(event.shiftKey ? "redo" : "undo");
    event.preventDefault();
  } else if (!control && !event.altKey && onKey(event)) event.preventDefault();
});

$("strip").addEventListener("click", (event) => {
  const id = event.target.closest("[data-id]")?.dataset.id;
  if (id) open(store.find(id));
});
for (const radio of document.querySelectorAll("[name=shape]")) {
  radio.addEventListener("change", () => {
    ratio = ratioOf(radio.value);
    if (isWhole || !current.crop) box = largest(current, ratio);
    else box = reshaped(box, ratio, current, least);
    draw();
  });
}
const CLICKS = { previous: () => step(-1), next: () => step(1), accept, whole: toWhole, "for-all": acceptForAll, undo: () => back("undo"), redo: () => back("redo") };
for (const [id, run] of Object.entries(CLICKS)) $(id).addEventListener("click", run);
for (const id of ["accept", "whole", "for-all"]) $(id).disabled = !canEdit;

const asked = new URLSearchParams(location.search).get("image");
open(store.find(asked) ?? current);
