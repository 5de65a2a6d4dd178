// Line charts on one canvas (uPlot). Colours are tokens, so a change of theme draws anew.
import uPlot from "uplot";
import { token } from "app/theme";

/** Exponential average with start-up correction, so that the line does not begin at zero. */
export function smooth(values, keep) {
  let mean = 0;
  return values.map((value, index) => {
    mean = keep * mean + (1 - keep) * value;
    return mean / (1 - keep ** (index + 1));
  });
}

function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = token("--line-control");
  ctx.globalAlpha = 0.5;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 5 * devicePixelRatio]);
  for (const mark of marks) {
    const x = plot.valToPos(mark, "x", true);
    if (x <= bbox.left || x >= bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

// Steps are whole numbers: 1, 2, 5, 10 … apart.
const WHOLE = [...Array(8).keys()].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));

function axes(format, formatX, increments) {
  const shared = {
    stroke: token("--text-3"),
    font: `12px ${token("--font")}`,
    grid: { stroke: token("--chart-grid"), width: 1 },
    ticks: { show: false },
  };
  return [
    { ...shared, size: 34, incrs: increments ?? WHOLE, values: (_, ticks) => ticks.map(formatX) },
    { ...shared, size: 56, space: 32, values: (_, ticks) => ticks.map(format) },
  ];
}

/** The loss chart: raw values thin, smoothed bold, marks at epochs; held-out loss dashed, with points. */
export class LossChart {
  #element; #options; #plot = null; #data = [[], []]; #held = [[], []]; #keep;

  constructor(element, { keep = 0.9, format = (y) => y.toFixed(3) } = {}) {
    this.#element = element;
    this.#options = { format, maximum: null, marks: () => [], formatX: String, increments: null };
    this.#keep = keep;
    addEventListener("themechange", () => this.#draw());
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(element);
    this.#draw();
  }

  /** Replace all points: xs and ys of the same length. */
  setData(xs, ys) {
    this.#data = [xs, ys];
    this.#plot.setData(this.#series());
  }

  /** The loss of held-out pictures, measured at places of its own. */
  setHeldOut(xs, ys) {
    this.#held = [xs, ys];
    this.#plot.setData(this.#series());
  }

  /** 0 is raw, 0.98 very smooth. */
  setSmoothing(keep) {
    this.#keep = keep;
    this.#plot.setData(this.#series());
  }

  /** What lies along the bottom: where it ends (null: at the last point), how it reads, and `marks()`, asked at each drawing. */
  setAxis({ maximum = null, marks, formatX, increments = null }) {
    Object.assign(this.#options, { maximum, marks, formatX, increments });
    this.#draw();
  }

  #size() {
    return { width: this.#element.clientWidth, height: this.#element.clientHeight };
  }

  #series() {
    // join() leaves what one curve lacks undefined, which breaks no line.
    return uPlot.join([[...this.#data, smooth(this.#data[1], this.#keep)], this.#held]);
  }

  #draw() {
    this.#plot?.destroy();
    const { maximum, format, formatX, increments } = this.#options;
    const range = (_plot, _low, high) => [0, maximum || high || 1];
    this.#plot = new uPlot({
      ...this.#size(),
      legend: { show: false },
      cursor: { points: { size: 8 }, y: false },
      scales: { x: { time: false, range } },
      axes: axes(format, formatX, increments),
      series: [
        {},
        { stroke: token("--chart-raw"), width: 1, points: { show: false } },
        { stroke: token("--chart-line"), width: 2.5, points: { show: false } },
        { stroke: token("--chart-held"), width: 2, dash: [6, 4], points: { show: true, size: 7, fill: token("--chart-held") } },
      ],
      hooks: { drawClear: [(plot) => drawMarks(plot, this.#options.marks())] },
    }, this.#series(), this.#element);
  }
}
