/* A file straight into the storage: signed addresses from us, the bytes to them, and then "sent".
   A part that breaks off is sent again; all else ends with an Error that people can read. */
const TRIES = 3;
const PAUSE = 1000;
const MOST_MISSES = 30;
const BROKE_OFF = "The connection to the file storage broke off. Please try again.";

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

export async function sendDirect(file, { api, bot, headers, progress }) {
  const ask = (method, path, body) => call(method, path, headers, body);
  progress(0, file.size);
  const upload = await ask("POST", api, { bot, name: file.name, bytes: file.size });
  const own = `${api}/${upload.id}`;
  try {
    for (const part of upload.parts) await sendPart(file, part, progress);
  } catch (error) {
    await ask("DELETE", own).catch(() => {});
    throw error;
  }
  let state = await ask("POST", `${own}/finish`);
  for (let misses = 0; state.status === "checking" && misses < MOST_MISSES;) {
    await pause(PAUSE);
    try {
      state = await ask("GET", own);
      misses = 0;
    } catch {
      misses += 1; // it goes on without us
    }
  }
  if (state.status === "checking") throw new Error("It was sent. Look into the list whether it is ready.");
  return state;
}

async function call(method, path, headers, body) {
  const json = body ? { "Content-Type": "application/json" } : {};
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { ...headers, ...json },
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error("The connection broke off.");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (!response.ok || !answer) throw new Error(answer?.error?.message ?? "The server did not take this file.");
  return answer;
}

async function sendPart(file, part, progress) {
  for (let tries = 1; ; tries += 1) {
    if (await put(file.slice(part.start, part.end), part, (loaded) => progress(part.start + loaded, file.size))) return;
    if (tries === TRIES) throw new Error(BROKE_OFF);
    await pause(PAUSE * tries);
  }
}

/* Not fetch: that tells nothing of what it has sent. */
function put(bytes, { url }, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.addEventListener("progress", ({ loaded }) => progress(loaded));
    request.addEventListener("load", () => resolve(request.status === 200));
    for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => resolve(false));
    request.send(bytes);
  });
}
