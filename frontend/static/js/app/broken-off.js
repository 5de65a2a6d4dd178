// Uploads that this page was left with: the browser may not keep the files, so they are chosen once more,
// and what had arrived of them is not sent again.
import { icon, make } from "app/dom";
import { word } from "app/words";

const DAY_MS = 24 * 60 * 60 * 1000;
const NAMES_SHOWN = 3;

/** What tus remembers of this page's uploads: the key in the browser's store, and the file's name. */
function remembered(purpose) {
  return Object.keys(localStorage).filter((key) => key.startsWith(`tus::atelier:${purpose}:`)).flatMap((key) => {
    const { metadata, creationTime } = JSON.parse(localStorage.getItem(key));
    const isOurs = metadata?.page === location.pathname && Date.now() - new Date(creationTime) < DAY_MS;
    return isOurs ? [{ key, name: metadata.filename }] : [];
  });
}

/** A note above `list` as long as something is left; call what it returns when files have arrived. */
export function tellOfBrokenOff(list, purpose) {
  let left = remembered(purpose);
  if (left.length === 0) return () => {};
  const text = make("p");
  const forget = make("button", { class: "btn quiet sm", type: "button" }, word("upload_forget"));
  const note = make("div", { class: "note mt-4 mb-4" }, icon("history"), make("div", { class: "stack-2 grow" }, text, make("div", { class: "row" }, forget)));
  const show = () => {
    left = left.filter(({ key }) => localStorage.getItem(key));
    const names = left.slice(0, NAMES_SHOWN).map(({ name }) => name).join(", ") + (left.length > NAMES_SHOWN ? " …" : "");
    text.textContent = word(left.length === 1 ? "upload_left_one" : "upload_left", { count: left.length, names });
    if (left.length === 0) note.remove();
  };
  forget.addEventListener("click", () => {
    left.forEach(({ key }) => localStorage.removeItem(key));
    show();
  });
  show();
  list.before(note);
  return show;
}
