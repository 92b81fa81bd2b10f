// The lab's page: asks the control API and shows what passed. Text nodes only: nothing that passed becomes markup.
"use strict";

const ASK_MS = 250;
const ROWS = 3000;
const byId = (id) => document.getElementById(id);
let shown = null; // the SID of the call that is shown
let next = 0;
let follows = true; // whether the exchange is scrolled to its end as it grows: until somebody scrolls back
// Each direction's last row while it is audio, which gathers in it; a message of that direction ends it.
const gathering = new Map();

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.append(document.createTextNode(text));
  if (className) made.className = className;
  return made;
}

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function say(text) { byId("said").textContent = text; }

async function doing(work) {
  try { say(""); await work(); } catch (error) { say(error.message); }
}

function whom(entry) {
  if (entry.sender === "caller") return "caller hears";
  const other = { http: ["twilio", "bridge"], stream: ["twilio", "bridge"], agent: ["bridge", "deepgram"] }[entry.channel];
  return entry.sender + " → " + (other[0] === entry.sender ? other[1] : other[0]);
}

function what(entry) {
  if (entry.audio_ms !== undefined) return null;
  const facts = [entry.kind === "text" ? "" : entry.kind];
  for (const name of ["status", "code", "path", "text"]) if (entry[name] !== undefined) facts.push(String(entry[name]));
  return facts.filter(Boolean).join(" ");
}

function add(entry) {
  const direction = entry.channel + entry.sender;
  const last = gathering.get(direction);
  if (entry.audio_ms !== undefined && last && last.kind === entry.kind) {
    last.ms += entry.audio_ms;
    last.count += 1;
    last.cell.textContent = audio(last.ms, last.count);
    return;
  }
  const row = element("li", undefined, entry.sender);
  const cell = element("span", what(entry) ?? audio(entry.audio_ms, 1), "what");
  row.append(element("time", (entry.at_ms / 1000).toFixed(3)), element("span", whom(entry)), cell);
  byId("exchange").append(row);
  while (byId("exchange").childElementCount > ROWS) byId("exchange").firstElementChild.remove();
  const gathers = entry.audio_ms === undefined ? null : { kind: entry.kind, cell, ms: entry.audio_ms, count: 1 };
  gathering.set(direction, gathers);
}

function audio(ms, count) { return "audio " + Math.round(ms) + " ms in " + count; }

function showVerdict(call) {
  const rows = [];
  if (call.findings === null) {
    rows.push(element("li", call.status === "running" ? "the call is on" : "not judged yet"));
  } else if (call.findings.length === 0) {
    rows.push(element("li", "nothing is wrong", "good"));
  } else {
    for (const finding of call.findings) {
      const row = element("li", undefined, "bad");
      const when = finding.at_ms === null ? "" : " at " + (finding.at_ms / 1000).toFixed(2) + " s";
      const many = finding.times > 1 ? " (" + finding.times + " times)" : "";
      row.append(element("code", finding.code), document.createTextNode(" " + finding.sentence + when + many));
      row.append(element("div", plain(finding.meaning), "meaning"));
      rows.push(row);
    }
  }
  byId("verdict").replaceChildren(...rows);
}

function plain(text) { return text.replaceAll("`", ""); }

function showEar(call) {
  byId("buffer").value = Math.min(10, call.buffered_ms / 1000);
  byId("buffer-s").textContent = (call.buffered_ms / 1000).toFixed(1) + " s";
  byId("heard-s").textContent = (call.heard_ms / 1000).toFixed(1) + " s";
}

function choose(sid) {
  shown = sid;
  next = 0;
  follows = true;
  gathering.clear();
  byId("exchange").replaceChildren();
}

async function refresh() {
  const { calls } = await ask("/api/calls");
  byId("calls").replaceChildren(...calls.map((call) => {
    const button = element("button", call.scenario + " · " + call.call.slice(0, 8) + " · " + call.status);
    button.type = "button";
    button.setAttribute("aria-pressed", String(call.call === shown));
    button.addEventListener("click", () => choose(call.call));
    const row = element("li");
    row.append(button);
    return row;
  }));
  if (shown === null && calls.length) choose(calls[calls.length - 1].call);
  if (shown === null) return;
  const asked = shown;
  const call = await ask("/api/calls/" + encodeURIComponent(asked) + "?since=" + next);
  if (asked !== shown) return;
  call.entries.forEach(add);
  next = call.next;
  if (follows) byId("scroll").scrollTop = byId("scroll").scrollHeight;
  showEar(call);
  showVerdict(call);
}

async function watch() {
  try { await refresh(); } catch (error) { say("the lab does not answer: " + error.message); }
  setTimeout(watch, ASK_MS);
}

async function begin() {
  let width = byId("scroll").clientWidth;
  const lab = await ask("/api/lab");
  for (const name of ["bridge", "twilio", "deepgram"]) byId(name).textContent = lab[name];
  byId("scenario").replaceChildren(...lab.scenarios.map((one) => {
    const option = element("option", one.name + ": " + one.title);
    option.value = one.name;
    return option;
  }));
  byId("fault").replaceChildren(...lab.faults.map((word) => {
    const option = element("option", word.replaceAll("_", " "));
    option.value = word;
    return option;
  }));
  byId("scroll").addEventListener("scroll", () => {
    const box = byId("scroll");
    if (box.clientWidth === width) follows = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    width = box.clientWidth; // another width moves the text, and nobody has scrolled
  });
  byId("place").addEventListener("click", () => doing(async () => {
    choose((await ask("/api/calls", { scenario: byId("scenario").value })).call);
  }));
  byId("hang-up").addEventListener("click", () => doing(async () => {
    if (shown !== null) await ask("/api/calls/" + encodeURIComponent(shown) + "/hang-up", {});
  }));
  byId("inject").addEventListener("click", () => doing(async () => {
    const { sockets } = await ask("/api/faults", { do: byId("fault").value });
    say(sockets ? "done" : "no agent socket is open");
  }));
  byId("knock").addEventListener("click", () => doing(async () => {
    const probed = await ask("/api/knock", {});
    const names = Object.entries(probed).filter(([, isIn]) => isIn).map(([name]) => name.replaceAll("_", " "));
    say(names.length ? "let in: " + names.join(", ") : "no stranger was let in");
  }));
  watch();
}

doing(begin);
