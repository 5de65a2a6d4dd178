// The live run: the page is complete, the socket adds steps, samples, checkpoints and state.
import { LossChart } from "app/chart";
import { make, setMeter } from "app/dom";
import { fetchPart } from "app/parts";
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
const chart = new LossChart($("loss"), { keep: Number($("smooth").value) });
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
const timeMarks = () => epochMarks().map((mark) => data.times[data.steps.findIndex((step) => step >= mark)]).filter((time) => time !== undefined);

/** A place on the time axis: whole minutes in words, "1:30" between them. */
const timeText = (seconds) => (seconds > 60 && seconds % 60 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : span(seconds));

/** The curves over the steps up to the planned end, or over the time since the run began. */
function setAxis(axis) {
  data.axis = axis;
  if (axis === "time") chart.setAxis({ marks: timeMarks, formatX: timeText, increments: SECONDS });
  else chart.setAxis({ marks: epochMarks, formatX: whole, maximum: data.total || null });
  drawCurves();
}
function drawCurves() {
  const byTime = data.axis === "time";
  chart.setData(byTime ? data.times : data.steps, data.losses);
  chart.setHeldOut(byTime ? data.heldTimes : data.heldSteps, data.heldLosses);
}
setAxis(new URL(location).searchParams.get("axis"));
for (const choice of $("axis").children) choice.setAttribute("aria-pressed", choice.value === (data.axis === "time" ? "time" : "steps"));
$("axis").addEventListener("segchange", ({ detail }) => {
  setAxis(detail.value);
  const here = new URL(location);
  here.searchParams.set("axis", detail.value);
  history.replaceState(history.state, "", here);
});
$("smooth").addEventListener("input", () => chart.setSmoothing(Number($("smooth").value)));

function span(seconds) {
  if (seconds < 60) return say("seconds", { n: Math.round(seconds) });
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? say("minutes", { n: minutes }) : say("hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

/** Seconds from the start of the run to a moment: where a point stands on the time axis. */
const sinceStart = (at) => (data.startedAt ? (at - new Date(data.startedAt)) / 1000 : 0);

/** How long the run has taken, waiting in line again included. */
function showElapsed(at) {
  if (data.startedAt) $("f-elapsed").textContent = span(Math.max(0, sinceStart(at)));
}

/** One step of training: figures, bar, chart. */
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
  addPoint([data.steps, data.times, data.losses], [step, sinceStart(at), loss]);
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

/** One more point of a curve; those at its step or beyond, told before the run was resumed, go. */
function addPoint(columns, values) {
  while (columns[0].length && columns[0].at(-1) >= values[0]) columns.forEach((column) => column.pop());
  columns.forEach((column, index) => column.push(values[index]));
}

/** The held-out pictures were measured. */
function validated({ step, loss }, at) {
  addPoint([data.heldSteps, data.heldTimes, data.heldLosses], [step, sinceStart(at), loss]);
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
    drawCurves();
    $("loss").setAttribute("aria-label", chartText());
  });
}

const pending = new Map();
/** Fetch a part of this page again; several wishes in a moment become one. */
function refresh(part) {
  clearTimeout(pending.get(part));
  pending.set(part, setTimeout(() => {
    fetchPart(part, `${location.pathname}?part=${part}`);
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

function stateText(event) {
  if (event.command) return say("asked", { what: words.commands[event.command] ?? event.command });
  const label = words.states[event.state] ?? event.state;
  const said = event.reason === "stopped" ? words.stopped : failure(event);
  return said ? say("told", { what: label, more: said }) : label;
}

const HANDLERS = {
  stepped,
  validated,
  artifact,
  state(event, at) {
    log(stateText(event), "", at);
    refresh("top");
    refresh("side");
    if (event.state === "running") data.startedAt ??= at.toISOString();
    if (["succeeded", "failed", "canceled"].includes(event.state)) finished(event, at);
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
    setAxis(data.axis);
    refresh("top");
  },
  warned({ code, message }, at) {
    const about = words.warnings[code];
    log(about ? say("told", { what: about, more: message }) : message, "warn", at);
  },
  published(event, at) {
    log(say("published", event), "", at);
    refresh("top");
  },
};

function finished({ state, reason }, at) {
  showElapsed(at);
  refresh("samples"); // no box waits any more
  if (state === "succeeded" && reason !== "stopped") {
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
