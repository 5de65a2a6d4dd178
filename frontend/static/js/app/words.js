// Sentences come from the page (json_script), so there is no second catalogue.
const element = document.getElementById("words");
const words = element ? JSON.parse(element.textContent) : {};

/** Fill {names} in a sentence. */
export const fill = (sentence, values = {}) => sentence.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);

/** The sentence for a key, with its {names} filled. */
export const word = (key, values) => fill(words[key] ?? key, values);

/** JSON that the template put into the page with json_script. */
export function pageData(id) {
  const holder = document.getElementById(id);
  return holder ? JSON.parse(holder.textContent) : null;
}
