// Numbers, times and places as shifters read them.

export function time(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 19);
}

export function dateAndTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

export function localTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString();
}

export function number(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function count(n, what) {
  return `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
}

// A p-value of a calibration is never smaller than its number of good rows allows.
export function rarity(value) {
  if (value === null) return "not known";
  return `1 in ${Math.round(1 / value).toLocaleString("en")} good ones, or fewer, would score so high`;
}

export function placeOf(alarm) {
  if (alarm.run === null) return `since ${time(alarm.first_time)} UTC`;
  const { first_lumisection: first, last_lumisection: last } = alarm;
  return `run ${alarm.run}, ${first === last ? `lumisection ${first}` : `lumisections ${first} to ${last}`}`;
}

// Whether an alarm may still go on: the latest data are as near as the next flagged ones would be.
export function goesOn(alarm, latest) {
  if (!latest) return false;
  if (alarm.run === null) return latest.time - alarm.last_time < 60;
  return alarm.run === latest.run && latest.lumisection - alarm.last_lumisection <= 2;
}

// Open ones first, then the newest.
export function sorted(alarms) {
  const isOpen = (alarm) => Number(stateOf(alarm) === "open");
  return [...alarms].sort((a, b) => isOpen(b) - isOpen(a) || b.last_time - a.last_time || b.id - a.id);
}

export function stateOf(alarm) {
  if (alarm.acknowledged) return "acknowledged";
  return alarm.masked ? "masked" : "open";
}

export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
