// The live run: the page is complete, the socket adds steps, samples, checkpoints and state.
import { LossChart } from "app/chart";
import { make, setMeter } from "app/dom";
import { sizeText } from "app/sizes";
import { LiveSocket, showState } from "app/socket";
import { clockText, secondsText } from "app/times";
import { fill, pageData } from "app/words";

const data = pageData("run-data");
const words = pageData("run-words");
const $ = (id) => document.getElementById(id);
const say = (key, values) => fill(words[key], values);
const whole = (value) => Math.round(value).toLocaleString("en");
const LOG_LINES = 400;

const MOST_MARKS = 24;
/** Where epochs end on the chart; of very many epochs only every so many. */
function epochMarks() {
  const every = Math.ceil(data.epochs / MOST_MARKS);
  const marks = [];
  for (let epoch = every; epoch < data.epochs; epoch += every) marks.push((epoch * data.total) / data.epochs);
  return marks;
}
const chart = new LossChart($("loss"), { maximum: data.total || null, marks: epochMarks(), keep: Number($("smooth").value) });
chart.setData(data.steps, data.losses);
chart.setHeldOut(data.heldSteps, data.heldLosses);
$("smooth").addEventListener("input", () => chart.setSmoothing(Number($("smooth").value)));

function span(seconds) {
  if (seconds < 60) return say("seconds", { n: Math.round(seconds) });
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? say("minutes", { n: minutes }) : say("hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

/** How long the run has taken, waiting in line again included. */
function showElapsed(at) {
  if (data.startedAt) $("f-elapsed").textContent = span(Math.max(0, at - new Date(data.startedAt)) / 1000);
}

/** One step of training: figures, bar, chart. A resumed run may tell steps again: they replace the old ones. */
function stepped(event, at) {
  const { step, total_steps: total, epoch, loss, steps_per_second: speed, eta_seconds: eta, memory } = event;
  const percent = Math.min(99, Math.floor((100 * step) / total));
  $("pct").textContent = percent;
  $("step").textContent = whole(step);
  $("total").textContent = whole(total);
  setMeter($("bar"), step, total);
  $("f-left").textContent = span(eta);
  showElapsed(at);
  $("f-speed").textContent = `${speed.toFixed(2)} it/s`;
  $("f-loss").textContent = loss.toFixed(4);
  const rate = event.learning_rate ?? Object.values(event.learning_rates ?? {})[0];
  if (rate !== undefined) $("f-rate").textContent = Number(rate).toExponential(1);
  if (memory) $("f-memory").textContent = sizeText(memory);
  $("ends").hidden = false;
  $("ends-at").textContent = clockText(new Date(Date.now() + eta * 1000));
  const note = $("stage-note");
  if (note && data.epochs) note.textContent = say("epoch", { now: epoch, all: data.epochs });
  document.title = say("title", { percent, name: data.name });
  while (data.steps.length && data.steps.at(-1) >= step) { data.steps.pop(); data.losses.pop(); }
  data.steps.push(step);
  data.losses.push(loss);
  announceSamples(step, speed);
  queueChart();
}

/** The boxes of the samples that come next say when; they wait for the end of their epoch. */
function announceSamples(step, speed) {
  const next = document.querySelector("#samples tbody tr td > .wait")?.parentElement.id.split("-").at(-1);
  if (!next || !speed || !data.epochs) return;
  const seconds = ((next * data.total) / data.epochs - step) / speed;
  if (seconds <= 0) return;
  for (const box of document.querySelectorAll(`#samples td[id$="-${next}"] > .wait`)) {
    box.replaceChildren(make("span", {}, say("in", { time: span(seconds) })));
  }
}

/** The held-out pictures were measured. A resumed run may tell a step again: it replaces the old one. */
function validated({ step, loss }) {
  while (data.heldSteps.length && data.heldSteps.at(-1) >= step) { data.heldSteps.pop(); data.heldLosses.pop(); }
  data.heldSteps.push(step);
  data.heldLosses.push(loss);
  $("held-key").hidden = false;
  $("f-held").textContent = loss.toFixed(4);
  queueChart();
}

/** The chart in words: the last loss, and how the held-out loss moved. */
function chartText() {
  const parts = [];
  if (data.losses.length) parts.push(say("loss_text", { loss: data.losses.at(-1).toFixed(4), step: whole(data.steps.at(-1)), total: whole(data.total) }));
  if (data.heldLosses.length) parts.push(say("held_text", { loss: data.heldLosses.at(-1).toFixed(4), lowest: Math.min(...data.heldLosses).toFixed(4) }));
  return parts.join(" ");
}

let waiting = false;
function queueChart() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    chart.setData(data.steps, data.losses);
    chart.setHeldOut(data.heldSteps, data.heldLosses);
    $("loss").setAttribute("aria-label", chartText());
  });
}

const pending = new Map();
/** Fetch a part of this page again; several wishes in a moment become one. */
function refresh(part) {
  clearTimeout(pending.get(part));
  pending.set(part, setTimeout(() => {
    globalThis.htmx.ajax("GET", `${location.pathname}?part=${part}`, { target: `#${part}`, swap: "outerHTML" });
  }, 150));
}

function artifact(file, at) {
  if (file.kind === "checkpoint") {
    log(say("checkpoint", { name: `${file.name} (${sizeText(file.size_bytes)})` }), "", at);
    refresh("side");
    return;
  }
  if (file.kind !== "sample") return;
  log(say("sample", file), "", at);
  const cell = $(`s-${file.prompt_index}-${file.epoch}`);
  if (!cell) {
    refresh("samples");
    return;
  }
  const picture = make("img", { src: file.thumbnail_url, alt: file.prompt ?? "", width: 320, height: 320 });
  cell.replaceChildren(make("a", { href: file.url, class: "smp" }, picture));
}

function log(text, kind = "", at = new Date()) {
  const box = $("log");
  const line = make("span", { class: kind }, make("time", { datetime: at.toISOString() }, secondsText(at)), ` ${text}\n`);
  box.append(line);
  while (box.children.length > LOG_LINES) box.firstElementChild.remove();
  if ($("follow").checked) box.scrollTop = box.scrollHeight;
  return line;
}

/** Why the state changed, in the reader's language; an unknown code keeps the trainer's words. */
function failure({ code, params = {}, message = "" }) {
  if (code === "too_many_attempts" && params.reason) return say("repeated", { count: params.count, reason: failure(params.reason) });
  return words.failures[code] ? fill(words.failures[code], params) : message;
}

const HANDLERS = {
  stepped,
  validated,
  artifact,
  state(event, at) {
    const label = words.states[event.state] ?? event.state;
    const said = failure(event);
    log(said ? `${label}: ${said}` : label, "", at);
    refresh("top");
    refresh("side");
    if (event.state === "running") data.startedAt ??= at.toISOString();
    if (["succeeded", "failed", "canceled"].includes(event.state)) finished(event.state, at);
  },
  stage(event, at) {
    const text = words.stages[event.stage] ?? event.stage;
    if (event.stage !== "validating") {
      const last = $("log").lastElementChild;
      if (last?.dataset.stage === event.stage) last.remove();
      log(text, "", at).dataset.stage = event.stage;
    }
    const note = $("stage-note");
    if (note && event.stage !== "training") note.textContent = text;
    else if (!note) refresh("top");
  },
  started(event, at) {
    log(say(event.resumed ? "resumed" : "started", event), "", at);
    data.total = event.total_steps;
    data.epochs = event.epochs;
    chart.setMarks(epochMarks(), data.total);
    refresh("top");
  },
  warned({ code, message }, at) {
    log(words.warnings[code] ? `${words.warnings[code]}: ${message}` : message, "warn", at);
  },
  published(event, at) {
    log(say("published", event), "", at);
    refresh("top");
  },
};

function finished(state, at) {
  showElapsed(at);
  if (state === "succeeded") {
    $("pct").textContent = 100;
    setMeter($("bar"), 1, 1);
  }
  $("ends").hidden = true;
  $("f-left").textContent = "–";
  document.title = data.name;
}

if (!data.isFinal) {
  const socket = new LiveSocket(data.socket, {
    after: data.after,
    onState: showState($("conn")),
    onMessage({ kind, data: event, at }) {
      HANDLERS[kind]?.(event, at ? new Date(at) : new Date());
      if (kind === "state" && ["succeeded", "failed", "canceled"].includes(event.state)) setTimeout(() => socket.close(), 5000);
    },
  });
}
$("log").scrollTop = $("log").scrollHeight;
