// Parts of the page that are fetched again: one request at a time for each, since the answer to a
// second one would look for a part that the first has replaced, and be lost.
const underWay = new Map(); // id of the part → whether it was asked for again meanwhile

/** Fetch `#id` of this page again, from an address that answers with that part; tells if it came. */
export async function fetchPart(id, address) {
  if (underWay.has(id)) {
    underWay.set(id, true);
    return true;
  }
  underWay.set(id, false);
  const before = document.getElementById(id);
  try {
    await globalThis.htmx.ajax("GET", address, { source: `#${id}`, target: `#${id}`, swap: "outerHTML" });
  } catch { // no answer: what stands stays, and app/http has said so
  }
  const again = underWay.get(id);
  underWay.delete(id);
  return again ? fetchPart(id, address) : document.getElementById(id) !== before;
}
