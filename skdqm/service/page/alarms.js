// The list of alarms, and the one that was chosen.

import { ask, now } from "./service.js";
import { count, dateAndTime, duration, element, goesOn, localTime, number, placeOf, rarity, sorted, stateOf, time } from "./words.js";

const at = (id) => document.getElementById(id);

function newRow(id, choose) {
  const button = element("button");
  button.type = "button";
  button.dataset.id = id;
  button.append(element("span", "", "what"), element("span", "", "what when"), element("span", "", "when"));
  button.addEventListener("click", () => choose(id));
  const item = element("li");
  item.append(button);
  return item;
}

function fillRow(row, alarm, chosen, latest) {
  const button = row.firstChild;
  const state = stateOf(alarm);
  const ago = duration(Math.max(0, now() - alarm.last_time));
  const texts = [
    `${alarm.culprit || "abnormal as a whole"} – ${placeOf(alarm)}`,
    alarm.reason,
    `${state}; ${goesOn(alarm, latest) ? "going on" : "no longer seen"}, last ${time(alarm.last_time)} UTC (${ago} ago)`,
  ];
  texts.forEach((text, i) => (button.children[i].textContent = text));
  button.dataset.state = state;
  button.setAttribute("aria-pressed", String(alarm.id === chosen));
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...at("alarms").querySelectorAll("button")];
  buttons[buttons.indexOf(document.activeElement) + step]?.focus();
}

export class Alarms {
  constructor(confirm) {
    this.confirm = confirm;
    this.byId = new Map();
    this.chosen = null;
    this.rows = new Map();
    at("alarms").addEventListener("keydown", moveFocus);
    at("acknowledge-form").addEventListener("submit", (event) => this.acknowledge(event));
    at("withdraw").addEventListener("click", () => this.act("DELETE", "acknowledge"));
    at("mask").addEventListener("click", () => this.mask());
  }

  show(byId, kind, latest) {
    Object.assign(this, { byId, kind, latest });
    this.draw();
  }

  draw() {
    const { byId } = this;
    const focused = document.activeElement?.dataset?.id;
    const shown = sorted(byId.values());
    // Rows stay the same, so that a click is not lost when one changes meanwhile.
    this.rows = new Map(shown.map(({ id }) => [id, this.rows.get(id) ?? newRow(id, (chosen) => this.choose(chosen))]));
    for (const alarm of shown) fillRow(this.rows.get(alarm.id), alarm, this.chosen, this.latest);
    const rows = [...this.rows.values()];
    const before = at("alarms").children;
    if (rows.length !== before.length || rows.some((row, i) => row !== before[i])) at("alarms").replaceChildren(...rows);
    at("no-alarms").hidden = byId.size > 0;
    if (focused) at("alarms").querySelector(`[data-id="${focused}"]`)?.focus({ preventScroll: true });
    if (this.chosen !== null) this.describe();
  }

  choose(id) {
    this.chosen = id;
    this.shown = null;
    at("comment").value = "";
    at("action-error").textContent = "";
    this.draw();
    at("detail-title").focus();
  }

  describe() {
    const alarm = this.byId.get(this.chosen);
    at("detail").hidden = !alarm;
    if (!alarm) return;
    const state = stateOf(alarm);
    at("detail-title").textContent = `${alarm.culprit || "Abnormal as a whole"} – ${placeOf(alarm)}`;
    at("detail-reason").textContent = alarm.reason;
    const facts = [
      ["Score", `${number(alarm.score)}, threshold ${number(alarm.threshold)}`],
      ["How rare", rarity(alarm.p_value)],
      ["Seen", `${dateAndTime(alarm.first_time)} to ${time(alarm.last_time)} UTC (${localTime(alarm.last_time)} here)`],
      ["Flagged", count(alarm.n_flagged, this.kind === "lumisections" ? "lumisection" : "event")],
    ];
    at("detail-facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
    at("detail-state").textContent = this.stateInWords(alarm, state);
    at("acknowledge").hidden = Boolean(alarm.acknowledged);
    at("comment").parentElement.hidden = Boolean(alarm.acknowledged);
    at("withdraw").hidden = !alarm.acknowledged;
    at("mask").hidden = !alarm.culprit || alarm.masked;
    at("mask").textContent = `Mask ${alarm.culprit}`;
    if (this.shown !== `${alarm.id} ${alarm.score}`) this.showEvidence();
  }

  stateInWords(alarm, state) {
    if (state === "open") return "Open: nobody has acknowledged it.";
    if (state === "masked") return "Masked: it does not ring. The mask can be taken away under Masks, below.";
    const { by, at: when, comment } = alarm.acknowledged;
    return `Acknowledged by ${by} at ${time(when)} UTC${comment ? `: ${comment}` : "."}`;
  }

  async showEvidence() {
    const alarm = this.byId.get(this.chosen);
    if (!alarm) return;
    const shown = `${alarm.id} ${alarm.score}`;
    const isOther = !this.shown || this.shown.split(" ")[0] !== String(alarm.id);
    this.shown = shown;
    if (isOther) at("evidence").replaceChildren(element("p", "Drawing …", "quiet"));
    try {
      const evidence = await ask(`/v1/alarms/${alarm.id}/evidence`);
      if (this.shown !== shown) return;
      at("evidence").replaceChildren(...pictures(evidence), ...features(evidence));
      if (isOther) at("detail").scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (this.shown === shown) at("evidence").replaceChildren(element("p", `No picture: ${error.message}`, "error"));
    }
  }

  async acknowledge(event) {
    event.preventDefault();
    await this.act("POST", "acknowledge", { comment: at("comment").value });
  }

  async mask() {
    const { model, culprit } = this.byId.get(this.chosen);
    const text = `Mask ${culprit}? Its open alarms and all later ones are kept in the list, but do not ring (the line at the top does not count them), until somebody takes the mask away.`;
    if (!(await this.confirm(text, `Mask ${culprit}`))) return;
    await this.tried(() => ask("/v1/masks", { method: "POST", body: { model, culprit, comment: at("comment").value } }));
  }

  async act(method, action, body) {
    const alarm = await this.tried(() => ask(`/v1/alarms/${this.chosen}/${action}`, { method, body }));
    if (!alarm) return;
    this.byId.set(alarm.id, alarm);
    this.draw();
  }

  async tried(request) {
    at("action-error").textContent = "";
    try {
      return await request();
    } catch (error) {
      at("action-error").textContent = `That did not work: ${error.message}`;
      return null;
    }
  }
}

function pictures(evidence) {
  return evidence.pictures.map(({ title, source }) => {
    const image = new Image();
    image.src = source;
    image.alt = title;
    const figure = element("figure");
    figure.append(element("figcaption", title), image);
    return figure;
  });
}

function features(evidence) {
  if (!evidence.features.length) return [];
  const rows = evidence.features.map(({ name, value, share }) => {
    const bar = element("div", "", "bar");
    bar.style.width = `${100 * share}%`;
    const cell = element("td");
    cell.append(bar);
    const row = element("tr");
    row.append(element("td", name), element("td", number(value), "number"), element("td", `${Math.round(100 * share)} %`, "number"), cell);
    return row;
  });
  const head = element("tr");
  head.append(...["Feature", "Value", "Share", "of what is unusual"].map((name, i) => element("th", name, i === 1 || i === 2 ? "number" : "")));
  const table = element("table");
  table.append(head, ...rows);
  return [table];
}
