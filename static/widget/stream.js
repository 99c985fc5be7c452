/* The talk with the server, and what survives a reload. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n|\r\r/);
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split(/\r\n?|\n/);
      const field = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trimStart()).join("\n");
      const data = field("data:");
      if (data) yield [field("event:"), JSON.parse(data)];
    }
  }
}

export function createSession(base, { bot, lang, remember }, given) {
  const key = "chat-widget:" + bot;
  let store, token, visitor, conversation;

  // Storage may be denied, or hold anything.
  try {
    store = remember == null ? sessionStorage : localStorage;
    ({ visitor, conversation } = JSON.parse(store[key]));
  } catch {}

  // Nothing before the first question, and never the token.
  function keep(open) {
    try {
      if (conversation) store[key] = JSON.stringify({ visitor, conversation, open });
      else delete store[key];
    } catch {}
  }

  async function open() {
    const response = await post("widget/session", { visitor, conversation, identity: given.identity });
    const opened = await response.json();
    ({ token, visitor } = opened);
    conversation = opened.conversation?.id;
    return opened;
  }

  async function* ask(message, signal) {
    const { language = lang, page_url = location.origin + location.pathname } = given;
    const send = () => post("chat", { message, conversation, language, page_url }, signal, { Accept: "text/event-stream", Authorization: "Visitor " + token });
    const response = await send().catch(async (error) => {
      if (error.code != "token_expired") throw error;
      await open();
      return send();
    });
    for await (const event of events(response.body)) {
      const [name, data] = event;
      if (name == "error") throw data;
      if (name == "start") conversation = data.conversation;
      if (name == "done") token = data.token || token;
      yield event;
    }
  }

  // An error with a code has words for the visitor.
  async function post(path, body, signal, headers) {
    const response = await fetch(base + "api/" + path, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ bot, ...body }),
      signal,
    });
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    throw { retry_after: response.headers.get("Retry-After"), ...error };
  }

  return { open, ask, keep, forget: () => keep(conversation = null) };
}
