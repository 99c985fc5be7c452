/* The panel: opens, greets, asks, answers. */
import { answer, h, link, message } from "./answer.js";
import { sheet } from "./sheet.js";
import { createSession } from "./stream.js";
import { words } from "./strings.js";

export function mount({ element, root, launcher, base, options, inline }) {
  const shadow = root.getRootNode();
  const launchable = !launcher.hidden;
  const closable = launchable || !inline;
  const given = {};
  const session = createSession(base, options, given);
  let config = {}, ready, talk, retry, opener, seconds = 0;

  const title = h("strong");
  const log = h("div", "log", { role: "log", ariaLive: "off", ariaLabel: words.chat, tabIndex: 0 });
  const chips = h("div", "chips");
  const input = h("textarea", "input", { rows: 1, maxLength: 4000, placeholder: words.input, ariaLabel: words.input, dir: "auto", oninput: refresh });
  const send = h("button", "send", { ariaLabel: words.send, onclick: submit }, "↑");
  const halt = h("button", "stop", { ariaLabel: words.stop, onclick: stop, hidden: true }, "■");
  const hint = h("small");
  const footer = h("small", "", {}, words.notice);
  const status = h("div", "status", { role: "status" });
  const panel = h("div", "panel", { role: inline ? "region" : "dialog", ariaLabel: words.chat, tabIndex: -1, hidden: true },
    h("div", "header", {}, title,
      h("button", "reset", { onclick() { reset(); open(); } }, words.reset),
      h("button", "close", { ariaLabel: words.close, onclick: close, hidden: !closable }, "×")),
    log, h("div", "field", {}, input, send, halt), hint, footer, status);

  shadow.adoptedStyleSheets.push(sheet);
  root.append(panel);
  addEventListener("pagehide", stop);
  panel.onkeydown = (event) => {
    event.stopPropagation();  // the page's shortcuts
    if (event.isComposing || event.keyCode == 229) return;  // 229: composing, in Safari
    if (event.key == "Escape" && closable) close();
    if (event.key == "Enter" && event.target == input && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  };

  function tell(name, detail) {
    element.dispatchEvent(new CustomEvent("chat-" + name, { bubbles: true, detail }));
  }

  function open({ quiet } = {}) {
    if (panel.hidden) {
      opener = document.activeElement;
      show(true);
      refresh();
      toEnd();
      connect().catch(showTrouble);
    }
    // Touch: no keyboard over the text.
    if (!quiet) (matchMedia("(hover: none)").matches ? panel : input).focus();
  }

  function close() {
    if (panel.hidden) return;
    const hadFocus = panel.contains(shadow.activeElement);
    show(false);
    if (hadFocus) (launchable ? launcher : opener).focus();
  }

  function show(on) {
    panel.hidden = !on;
    if (launchable) launcher.hidden = on;
    session.keep(on);
    tell(on ? "open" : "close");
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
  }

  // Scrolls only with a reader at the end.
  function follow(change) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 50;
    change();
    if (atEnd) toEnd();
  }

  function submit() {
    if (ask(input.value)) input.value = "";
    refresh();
  }

  function refresh() {
    const { maxLength, value: { length } } = input;
    input.style.height = 0;
    input.style.height = input.scrollHeight + "px";
    send.disabled = seconds || !input.value.trim();
    hint.textContent = seconds ? `${words.wait} ${seconds} s` : length > maxLength - 200 ? `${length} / ${maxLength}` : "";
  }

  async function pause(duration) {
    for (seconds = Math.ceil(duration) || 9; seconds; seconds--) {
      refresh();
      await new Promise((wake) => setTimeout(wake, 1000));
    }
    refresh();
  }

  function connect() {
    return ready ??= session.open().then(welcome, (error) => {
      ready = null;
      throw error;
    });
  }

  function welcome(opened) {
    config = opened.config;
    const { name, colors, theme, position, placeholder, branding } = config;
    title.textContent = panel.ariaLabel = name;
    log.lang = options.lang || config.language || "";
    if (!options.color && colors?.brand) root.style.setProperty("--brand", colors.brand);
    if (theme != "auto") root.style.colorScheme = theme;
    if (!options.position) root.classList.toggle("left", position == "left");
    if (placeholder) input.placeholder = placeholder;
    if (branding) footer.append(" ", link(base, `${words.poweredBy} ${branding}`));
    greet(opened.conversation?.messages);
  }

  function greet(messages = []) {
    log.prepend(...[{ text: config.greeting }, ...messages].filter(({ text }) => text).map(past));
    if (!messages[0] && !talk) suggest(config.suggestions);
    toEnd();
  }

  function past({ role, text, answered, citations }) {
    if (role == "visitor") return message("visitor", "done", text);
    const bubble = answer(follow);
    bubble.add(text);
    if (citations && answered !== false) bubble.cite(citations);
    bubble.finish("done");
    return bubble.element;
  }

  function suggest(questions) {
    chips.replaceChildren(...(questions || []).map((text) => h("button", "suggestion", { onclick: () => ask(text) }, text)));
    log.append(chips);
  }

  function ask(text) {
    text = text.trim();
    if (!text || talk || seconds) return;
    open();
    retry?.remove();
    suggest();
    log.append(message("visitor", "done", text));
    reply(text);
    tell("question", text);
    return true;
  }

  function busy(turn) {
    if (shadow.activeElement == halt) input.focus();
    talk = turn;
    halt.hidden = !turn;
    send.hidden = !halt.hidden;
  }

  async function reply(text) {
    const turn = new AbortController();
    const { signal } = turn;
    const bubble = answer(follow);
    signal.onabort = () => {
      busy();
      bubble.finish("stopped", words.stopped);
    };
    busy(turn);
    status.textContent = "";
    log.append(bubble.element);
    toEnd();
    try {
      await connect();
      for await (const [name, data] of session.ask(text, signal)) {
        if (name == "start") session.keep(!panel.hidden);
        if (name == "delta") bubble.add(data.text);
        if (name == "citations") bubble.cite(data);
        if (name == "done") {
          if (data.answered === false) bubble.cite([]);
          busy();
          bubble.finish("done");
          status.textContent = bubble.spoken();
          follow(() => suggest(data.suggestions));
          return tell("answer", data);
        }
      }
      throw { code: "broken", message: words.broken };
    } catch (error) {
      if (signal.aborted) return;
      busy();
      fail(error, bubble, () => reply(text));
    }
  }

  function fail(error, bubble, again) {
    const reason = error.code ? error.message : words.unreachable;
    retry = h("button", "retry", { onclick() { bubble.element.remove(); again(); open(); } }, words.retry);
    if (error.retry_after) {
      retry.disabled = true;
      pause(error.retry_after).then(() => { retry.disabled = false; });
    }
    bubble.finish("failed", reason, retry);
    status.textContent = reason;
    tell("error", error);
  }

  function showTrouble(error) {
    if (talk) return;
    const bubble = answer(follow);
    log.append(bubble.element);
    fail(error, bubble, () => connect().catch(showTrouble));
  }

  function stop() {
    talk?.abort();
  }

  function reset() {
    stop();
    session.forget();
    log.replaceChildren();
    greet();
    tell("reset");
  }

  return {
    open, close, ask, reset,
    toggle: () => panel.hidden ? open() : close(),
    identify: (identity) => Object.assign(given, { identity }),
    setContext: (context) => Object.assign(given, context),
    destroy() {
      stop();
      panel.remove();
      removeEventListener("pagehide", stop);
    },
  };
}
