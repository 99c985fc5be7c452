/* Bubbles, of DOM nodes: nothing here parses HTML. */
import { words } from "./strings.js";

const ITEM = /^(\s*)(?:[-*+•]|(\d{1,9})[.)])\s+(?=\S)/;
const INLINE = /`([^`]+)`|(\*{1,3})(?=[^\s*])(.{0,600}?[^\s*])\2(?!\*)|(!?)\[([^[\]]+)\]\(([^\s()]+)\)|\[(\d{1,3})\]|https?:\/\/[^\s<>]*[\w/]/g;

export function h(name, part, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  if (part) element.className = element.dataset.part = part;
  element.append(...children);
  return element;
}

export function link(address, label) {
  const url = URL.canParse(address) && new URL(address);
  return url && /^(https?|mailto):$/.test(url.protocol) && h("a", "", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, label);
}

export function message(role, state, child) {
  const element = h("div", "message", { role: "article", ariaLabel: words[role], dir: "auto" }, child);
  Object.assign(element.dataset, { role, state });
  return element;
}

export function answer(follow) {
  const body = h("div", "text");
  const element = message("bot", "streaming", body);
  let text = "", cards = [], frame;

  const cite = (number) => {
    const card = cards.find((card) => card.number == number);
    if (!card) return;
    const mark = h("button", "citation", { ariaExpanded: false, ariaLabel: `${number}: ${card.title}` }, number);
    mark.onclick = () => {
      card.open = !card.open;
      card.scrollIntoView({ block: "nearest" });
    };
    card.addEventListener("toggle", () => { mark.ariaExpanded = card.open; });
    return mark;
  };
  const draw = () => {
    frame = cancelAnimationFrame(frame);
    follow(() => write(body, text, cite));
  };

  return {
    element,
    add(more) {
      text += more;
      frame ||= requestAnimationFrame(draw);
    },
    cite(citations) {
      cards = citations.map(source);
    },
    finish(state, ...below) {
      element.dataset.state = state;
      draw();
      follow(() => {
        if (cards.length) element.append(h("div", "sources", {}, words.sources, ...cards));
        element.append(h("div", "note", {}, ...below));
      });
    },
    spoken: () => body.innerText,
  };
}

function source({ number, title, url, page, quote }) {
  const card = h("details", "source", { number, title }, h("summary", "", { dir: "auto" }, `${number}. ${title}`), h("blockquote", "", { dir: "auto" }, quote));
  if (page) card.append(`${words.page} ${page} `);
  card.append(link(url, words.visit) || "");
  return card;
}

/* A little Markdown; all else stays text. */
function write(box, text, cite) {
  let block, code;
  const begin = (name) => box.appendChild(block = h(name));
  const goesOn = (name) => block?.localName == name;
  box.replaceChildren();
  for (const line of text.split(/\r?\n/)) {
    const bare = line.trim();
    const item = ITEM.exec(line);
    if (bare.startsWith("```")) code = code ? null : begin("pre").appendChild(h("code"));
    else if (code) code.append(line + "\n");
    else if (item) {
      const [mark, indent, number] = item;
      const name = number ? "ol" : "ul";
      if (!goesOn(name)) begin(name).start = number;
      const entry = h("li", "", {}, ...inline(line.slice(mark.length), cite));
      entry.style.marginInlineStart = indent.length + "ch";
      block.append(entry);
    } else if (bare[0] == "|") {
      const cell = goesOn("table") ? "td" : begin("table") && "th";
      if (/[^\s|:-]/.test(bare)) block.append(h("tr", "", {}, ...bare.match(/[^|]+/g).map((text) => h(cell, "", {}, ...inline(text.trim(), cite)))));
    } else if (bare) {
      const into = /^\s/.test(line) && block?.lastChild?.localName == "li" ? block.lastChild : goesOn("p") ? block : begin("p");
      if (into.firstChild) into.append(h("br"));
      into.append(...inline(bare, cite));
    } else if (!goesOn("ol") && !goesOn("ul")) block = null;  // items may stand apart
  }
}

function inline(text, cite) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(last, match.index), token(match, cite) || match[0]);
    last = match.index + match[0].length;
  }
  return [...nodes, text.slice(last)];
}

function token([whole, code, stars, inner, image, label, address, number], cite) {
  if (code) return h("code", "", {}, code);
  if (stars) return h(stars[1] ? "strong" : "em", "", {}, ...inline(inner, cite));
  if (number) return cite(number);
  return !image && link(address || whole, label || whole);
}
