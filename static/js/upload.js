/* Files that are chosen or dropped go to the API one by one, each with its own progress: with
   their bytes, or, where the form says so, straight into the storage (direct.js). */
import { sendDirect } from "./direct.js";

const form = document.getElementById("upload");
const list = document.getElementById("uploads");
const news = document.getElementById("upload-news");
const STATES = {
  queued: "Sent. Waiting to be read…",
  reading: "Being read…",
  embedding: "Being read…",
  ready: "Ready: answers use it now.",
  unpacking: "Sent. Each file in it appears in the list.",
};
const waiting = [];
let sending = false;

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
    const bar = node("progress", { max: 1, value: 0, ariaLabel: `Sent of ${file.name}` });
    const text = node("small", {}, "Waiting…");
    const row = node("li", {}, node("bdi", {}, file.name), bar, text);
    list.append(row);
    waiting.push({ file, row, bar, text });
  }
  next();
}

function next() {
  if (sending) return;
  const upload = waiting.shift();
  if (!upload) return;
  const most = Number(form.dataset.mostBytes);
  if (upload.file.size > most) {
    fail(upload, form.dataset.tooLarge);
    next();
    return;
  }
  sending = true;
  if (form.dataset.direct) sendPast(upload);
  else send(upload);
}

function progress({ bar, text }, loaded, total) {
  bar.value = total ? loaded / total : 0;
  text.textContent = loaded < total ? `${Math.floor(100 * loaded / total)} % sent` : "Sent. Being checked…";
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
  sending = false;
  next();
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
  request.addEventListener("loadend", () => {
    sending = false;
    next();
  });
  text.textContent = "0 % sent";
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
  for (const row of list.querySelectorAll("[data-id]")) {
    const source = document.querySelector(`[data-source="${CSS.escape(row.dataset.id)}"]`);
    if (source) show(row, source.dataset.state, source.dataset.error);
  }
}

function show(row, state, reason) {
  if (row.dataset.state === state) return;
  row.dataset.state = state;
  row.querySelector("progress")?.remove();
  const text = row.querySelector("small");
  text.textContent = state === "failed" ? reason : STATES[state];
  if (state === "ready") news.textContent = `${row.querySelector("bdi").textContent} is ready.`;
}
