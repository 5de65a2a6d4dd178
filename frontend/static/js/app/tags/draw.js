// Drawing of the tag editor's three panes from its state.
import { icon, make } from "app/dom";
import { fill, pageData } from "app/words";
import { canEdit, chosen, counts, items, problemsOf, shown, suggestions, trigger, view } from "app/tags/state";

const words = pageData("editor-words");
const SYMBOLS = { too_small: "triangle-alert", look_alike: "copy", no_tags: "tags" };
const PREVIEWS = 8;
const $ = (id) => document.getElementById(id);

/** The sentence for a key; where one of something has its own, that. */
export const say = (key, values) => fill((values?.n === 1 && words[`${key}_one`]) || (words[key] ?? key), values);

function share(part) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "share");
  svg.setAttribute("aria-hidden", "true");
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  bar.setAttribute("width", `${(100 * part).toFixed(1)}%`);
  bar.setAttribute("height", "100%");
  svg.append(bar);
  return svg;
}

function tagRow([tag, count]) {
  const state = view.want.has(tag) ? "in" : view.hide.has(tag) ? "out" : false;
  return make("li", { class: "tagrow", "data-s": state },
    share(count / Math.max(items.length, 1)),
    make("button", { class: "t", type: "button", "data-want": tag, "aria-pressed": String(state === "in"), title: say("only", { tag }) }, make("span", {}, tag), make("b", {}, String(count))),
    make("button", { class: "eye", type: "button", "data-hide": tag, "aria-pressed": String(state === "out"), "aria-label": say("hide", { tag }) }, icon(state === "out" ? "eye-off" : "eye")));
}

/** The list of tags, keeping the focus where it was. */
export function drawTags() {
  const focus = document.activeElement?.dataset ?? {};
  const all = counts(items);
  $("taglist").replaceChildren(...all.filter(([tag]) => tag.toLowerCase().includes(view.text)).map(tagRow));
  $("alltags").replaceChildren(...all.map(([tag]) => make("option", { value: tag })));
  for (const kind of ["want", "hide"]) {
    if (focus[kind] !== undefined) $("taglist").querySelector(`[data-${kind}="${CSS.escape(focus[kind])}"]`)?.focus();
  }
}

function thumb(item) {
  const problems = problemsOf(item);
  const element = make("li", {
    class: item.id === view.current ? "thumb cur" : "thumb", id: `im-${item.id}`, role: "option",
    "aria-selected": String(view.selected.has(item.id)), "data-id": item.id,
    "aria-label": [item.name, ...problems.map((name) => say(name))].join(", "),
  }, make("img", { src: item.src, alt: "", loading: "lazy", width: item.w, height: item.h }), make("span", { class: "n", "aria-hidden": "true" }, item.text ? "¶" : String(item.tags.length)));
  if (problems.length) element.append(make("span", { class: "w" }, icon(SYMBOLS[problems[0]]), say(problems[0])));
  return element;
}

/** The grid: only thumbs that changed are touched, so a key press stays cheap on large sets. */
export function drawGrid() {
  const list = shown();
  const grid = $("images");
  if (list.length === 0) grid.replaceChildren(make("li", { class: "empty" }, say("none")));
  else grid.replaceChildren(...list.map(thumb));
  grid.setAttribute("aria-activedescendant", view.current ? `im-${view.current}` : "");
  drawFilters(list.length);
}

/** Selection and cursor without rebuilding the grid. */
export function drawSelection() {
  for (const element of $("images").querySelectorAll("[data-id]")) {
    element.setAttribute("aria-selected", String(view.selected.has(element.dataset.id)));
    element.classList.toggle("cur", element.dataset.id === view.current);
  }
  $("images").setAttribute("aria-activedescendant", view.current ? `im-${view.current}` : "");
  drawDetail();
}

function drawFilters(count) {
  for (const chip of document.querySelectorAll("#filters [data-f]")) {
    const name = chip.dataset.f;
    const number = name ? items.filter((item) => problemsOf(item).includes(name)).length : items.length;
    chip.setAttribute("aria-pressed", String(name === view.problem));
    chip.querySelector("b").textContent = number;
  }
  const active = [...[...view.want].map((tag) => [tag, "want", "filter"]), ...[...view.hide].map((tag) => [tag, "hide", "without"])];
  $("active").hidden = active.length === 0;
  $("active").replaceChildren(
    ...active.map(([tag, kind, sentence]) => make("button", { class: "chip", type: "button", [`data-${kind}`]: tag }, say(sentence, { tag }), icon("x"))),
    make("span", { class: "muted num right" }, String(count)));
}

function tagChip(tag, count, total, isFirst) {
  const part = count < total;
  const classes = ["tg", part ? "part" : "", isFirst ? "first" : ""].filter(Boolean).join(" ");
  const element = make("li", { class: classes, title: tag === trigger ? say("trigger") : false }, make("span", {}, tag));
  if (part) {
    element.append(make("small", {}, say("some", { a: count, b: total })));
    if (canEdit) element.append(make("button", { class: "plus", type: "button", "data-plus": tag, "aria-label": `${say("all", { n: total })}: ${tag}` }, icon("plus")));
  }
  if (canEdit) element.append(make("button", { type: "button", "data-rm": tag, "aria-label": say("remove", { tag }) }, icon("x")));
  return element;
}

/** The selection: preview and tags; a tag on part of it is dashed. */
export function drawDetail() {
  const list = chosen();
  const [one] = list;
  const single = list.length === 1;
  $("seltitle").textContent = single ? one.name : list.length ? say("selected", { n: list.length }) : say("none_selected");
  $("selmeta").textContent = single ? `${one.w} × ${one.h}` : "";
  $("preview").className = single ? "preview one" : "preview";
  const pictures = list.slice(0, PREVIEWS).map((item) => make("img", { src: single ? item.large : item.src, alt: item.name, width: item.w, height: item.h }));
  if (list.length > PREVIEWS) pictures.push(make("span", { class: "plus num" }, `+${list.length - PREVIEWS}`));
  $("preview").replaceChildren(...pictures);
  const rows = single ? one.tags.map((tag) => [tag, 1]) : counts(list);
  $("chips").replaceChildren(...rows.map(([tag, count], place) => tagChip(tag, count, list.length, single && place === 0)));
  drawSuggestions(list);
  $("per-image").hidden = !canEdit || list.length === 0;
  const times = new Set(list.map((item) => item.repeats));
  $("repeats").value = times.size === 1 ? [...times][0] : "";
  drawCaption(single ? one : null);
}

function drawSuggestions(list) {
  const tags = canEdit && list.length ? suggestions(list) : [];
  $("suggested").hidden = tags.length === 0;
  $("suggested").lastElementChild.replaceChildren(...tags.map((tag) =>
    make("li", {}, make("button", { class: "chip", type: "button", "data-plus": tag }, icon("plus"), tag))));
}

/** The caption as running text; what is being typed into it is never overwritten. */
function drawCaption(item) {
  const box = $("caption");
  $("captionbox").hidden = !item || (!canEdit && !item.text);
  if (!item) return;
  if (item.text) $("captionbox").open = true;
  $("caption-note").hidden = !item.text;
  if (document.activeElement === box && box.dataset.item === item.id) return;
  box.dataset.item = item.id;
  box.value = item.text;
}

/** Everything. */
export function draw() {
  drawTags();
  drawGrid();
  drawDetail();
}
