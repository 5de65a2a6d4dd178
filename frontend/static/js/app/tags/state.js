// State of the tag editor and what can be asked of it. No drawing, no network.
import { pageData } from "app/words";

const data = pageData("data");

export const urls = data.urls;
export const canEdit = data.canEdit;
export const trigger = data.trigger;
export const items = data.items;
export const history = { undo: data.undo, redo: data.redo };

const first = items[0]?.id ?? null;
const problem = new URLSearchParams(location.search).get("problem") ?? "";

export const view = {
  selected: new Set(first ? [first] : []),
  current: first,
  anchor: first,
  want: new Set(),
  hide: new Set(),
  problem,
  text: "",
};

export const problemsOf = (item) => {
  const found = item.problems.filter((name) => name !== "no_tags");
  return item.tags.length || item.text ? found : [...found, "no_tags"];
};

export const shown = () => items.filter((item) =>
  (!view.problem || problemsOf(item).includes(view.problem))
  && [...view.want].every((tag) => item.tags.includes(tag))
  && ![...view.hide].some((tag) => item.tags.includes(tag)));

export const chosen = () => items.filter((item) => view.selected.has(item.id));

/** Tags of a list of pictures with their counts, the most frequent first. */
export function counts(list) {
  const found = new Map();
  for (const item of list) for (const tag of item.tags) found.set(tag, (found.get(tag) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

const SUGGESTED = 8;

/** Tags that pictures like the chosen ones carry and these lack: those that go together most often first. */
export function suggestions(list) {
  const has = new Set(list.flatMap((item) => item.tags));
  const known = [...has].filter((tag) => tag !== trigger);
  const scores = new Map();
  for (const item of items) {
    const shared = item.tags.filter((tag) => known.includes(tag)).length;
    const weight = known.length ? shared / Math.sqrt(item.tags.length || 1) : 1;
    if (weight) for (const tag of item.tags) if (!has.has(tag) && tag !== trigger) scores.set(tag, (scores.get(tag) ?? 0) + weight);
  }
  return [...scores].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, SUGGESTED).map(([tag]) => tag);
}

/** Take over what the hub says of some pictures. */
export function update(changed) {
  const known = new Map(items.map((item) => [item.id, item]));
  for (const item of changed) {
    if (known.has(item.id)) Object.assign(known.get(item.id), item);
    else items.push(item);
  }
}

/** Pictures that left the set; the cursor goes to what stands in their place. */
export function drop(ids) {
  const gone = new Set(ids);
  const at = items.findIndex((item) => gone.has(item.id));
  if (at < 0) return;
  items.splice(0, items.length, ...items.filter((item) => !gone.has(item.id)));
  for (const id of gone) view.selected.delete(id);
  if (!gone.has(view.current) && view.selected.size) return;
  const next = items[Math.min(Math.max(at, 0), items.length - 1)]?.id ?? null;
  view.selected = new Set(next ? [next] : []);
  view.current = view.anchor = next;
}

/** Select one picture; extend from the anchor, or keep the others. */
export function select(id, { extend = false, keep = false } = {}) {
  const ids = shown().map((item) => item.id);
  if (extend) {
    const [from, to] = [ids.indexOf(view.anchor), ids.indexOf(id)].sort((a, b) => a - b);
    view.selected = new Set(ids.slice(Math.max(from, 0), to + 1));
  } else if (keep) {
    if (!view.selected.delete(id)) view.selected.add(id);
    view.anchor = id;
  } else {
    view.selected = new Set([id]);
    view.anchor = id;
  }
  view.current = id;
}

export function selectAll() {
  view.selected = new Set(shown().map((item) => item.id));
}

/** A filter on a tag: pressed again it goes; only and hide exclude each other. */
export function toggle(kind, tag) {
  const [set, other] = kind === "want" ? [view.want, view.hide] : [view.hide, view.want];
  other.delete(tag);
  if (!set.delete(tag)) set.add(tag);
}
