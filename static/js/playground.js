/* A chat beside the passages that its latest answer is made from. */
import { answer, h, message } from "../widget/answer.js";
import { events } from "../widget/stream.js";

const [log, chips, form, input, send, halt, spoken, used, none] = ["log", "chips", "ask", "question", "send", "stop", "spoken", "used", "none"].map((id) => document.getElementById(id));
let conversation, talk;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
chips.addEventListener("click", ({ target }) => {
  if (target.closest("button")) ask(target.textContent);
});
halt.addEventListener("click", () => talk?.abort());
addEventListener("pagehide", () => talk?.abort());
document.getElementById("reset").addEventListener("click", () => {
  talk?.abort();
  conversation = undefined;
  log.replaceChildren();
  show([]);
  chips.hidden = false;
  input.focus();
});

function submit() {
  if (ask(input.value)) input.value = "";
}

function ask(text) {
  text = text.trim();
  if (!text || talk) return false;
  log.append(message("visitor", "done", text));
  reply(text);
  return true;
}

// Scrolls only with a reader at the end.
function follow(change) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 50;
  change();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function busy(turn) {
  if (document.activeElement === halt) input.focus();
  talk = turn;
  halt.hidden = !turn;
  send.hidden = Boolean(turn);
  chips.hidden = true;
}

async function reply(text) {
  const turn = new AbortController();
  const bubble = answer(follow);
  busy(turn);
  spoken.textContent = "";
  log.append(bubble.element);
  log.scrollTop = log.scrollHeight;
  try {
    for await (const [name, data] of stream(text, turn.signal)) {
      if (name === "passages") show(data);
      if (name === "start") conversation = data.conversation;
      if (name === "delta") bubble.add(data.text);
      if (name === "citations") {
        bubble.cite(data);
        mark(data);
      }
      if (name === "error") throw data;
      if (name === "done") {
        busy();
        bubble.finish("done", data.answered ? "" : "Not answered: the passages do not hold it.");
        spoken.textContent = bubble.spoken();
        return;
      }
    }
    throw { message: "The answer broke off." };
  } catch (error) {
    busy();
    if (turn.signal.aborted) bubble.finish("stopped", "Stopped.");
    else fail(error, bubble, text);
  }
}

async function* stream(text, signal) {
  const response = await fetch(form.action, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "text/event-stream",
      "X-CSRFToken": form.elements.csrfmiddlewaretoken.value,
      "X-Client": form.elements.client.value,
    },
    body: JSON.stringify({ bot: form.dataset.bot, source: form.dataset.source, message: text, conversation }),
    signal,
  });
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.startsWith("text/event-stream")) yield* events(response.body);
  else if (response.redirected) throw { message: "You are logged out. Load this page again." };
  else throw (await response.json().catch(() => ({}))).error ?? {};
}

function fail(error, bubble, text) {
  const reason = error instanceof TypeError ? "The server could not be reached." : error.message ?? "That did not work.";
  const again = h("button", "", { type: "button", className: "secondary small" }, "Try again");
  again.addEventListener("click", () => {
    if (talk) return;
    bubble.element.remove();
    reply(text);
    input.focus();
  });
  bubble.finish("failed", `${reason} `, again);
  spoken.textContent = reason;
}

function show(passages) {
  none.hidden = passages.length > 0;
  used.replaceChildren(...passages.map(card));
}

function card({ rank, source_id, title, heading, page, text, score, start, end }) {
  const number = score.toFixed(2);
  const bar = h("meter", "", { min: 0, max: 2, value: Math.max(0, score), ariaLabel: `Score of passage ${rank}` });
  const where = [heading, page && `page ${page}`].filter(Boolean).join(" · ");
  const element = h("li", "", {},
    h("div", "", { className: "row" },
      h("strong", "", {}, `${rank}. `, h("bdi", "", {}, title)),
      h("span", "", { className: "badge cited", hidden: true })),
    h("div", "", { className: "score" }, bar, h("span", "", {}, number)),
    ...(where ? [h("small", "", { className: "muted", dir: "auto" }, where)] : []),
    h("p", "", { className: "quote", dir: "auto", tabIndex: 0 }, text),
    h("a", "", { href: `${form.dataset.documents}${source_id}/?at=${start}`, target: "_blank" }, "See it in the document"));
  Object.assign(element.dataset, { source: source_id, start, end });
  return element;
}

/* Which of the passages the answer cites, and under which number. */
function mark(citations) {
  for (const { number, source_id, start } of citations) for (const element of used.children) {
    const { source, start: from, end: to } = element.dataset;
    if (source !== source_id || start < Number(from) || start >= Number(to)) continue;
    const badge = element.querySelector(".cited");
    badge.textContent = badge.hidden ? `Cited as [${number}]` : `${badge.textContent} [${number}]`;
    badge.classList.add("good");
    badge.hidden = false;
    break;
  }
}
