// Pictures of the crop page and their crops; each change is sent at once and can be taken back.
import { send } from "app/http";

const undone = [];
const done = [];

/** What is known: pictures by id, in order. */
export class CropStore {
  constructor({ items, urls, next }, onChange) {
    this.items = items;
    this.urls = urls;
    this.onChange = onChange;
    this.tail = Promise.resolve();
    if (next) this.#loadRest(next);
  }

  get canUndo() { return done.length > 0; }
  get canRedo() { return undone.length > 0; }
  find(id) { return this.items.find((item) => item.id === id); }

  /** Save crops ({id: crop or null}) as one step. */
  save(crops) {
    return this.#step({ crops });
  }

  /** Give every picture the crop that this is on its own; one step. */
  saveForAll(id, crop) {
    return this.#step({ crops: { [id]: crop }, for_all: true });
  }

  undo() { return this.#back(done, undone); }
  redo() { return this.#back(undone, done); }

  // One request after the other: an undo sent early must not overtake what it takes back.
  #queue(work) {
    const result = this.tail.then(work);
    this.tail = result.catch(() => {});
    return result;
  }

  #step(body) {
    return this.#queue(async () => {
      const count = await this.#send(body, done);
      undone.length = 0;
      this.onChange("saved");
      return count;
    });
  }

  #back(from, to) {
    return this.#queue(async () => {
      const crops = from.at(-1);
      if (!crops) return null;
      await this.#send({ crops }, to);
      from.pop();
      this.onChange("saved");
      return Object.keys(crops);
    });
  }

  async #send(body, history) {
    this.onChange("saving");
    try {
      const { items } = await send(this.urls.save, { body });
      const before = {};
      for (const fresh of items) {
        const item = this.find(fresh.id);
        if (!item) continue;
        before[item.id] = item.crop;
        item.crop = fresh.crop;
      }
      history.push(before);
      return items.length;
    } catch (error) {
      this.onChange("failed");
      throw error;
    }
  }

  async #loadRest(cursor) {
    let next = cursor;
    while (next) {
      const page = await send(`${this.urls.items}?cursor=${encodeURIComponent(next)}`, { method: "GET" });
      this.items.push(...page.items);
      next = page.next;
    }
    this.onChange("more");
  }
}
