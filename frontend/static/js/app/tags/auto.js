// Auto-tagging: ask for it, watch it, take the tags over when it is done.
import { send } from "app/http";
import { toast } from "app/toast";
import { say } from "app/tags/draw";
import { chosen, shown, urls } from "app/tags/state";

const POLL_MS = 1500;
const button = document.getElementById("auto");
const status = document.getElementById("auto-status");

/** `onDone` fetches the pictures anew; `undo` takes the whole run back. */
export function start({ onDone, undo }) {
  if (!button) return;
  button.addEventListener("click", async () => {
    const some = chosen();
    const list = some.length > 1 ? some : shown();
    button.disabled = true;
    try {
      watch(await send(urls.auto, { body: { kind: "add", items: list.map((item) => item.id) } }), { onDone, undo });
    } catch (error) {
      over(error.message);
    }
  });
  send(urls.auto, { method: "GET" }).then((run) => run.status === "waiting" && watch(run, { onDone, undo }), () => {});
}

async function watch(run, { onDone, undo }) {
  let now = run;
  button.disabled = true;
  status.hidden = false;
  while (now.status === "waiting") {
    status.textContent = say("tagging", now);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    now = await send(urls.auto, { method: "GET" }).catch(() => now); // a lost line is no end of the run
  }
  over(now.error);
  await onDone();
  if (!now.error) toast(say("tagged"), { undo });
}

function over(error) {
  button.disabled = false;
  status.hidden = true;
  if (error) toast(error, { kind: "danger" });
}
