// Times in the reader's own zone: exact on hover, clock times in place; "2 minutes ago" stays true.

const lang = document.documentElement.lang;
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const seconds = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

const relative = new Intl.RelativeTimeFormat(lang);
const STEPS = [["day", 86_400], ["hour", 3600], ["minute", 60]];
const MINUTE_MS = 60_000;
const WEEK_SECONDS = 7 * 86_400;

/** What the server says of a past instant, said again later; "" in its first minute and after a week. */
function agoText(at) {
  const passed = (Date.now() - at) / 1000;
  const [unit, seconds] = STEPS.find((step) => passed >= step[1]) ?? [];
  if (!unit || passed >= WEEK_SECONDS) return "";
  return relative.format(-Math.floor(passed / seconds), unit).replace(/(\d)(?=\p{Script=Han})/u, "$1 ");
}

/** "14:31" in the reader's zone. */
export const clockText = (date) => clock.format(date);

/** "14:31:07" in the reader's zone. */
export const secondsText = (date) => seconds.format(date);

export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    element.title = exact.format(at);
    if ("clock" in element.dataset) element.textContent = clock.format(at);
    if ("clockSeconds" in element.dataset) element.textContent = seconds.format(at);
  }
}

setInterval(() => {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = agoText(new Date(element.dateTime));
    if (text) element.textContent = text;
  }
}, MINUTE_MS);

localise(document);
document.addEventListener("htmx:load", (event) => localise(event.target));
