// Brings the samples of the component page to life.
import { LossChart } from "app/chart";
import { placeMasonry } from "app/masonry";
import { toast } from "app/toast";

const POINTS = 240;
let seed = 7;
const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
const xs = Array.from({ length: POINTS }, (_, index) => (index + 1) * 5);
const ys = xs.map((x) => 0.083 + 0.062 * Math.exp(-x / 420) + (random() - 0.5) * 0.05);

const chart = new LossChart(document.getElementById("guide-chart"), { format: (y) => y.toFixed(2) });
chart.setAxis({ maximum: 1960, marks: () => [1, 2, 3, 4, 5, 6, 7, 8, 9].map((epoch) => epoch * 196), formatX: (x) => x.toLocaleString() });
chart.setData(xs, ys);
document.getElementById("guide-smooth").addEventListener("input", (event) => chart.setSmoothing(Number(event.target.value)));

for (const list of document.querySelectorAll("ul.masonry")) placeMasonry(list);
document.querySelector("[data-sample-toast]").addEventListener("click", (event) => {
  toast(event.currentTarget.dataset.sampleToast, { undo: () => {} });
});
