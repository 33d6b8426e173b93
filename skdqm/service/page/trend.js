// The trend of scores against their threshold, and how many alarms there were.

import { dateAndTime, number, time } from "./words.js";

const HEIGHT = 240;
const HEIGHT_OF_COUNTS = 90;
const HEIGHT_OF_PLACES = 28;
// Events without a lumisection are put together for so many seconds.
const SLOT = 5;
// Beyond this ratio between the largest score and the threshold, a linear scale hides the rest.
const WIDE = 20;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function nameOf(point) {
  return point.run === null ? time(point.time) : `${point.lumisection}`;
}

function isPartOf(point, alarm) {
  if (point.run === null) return alarm.run === null && alarm.first_time <= point.time && alarm.last_time > point.time - SLOT;
  return alarm.run === point.run && alarm.first_lumisection <= point.lumisection && point.lumisection <= alarm.last_lumisection;
}

function isWide(points) {
  const scores = points.map((point) => point.score).filter((score) => score !== null);
  const thresholds = points.map((point) => point.threshold).filter((value) => value !== null);
  if (!scores.length || Math.min(...scores, ...thresholds) <= 0) return false;
  return Math.max(...scores) > WIDE * Math.max(...thresholds);
}

export class Trend {
  constructor(place, counts) {
    this.place = place;
    this.counts = counts;
    this.points = [];
    this.marks = [];
    this.alarms = [];
    this.charts = [];
    new ResizeObserver(() => this.resize()).observe(place.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  show(points, marks, alarms) {
    this.points = points;
    this.marks = marks;
    this.alarms = alarms.filter((alarm) => !alarm.masked);
    const wide = isWide(points);
    if (!points.length || !this.charts.length || wide !== this.wide) {
      this.wide = wide;
      this.rebuild();
      return;
    }
    const data = this.data();
    this.charts.forEach((chart, i) => {
      chart.setData(data[i]);
      // Other points may lie at the same places: the names on the axis are not those of before.
      chart.redraw(false, true);
    });
  }

  rebuild() {
    this.charts.forEach((chart) => chart.destroy());
    this.charts = [];
    if (!this.points.length) return;
    const [scores, counts] = this.data();
    this.charts = [
      new uPlot(this.scoreOptions(), scores, this.place),
      new uPlot(this.countOptions(), counts, this.counts),
    ];
  }

  resize() {
    const width = this.place.parentElement.clientWidth;
    this.charts.forEach((chart, i) => chart.setSize({ width, height: i ? HEIGHT_OF_COUNTS : HEIGHT }));
  }

  data() {
    const places = this.points.map((_, i) => i);
    const alarmsAt = (point) => this.alarms.filter((alarm) => isPartOf(point, alarm)).length;
    return [
      [places, this.points.map((point) => point.score), this.points.map((point) => point.threshold)],
      [places, this.points.map(alarmsAt)],
    ];
  }

  options(height, series, axisName, hooks) {
    const ink = colour("--quiet");
    const grid = { stroke: colour("--rule"), width: 0.5 };
    const names = (chart, splits) => splits.map((i) => (this.points[i] ? nameOf(this.points[i]) : ""));
    const whole = (chart, axis, low, high, step) => {
      const found = [];
      const every = Math.max(1, Math.ceil(step));
      for (let i = Math.ceil(low / every) * every; i <= high; i += every) found.push(i);
      return found;
    };
    return {
      width: this.place.parentElement.clientWidth,
      height,
      series: [{ label: "at", value: (chart, i) => this.nameAt(i) }, ...series],
      scales: { x: { time: false, range: (chart, low, high) => [low - 0.5, Math.max(high, low + 9) + 0.5] } },
      axes: [
        { stroke: ink, grid, ticks: grid, values: names, splits: whole, space: 70, size: HEIGHT_OF_PLACES },
        { stroke: ink, grid, ticks: grid, label: axisName, labelSize: 20, size: 60 },
      ],
      cursor: { drag: { x: false, y: false }, sync: { key: "skdqm" } },
      hooks: { draw: hooks },
    };
  }

  nameAt(i) {
    const point = this.points[i];
    if (!point) return "";
    const judged = `${point.n_flagged.toLocaleString("en")} flagged of ${point.n.toLocaleString("en")}`;
    const where = point.run === null ? "" : `run ${point.run}, lumisection ${point.lumisection}, `;
    return `${where}${dateAndTime(point.time)} UTC, ${judged}`;
  }

  scoreOptions() {
    const shown = (chart, value) => number(value);
    const series = [
      { label: "score", value: shown, stroke: colour("--line"), width: 1.5, points: { size: 4 } },
      { label: "threshold", value: shown, stroke: colour("--threshold"), width: 1.5, dash: [6, 4], points: { show: false } },
    ];
    const options = this.options(HEIGHT, series, "score", [
      (chart) => this.drawRuns(chart),
      (chart) => this.drawMarks(chart),
      (chart) => this.drawUndecided(chart),
      (chart) => this.drawFlagged(chart),
    ]);
    options.scales.y = this.wide ? { distr: 3 } : { range: (chart, low, high) => this.yRange(low, high) };
    return options;
  }

  countOptions() {
    const bars = uPlot.paths.bars({ size: [0.8, 40] });
    const series = [
      { label: "alarms", value: (chart, value) => number(value), fill: colour("--alarm"), width: 0, paths: bars, points: { show: false } },
    ];
    const options = this.options(HEIGHT_OF_COUNTS, series, "alarms", []);
    options.scales.y = { range: (chart, low, high) => [0, Math.max(high ?? 0, 1) * 1.05] };
    options.axes[1].space = 20;
    options.axes[1].incrs = [1, 2, 5, 10, 20, 50, 100];
    options.legend = { show: false };
    return options;
  }

  yRange(low, high) {
    const lowest = Math.min(low ?? 0, 0);
    const span = (high ?? 1) - lowest || 1;
    return [lowest, lowest + 1.16 * span];
  }

  drawRuns(chart) {
    this.onCanvas(chart, colour("--quiet"), [], (context, x, top, bottom) => {
      this.points.forEach((point, i) => {
        if (point.run === null || (i && this.points[i - 1].run === point.run)) return;
        const at = x(i - 0.5);
        if (i) {
          context.beginPath();
          context.moveTo(at, top);
          context.lineTo(at, bottom);
          context.stroke();
        }
        context.fillText(`run ${point.run}`, at + 5, top + 12 * devicePixelRatio);
      });
    });
  }

  drawMarks(chart) {
    const places = new Map(this.points.map((point, i) => [point.key, i]));
    this.onCanvas(chart, colour("--mark"), [2, 3], (context, x, top, bottom) => {
      for (const mark of this.marks) {
        const i = places.get(mark.key);
        if (i === undefined) continue;
        const at = x(i + 0.5);
        context.beginPath();
        context.moveTo(at, top);
        context.lineTo(at, bottom);
        context.stroke();
        context.save();
        context.translate(at + 4, bottom - 6);
        context.rotate(-Math.PI / 2);
        context.fillText(mark.action, 0, 10 * devicePixelRatio);
        context.restore();
      }
    });
  }

  // A cross at the bottom: there was a lumisection, and nothing can be said of it.
  drawUndecided(chart) {
    this.onCanvas(chart, colour("--quiet"), [], (context, x, top, bottom) => {
      const size = 3 * devicePixelRatio;
      context.beginPath();
      this.points.forEach((point, i) => {
        if (point.score !== null) return;
        const [at, y] = [x(i), bottom - 2 * size];
        context.moveTo(at - size, y - size);
        context.lineTo(at + size, y + size);
        context.moveTo(at - size, y + size);
        context.lineTo(at + size, y - size);
      });
      context.stroke();
    });
  }

  // A triangle, so that it does not take a colour to see it.
  drawFlagged(chart) {
    this.onCanvas(chart, colour("--alarm"), [], (context, x) => {
      const size = 6 * devicePixelRatio;
      this.points.forEach((point, i) => {
        if (!point.n_flagged || point.score === null) return;
        const at = x(i);
        const y = chart.valToPos(point.score, "y", true);
        context.beginPath();
        context.moveTo(at, y - size);
        context.lineTo(at + size, y + 0.7 * size);
        context.lineTo(at - size, y + 0.7 * size);
        context.closePath();
        context.fill();
      });
    });
  }

  onCanvas(chart, ink, dash, draw) {
    const context = chart.ctx;
    const { left, top, width, height } = chart.bbox;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.strokeStyle = ink;
    context.fillStyle = ink;
    context.lineWidth = devicePixelRatio;
    context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    context.setLineDash(dash);
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    draw(context, (i) => chart.valToPos(i, "x", true), top, top + height);
    context.restore();
  }
}
