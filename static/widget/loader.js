/* The launcher; fetches the chat when somebody wants it. */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.ChatWidget) return;

  const base = new URL(".", script.src).href;
  const chatModule = new URL("__CHAT_MODULE__", base);
  const options = { ...script.dataset };
  const inline = "container" in options;
  const waiting = [];
  let chat, loading, gone;

  // `!important` in a shadow root outranks the page's.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
:host { all: initial !important; ${inline ? "display: block !important; height: 100%" : "position: fixed !important; z-index: 2147483647"} !important }
:host::before, :host::after { content: none !important }
.chat { --brand: light-dark(#3a4ad1, #8f9bff); --on: lab(from var(--brand) calc((49.4 - l) * 99) 0 0); --inset: auto 20px 20px auto; color-scheme: light dark }
.left { --inset: auto auto 20px 20px }
.launcher { position: fixed; inset: var(--inset); width: 56px; height: 56px; border: 1px solid transparent; border-radius: 50%; background: var(--brand); color: var(--on); box-shadow: 0 4px 16px #0004; cursor: pointer }
.launcher::before { content: ""; position: absolute; inset: 17px 15px; background: currentColor; border-radius: 8px 8px 8px 0 }
@media (forced-colors) { .launcher::before { background: ButtonText; forced-color-adjust: none } }
.inline .launcher { position: relative; inset: 0 }
@media print { :host { display: none !important } }`);

  if (!customElements.get("chat-widget")) customElements.define("chat-widget", class extends HTMLElement {});
  const element = document.createElement("chat-widget");
  const root = document.createElement("div");
  const launcher = document.createElement("button");
  const shadow = element.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);
  root.append(launcher);
  root.classList.add("chat", options.position == "left" ? "left" : "right", inline ? "inline" : "floating");
  if (CSS.supports("color", options.color)) root.style.setProperty("--brand", options.color);
  launcher.className = launcher.dataset.part = "launcher";
  launcher.ariaLabel = options.label || "Open chat";
  launcher.hidden = "hideLauncher" in options;
  launcher.onpointerenter = launcher.onfocus = load;
  launcher.onclick = () => api.open();

  function load() {
    loading ??= import(chatModule).then(({ mount }) => {
      if (gone) return;
      chat = mount({ element, root, launcher, base, options, inline });
      for (const [name, given] of waiting) chat[name](...given);
    }, () => { loading = null });  // a later click tries again
  }

  const api = window.ChatWidget = {
    on: (name, hear) => element.addEventListener("chat-" + name, (event) => hear(event.detail)),
    destroy() {
      gone = true;
      chat?.destroy();
      element.remove();
      delete window.ChatWidget;
    },
  };
  for (const name of ["open", "close", "toggle", "ask", "reset", "identify", "setContext"]) api[name] = (...given) => {
    if (chat) return chat[name](...given);
    waiting.push([name, given]);
    if (/open|toggle|ask|reset/.test(name)) load();
  };

  function place() {
    const parent = inline ? document.querySelector(options.container) : document.body;
    if (gone) return;
    if (!parent) return document.addEventListener("DOMContentLoaded", place, { once: true });
    parent.append(element);
    let kept;
    try { kept = JSON.parse(("remember" in options ? localStorage : sessionStorage)["chat-widget:" + options.bot]) } catch {}
    if (kept ? kept.open : "open" in options) api.open({ quiet: true });
  }
  place();
})();
