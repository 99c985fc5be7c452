/* Constructed: a page's CSP may forbid style elements. */
export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.chat {
  --accent: light-dark(oklch(from var(--brand) min(l, .5) c h), oklch(from var(--brand) max(l, .75) c h));
  --ink: light-dark(#171a21, #e8eaf0);
  --muted: light-dark(#5a6072, #a3a9b8);
  --paper: light-dark(#fff, #14161c);
  --page: light-dark(#f5f6f9, #0f1116);
  --line: light-dark(#dfe2ea, #2c303b);
  height: 100%;
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.panel, .log, .text { display: flex; flex-direction: column; gap: 8px; box-sizing: border-box }
.panel {
  position: fixed; inset: var(--inset); width: min(400px, 100vw - 40px); height: min(640px, 100dvh - 40px); overflow: hidden;
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; outline: 0;
  background: var(--paper); color: var(--ink); border: 1px solid var(--line); border-radius: 12px; box-shadow: 0 4px 16px #0004;
}
.inline .panel { position: relative; inset: 0; width: 100%; height: 100%; min-height: 400px; max-height: 100dvh; box-shadow: none }
[hidden] { display: none !important }
.status { position: absolute; height: 1px; overflow: hidden; clip-path: inset(50%) }

button, textarea { font: inherit; color: inherit; background: none; border: 1px solid transparent; border-radius: 8px; padding: 4px 8px }
button, summary { cursor: pointer }
a, .citation, .suggestion { color: var(--accent) }
small, .note, .reset, .sources { font-size: 13px; color: var(--muted) }

.header, .field, .chips { display: flex; gap: 8px }
.header { align-items: center; padding: 8px 8px 0 16px }
.header strong { flex: 1 }
.close { font-size: 24px; line-height: 1 }

.log { flex: 1; outline-offset: -2px; padding: 16px; overflow-y: auto; overscroll-behavior: contain; background: var(--page); border: solid var(--line); border-width: 1px 0 }
.message { align-self: start; max-width: 85%; padding: 8px 12px; background: var(--paper); border: 1px solid var(--line); border-radius: 12px }
[data-role=visitor] { align-self: end; background: var(--brand); color: var(--on); white-space: pre-wrap }
[data-state=streaming] .text:empty::after { content: "…"; animation: breathe 1s infinite alternate }
@keyframes breathe { to { opacity: .2 } }
.text > * { margin: 0 }
ol, ul { padding-inline-start: 24px }
code, .citation { font: 13px ui-monospace, monospace; background: var(--page) }
pre { padding: 8px; background: var(--page); white-space: pre-wrap }
table { border-spacing: 0 }
td, th { padding: 4px 16px 4px 0; border-bottom: 1px solid var(--line); text-align: start }
.citation { margin: 0 2px; padding: 0 4px; border-color: var(--line) }

.sources { margin-top: 8px; padding-top: 4px; border-top: 1px solid var(--line) }
summary { color: var(--ink); padding: 4px 0 }
blockquote { margin: 4px 0; padding-inline-start: 8px; border-inline-start: 3px solid var(--line) }
[data-state=failed] .note { color: light-dark(#b3261e, #ff8a80) }
.retry { display: block; margin-top: 4px; color: var(--ink) }
.retry, .suggestion { background: var(--paper); border-color: var(--line) }

.chips { flex-wrap: wrap }
.suggestion { border-radius: 18px; text-align: start }

.field { align-items: end; padding: 4px; margin: 4px 16px 0; border: 1px solid var(--muted); border-radius: 12px }
.field:focus-within { outline: 2px solid var(--accent) }
.input { flex: 1; font-size: 16px; box-sizing: border-box; max-height: 144px; padding: 7px 8px; border: 0; resize: none; outline: 0 }
.input::placeholder { color: var(--muted) }
.send, .stop { width: 36px; height: 36px; background: var(--brand); color: var(--on) }
:disabled { opacity: .5 }
.panel > small { padding: 0 16px 8px }
small:empty, .chips:empty, small:not(:empty) + small { display: none }

@media (max-width: 480px) {
  .floating .panel { inset: 0; width: 100%; height: 100dvh; border: 0; border-radius: 0 }
}
@media (prefers-reduced-motion) { .text:empty::after { animation: none } }
`);
