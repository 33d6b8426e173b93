// Talks to the service: requests with a token, and its stream of events.

const KEY = "skdqm-token";
// The service says at least every 15 seconds that it is there.
const SILENT = 40_000;

let ahead = 0;

// Seconds by the clock of the service: that of a wall screen may be wrong.
export function now() {
  return Date.now() / 1000 + ahead;
}

function setClock(response) {
  const seconds = Date.parse(response.headers.get("Date")) / 1000 - Date.now() / 1000;
  ahead = Math.abs(seconds) > 2 ? seconds : 0;
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function rememberToken(token) {
  sessionStorage.setItem(KEY, token);
}

function headers() {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function checked(response) {
  setClock(response);
  if (response.ok) return response;
  let detail = response.statusText;
  try {
    const body = await response.json();
    detail = typeof body.detail === "string" ? body.detail : body.detail.map((each) => each.msg).join("; ");
  } catch {
    // An answer that is no JSON says no more than its status.
  }
  throw new Refused(response.status, detail);
}

export async function ask(path, { method = "GET", body = undefined } = {}) {
  const options = { method, headers: headers() };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  return (await checked(await fetch(path, options))).json();
}

// EventSource cannot send a token, so the stream is read by hand.
export async function follow(model, heard, signal) {
  const silence = new AbortController();
  let last = Date.now();
  // A machine that slept, or a cable that was pulled: nobody closes the connection then.
  const watch = setInterval(() => Date.now() - last > SILENT && silence.abort(), 5000);
  try {
    await read(model, heard, AbortSignal.any([signal, silence.signal]), () => (last = Date.now()));
  } finally {
    clearInterval(watch);
  }
}

async function read(model, heard, signal, alive) {
  const path = `/v1/stream?model=${encodeURIComponent(model)}`;
  const response = await checked(await fetch(path, { headers: headers(), signal }));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) tell(block, heard);
  }
}

function tell(block, heard) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  heard(event, data.length ? JSON.parse(data.join("\n")) : null);
}
