// Times in the reader's own zone: exact on hover, clock times in place.

const lang = document.documentElement.lang;
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const seconds = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

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

localise(document);
document.addEventListener("htmx:load", (event) => localise(event.target));
