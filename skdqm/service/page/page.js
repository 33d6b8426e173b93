// The page of the shift crew: what the stream says, on the screen.

import { Alarms } from "./alarms.js";
import { ask, follow, now, rememberToken } from "./service.js";
import { Trend } from "./trend.js";
import { count, dateAndTime, duration, element, goesOn, localTime, number, placeOf, sorted, stateOf, time } from "./words.js";

const at = (id) => document.getElementById(id);

// What is kept: a page may be open for weeks.
const MOST_POINTS = 600;
const MOST_ALARMS = 200;
const MOST_MARKS = 50;
const STALE_SECONDS = 180;
const LONGEST_PAUSE = 15;

const state = { model: null, points: new Map(), alarms: new Map(), marks: new Map(), masks: new Map() };
let connection = "connecting";
let lastHeard = 0;
let streaming = new AbortController();

const trend = new Trend(at("trend"), at("counts"));
const alarms = new Alarms(confirmed);

function confirmed(text, yes) {
  const dialog = at("confirm");
  at("confirm-text").textContent = text;
  at("confirm-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function keep(kind, rows, key, most) {
  for (const row of rows) {
    state[kind].delete(row[key]);
    state[kind].set(row[key], row);
  }
  for (const old of [...state[kind].keys()].slice(0, Math.max(0, state[kind].size - most))) state[kind].delete(old);
}

// Open ones stay longest.
function keepAlarms(rows) {
  for (const row of rows) state.alarms.set(row.id, row);
  state.alarms = new Map(sorted(state.alarms.values()).slice(0, MOST_ALARMS).map((alarm) => [alarm.id, alarm]));
}

// In the order of lumisections; those without, in the order of time.
function byPlace(a, b) {
  return (a.run ?? -1) - (b.run ?? -1) || (a.run === null ? a.time - b.time : a.lumisection - b.lumisection);
}

function keepPoints(points) {
  for (const point of points) state.points.set(point.key, point);
  const inTime = [...state.points.values()].sort((a, b) => a.time - b.time || byPlace(a, b));
  const kept = inTime.slice(-MOST_POINTS).sort(byPlace);
  state.points = new Map(kept.map((point) => [point.key, point]));
}

const HEARD = {
  snapshot(found) {
    state.model = found.model;
    for (const kind of ["points", "alarms", "marks", "masks"]) state[kind] = new Map();
    for (const kind of ["points", "marks", "masks"]) HEARD[kind](found[kind]);
    keepAlarms(found.alarms);
    showAlarms();
    showTrend();
    showModel();
    addOpenAlarms(found.model.name);
  },
  points(rows) {
    keepPoints(rows);
    showTrend();
  },
  alarms(rows) {
    announce(rows.filter((alarm) => !state.alarms.has(alarm.id) && stateOf(alarm) === "open"));
    keepAlarms(rows);
    showAlarms();
    showTrend();
  },
  marks(rows) {
    keep("marks", rows, "id", MOST_MARKS);
    showMarks();
    showTrend();
    if (rows.length && state.model) refreshModel();
  },
  masks(rows) {
    keep("masks", rows.filter((mask) => !mask.removed), "id", MOST_ALARMS);
    for (const mask of rows) if (mask.removed) state.masks.delete(mask.id);
    showMasks();
  },
};

// The snapshot has the newest alarms: older ones may be open still.
async function addOpenAlarms(model) {
  try {
    const rows = await ask(`/v1/alarms?model=${encodeURIComponent(model)}&open=true&limit=${MOST_ALARMS}`);
    if (model !== state.model.name) return;
    keepAlarms(rows.filter((alarm) => !state.alarms.has(alarm.id)));
    showAlarms();
  } catch {
    // The stream will say that the service is gone.
  }
}

function announce(news) {
  if (!news.length) return;
  const { culprit, reason } = news[0];
  const more = news.length > 1 ? `, and ${news.length - 1} more` : "";
  at("news").textContent = `New alarm: ${culprit || "abnormal as a whole"}, ${placeOf(news[0])}: ${reason}${more}`;
}

function latestPoint() {
  return [...state.points.values()].at(-1);
}

function showAlarms() {
  alarms.show(state.alarms, state.model?.kind, latestPoint());
}

function showModel() {
  const { detector, threshold, alarm_rate: rate, version, kind, elements, n_features: n } = state.model;
  const takes = kind === "lumisections" ? count(Object.keys(elements).length, "monitoring element") : count(n, "feature");
  const promise = rate === null ? "no promised alarm rate" : `flags ${number(100 * rate)} % of good ones`;
  at("model-facts").textContent = `${detector}, ${takes}, version ${version}, threshold ${number(threshold)}, ${promise}`;
}

async function refreshModel() {
  try {
    state.model = await ask(`/v1/models/${encodeURIComponent(state.model.name)}`);
    showModel();
  } catch {
    // The stream will say that the service is gone.
  }
}

function showTrend() {
  const points = [...state.points.values()];
  trend.show(points, [...state.marks.values()], [...state.alarms.values()]);
  const last = latestPoint();
  at("trend-words").textContent = last
    ? `Each point is ${last.run === null ? "five seconds" : "a lumisection"}; the latest: ${trend.nameAt(points.length - 1)}.`
    : "Nothing was judged so far.";
}

function showMarks() {
  const rows = [...state.marks.values()].toReversed().slice(0, 8);
  at("marks").replaceChildren(...rows.map((mark) => element("li", `${dateAndTime(mark.time)} UTC: ${mark.text}`)));
}

function showMasks() {
  const rows = [...state.masks.values()].map((mask) => {
    const comment = mask.comment ? `: ${mask.comment}` : "";
    const item = element("li", `${mask.culprit}, by ${mask.by} at ${dateAndTime(mask.at)} UTC${comment}`);
    const button = element("button", `Unmask ${mask.culprit}`);
    button.addEventListener("click", () => unmask(mask));
    item.append(button);
    return item;
  });
  at("masks").replaceChildren(...rows);
  at("no-masks").hidden = rows.length > 0;
}

async function unmask(mask) {
  const text = `Take the mask off ${mask.culprit}? Its later alarms ring again; those that it has hidden stay masked.`;
  if (!(await confirmed(text, `Unmask ${mask.culprit}`))) return;
  try {
    const changed = await ask(`/v1/masks/${mask.id}`, { method: "DELETE" });
    HEARD.masks([changed]);
  } catch (error) {
    at("action-error").textContent = `That did not work: ${error.message}`;
  }
}

function statusNow() {
  if (connection === "connecting") return ["lost", "Connecting …"];
  if (connection === "lost") return ["lost", `Connection lost – reconnecting${lastHeard ? `; what you see is from ${time(lastHeard)} UTC` : ""}`];
  const open = [...state.alarms.values()].filter((alarm) => stateOf(alarm) === "open");
  const goingOn = open.filter((alarm) => goesOn(alarm, latestPoint())).length;
  const points = [...state.points.values()];
  const latest = points.reduce((last, point) => Math.max(last, point.time), 0);
  const age = now() - latest;
  const more = open.length < MOST_ALARMS ? "" : " or more";
  if (open.length) return ["alarm", `${count(open.length, "open alarm")}${more}, ${goingOn || "none"} going on${age > STALE_SECONDS && latest ? `; no data for ${duration(age)}` : ""}`];
  if (!points.length) return ["stale", "Waiting for data"];
  if (age > STALE_SECONDS) return ["stale", `No data for ${duration(age)}`];
  const { n, n_undecided: undecided } = latestPoint();
  if (n === undecided) return ["stale", "No open alarm; not enough data to judge now"];
  return ["good", `All good: no open alarm${state.masks.size ? `, ${state.masks.size} masked` : ""}`];
}

function showStatus() {
  const [kind, text] = statusNow();
  const line = at("status");
  // Only what is new is read aloud.
  if (line.textContent !== text) line.textContent = text;
  line.className = kind;
  at("content").classList.toggle("old", kind === "lost");
  document.title = `${kind === "alarm" ? `(${text}) ` : ""}skdqm shift`;
  at("clock").textContent = `${dateAndTime(now())} UTC, ${localTime(now())} here`;
}

async function showAudit() {
  if (!at("audit").open) return;
  const rows = await ask(`/v1/audit?model=${encodeURIComponent(state.model.name)}&limit=50`);
  at("audit-rows").replaceChildren(
    ...rows.map((row) => {
      const detail = Object.entries(row.detail).filter(([, value]) => value !== "").map(([name, value]) => `${name} ${typeof value === "number" ? number(value) : value}`);
      const made = element("tr");
      made.append(...[dateAndTime(row.time), row.actor, row.action, detail.join(", ")].map((text) => element("td", text)));
      return made;
    }),
  );
}

async function stay(model) {
  streaming.abort();
  streaming = new AbortController();
  const { signal } = streaming;
  let pause = 1;
  while (!signal.aborted) {
    try {
      await follow(
        model,
        (event, data) => {
          if (signal.aborted) return;
          // Heartbeats too: until then nothing was new.
          lastHeard = now();
          if (!HEARD[event]) return;
          connection = "open";
          pause = 1;
          HEARD[event](data);
          showStatus();
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) {
        askForToken("");
        return;
      }
    }
    connection = "lost";
    showStatus();
    await new Promise((resolve) => setTimeout(resolve, 1000 * pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

// Nothing of one model is shown under the name of another.
function forget() {
  connection = "connecting";
  lastHeard = 0;
  for (const kind of ["points", "alarms", "marks", "masks"]) state[kind] = new Map();
  at("model-facts").textContent = "";
  showTrend();
  showAlarms();
  showMarks();
  showMasks();
  showStatus();
}

function askForToken(message) {
  at("content").hidden = true;
  at("token-form").hidden = false;
  at("token-error").textContent = message;
  at("token").focus();
}

async function begin() {
  let models;
  try {
    models = await ask("/v1/models");
  } catch (error) {
    if (error.status === 401 || error.status === 429) {
      const wrong = error.status === 401 ? "This token is not known here." : error.message;
      askForToken(sessionStorage.length ? wrong : "");
      return;
    }
    at("content").hidden = false;
    connection = "lost";
    showStatus();
    setTimeout(begin, 2000);
    return;
  }
  at("token-form").hidden = true;
  at("content").hidden = false;
  const asked = decodeURIComponent(location.hash.slice(1));
  const chosen = models.find((model) => model.name === asked) ?? models.find((model) => model.is_default);
  at("model").replaceChildren(...models.map(({ name }) => new Option(name, name, false, name === chosen.name)));
  at("model-choice").hidden = models.length < 2;
  showStatus();
  stay(chosen.name);
}

at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = at("token").value.trim();
  at("token").value = "";
  if (!/^[\x21-\x7e]+$/.test(token)) {
    askForToken("That cannot be a token: it has letters, digits, dashes and the like, and no spaces.");
    return;
  }
  rememberToken(token);
  begin();
});
at("model").addEventListener("change", () => {
  location.hash = encodeURIComponent(at("model").value);
  alarms.chosen = null;
  at("detail").hidden = true;
  forget();
  stay(at("model").value);
});
at("audit").addEventListener("toggle", () => showAudit().catch(() => {}));
setInterval(showStatus, 1000);
setInterval(showAlarms, 10_000);
begin();
