/* Our own page /c/<bot>/: the same chat, as large as the window and without a launcher. */
import { mount } from "./chat.js";

const element = document.getElementById("chat");
const shadow = element.attachShadow({ mode: "open" });
const root = document.createElement("div");
const launcher = document.createElement("button");
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: block; height: 100dvh }
.chat { --brand: light-dark(#3a4ad1, #8f9bff); --on: lab(from var(--brand) calc((49.4 - l) * 99) 0 0); color-scheme: light dark; --side: max(16px, 50% - 360px) }
.panel { border: 0 !important; border-radius: 0 !important }
.header, .log, small { padding-inline: var(--side) !important }
.field { margin-inline: var(--side) !important }`);
shadow.adoptedStyleSheets = [sheet];
shadow.append(root);
root.className = "chat inline";
launcher.hidden = true;

const base = new URL("/", location).href;
mount({ element, root, launcher, base, options: { ...element.dataset }, inline: true }).open({ quiet: true });
