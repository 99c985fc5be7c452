/* Files that are chosen or dropped go to the API, a few at once, with their bytes, or, where the form
   says so, straight into the storage (direct.js); each tells its step and the share done. */
import { sendDirect } from "./direct.js";

const form = document.getElementById("upload");
const list = document.getElementById("uploads");
const news = document.getElementById("upload-news");
const sum = document.getElementById("upload-sum");
const STATES = {
  queued: "Sent. Waits to be read…",
  reading: "Being read…",
  embedding: "Being learned…",
  ready: "Ready: answers use it now.",
  unpacking: "Sent. Each file in it appears in the list.",
};
const ENDS = ["ready", "failed", "unpacking"];
const MOST_ASKED = 200;
const MOST_AT_ONCE = 3; // of small ones one alone would mostly wait for the network
const waiting = [];
let sending = 0, asking = false;

if (form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop");
  form.querySelector(".actions").hidden = true;
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(input.files);
  });
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
  document.addEventListener("htmx:afterSwap", follow);
}

function node(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function take(files) {
  for (const file of files) {
    const bar = node("progress", { max: 1, value: 0, ariaLabel: `Progress of ${file.name}` });
    const text = node("small", {}, "Waits to be sent…");
    const row = node("li", {}, node("bdi", {}, file.name), bar, text);
    list.append(row);
    waiting.push({ file, row, bar, text });
  }
  count();
  next();
}

function next() {
  while (sending < MOST_AT_ONCE && waiting.length) start(waiting.shift());
}

function start(upload) {
  if (upload.file.size > Number(form.dataset.mostBytes)) {
    fail(upload, form.dataset.tooLarge);
    return;
  }
  sending += 1;
  if (form.dataset.direct) sendPast(upload);
  else send(upload);
}

function sent() {
  sending -= 1;
  next();
}

function progress({ bar, text }, loaded, total) {
  bar.value = total ? loaded / total : 0;
  text.textContent = loaded < total ? `Sending: ${percent(loaded / total)}` : "Sent. Being checked…";
}

async function sendPast(upload) {
  const field = (name) => form.elements[name].value;
  try {
    const taken = await sendDirect(upload.file, {
      api: form.dataset.direct,
      bot: field("bot"),
      headers: { "X-CSRFToken": field("csrfmiddlewaretoken"), "X-Client": field("client") },
      progress: (loaded, total) => progress(upload, loaded, total),
    });
    if (taken.status === "taken") done(upload, { id: taken.document, status: "queued" });
    else fail(upload, taken.error || "The server did not take this file.");
  } catch (error) {
    fail(upload, error.message);
  }
  sent();
}

function send(upload) {
  const { file, text } = upload;
  const field = (name) => form.elements[name].value;
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("bot", field("bot"));
  body.append("file", file, file.name);
  request.open("POST", form.dataset.api);
  request.setRequestHeader("X-CSRFToken", field("csrfmiddlewaretoken"));
  request.setRequestHeader("X-Client", field("client"));
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(upload, loaded, total));
  request.addEventListener("load", () => {
    const answer = request.response;
    if (request.status === 201 && answer) done(upload, answer);
    else fail(upload, answer?.error?.message ?? "The server did not take this file.");
  });
  request.addEventListener("error", () => fail(upload, "The connection broke off."));
  request.addEventListener("loadend", sent);
  text.textContent = "Sending: 0 %";
  request.send(body);
}

function done({ file, row }, source) {
  if (/\.zip$/i.test(file.name)) {
    show(row, "unpacking");
  } else {
    row.dataset.id = source.id;
    show(row, source.status, source.error);
  }
  document.getElementById("sources")?.dispatchEvent(new CustomEvent("sources-changed"));
}

function fail({ file, row }, reason) {
  show(row, "failed", reason);
  news.textContent = `${file.name}: ${reason}`;
}

/* A file that was sent goes on as a row of the list below: tell here what stands there. */
function follow() {
  let unseen = 0;
  for (const row of list.querySelectorAll("[data-id]")) {
    if (ENDS.includes(row.dataset.state)) continue;
    const source = document.querySelector(`[data-source="${CSS.escape(row.dataset.id)}"]`);
    if (source) show(row, source.dataset.state, source.dataset.error, Number(source.dataset.progress));
    else unseen += 1;
  }
  if (unseen) ask();
}

/* Those that the list does not show, for there are many or it is filtered. */
async function ask() {
  if (asking) return;
  asking = true;
  try {
    const headers = { "X-Client": form.elements.client.value };
    const answer = await fetch(`${form.dataset.api}?limit=${MOST_ASKED}`, { headers });
    if (!answer.ok) return;
    for (const source of (await answer.json()).results) {
      const row = list.querySelector(`[data-id="${CSS.escape(source.id)}"]`);
      if (row) show(row, source.status, source.error, source.progress);
    }
  } catch {
    // The server could not be reached: the list asks again in a moment, and so does this.
  } finally {
    asking = false;
  }
}

function show(row, state, reason, share = 0) {
  const text = row.querySelector("small"), bar = row.querySelector("progress");
  const before = row.dataset.state;
  row.dataset.state = state;
  if (bar) bar.value = share;
  text.textContent = state === "failed" ? reason : STATES[state];
  if (share && !ENDS.includes(state)) text.textContent += ` ${percent(share)}`;
  if (before === state || !ENDS.includes(state)) return;
  bar?.remove();
  if (state === "ready") news.textContent = `${row.querySelector("bdi").textContent} is ready.`;
  count();
}

/* How many of several files are through. */
function count() {
  const rows = [...list.children];
  const ended = (state) => rows.filter((row) => row.dataset.state === state).length;
  const failed = ended("failed"), done = rows.length - failed - rows.filter((row) => !ENDS.includes(row.dataset.state)).length;
  sum.hidden = rows.length < 2;
  sum.textContent = `${done} of ${rows.length} files are through${failed ? `, ${failed} cannot be read` : ""}.`;
}

function percent(share) {
  return `${Math.floor(100 * share)} %`;
}
