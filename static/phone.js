// The captain's phone keeps what he sends until the server has answered: a form goes by fetch with its one-time token, lies
// in this phone until then, and is sent again after a lost connection or a reload. Sent twice it counts once. Pages work
// without it. Pictures wait in pictures.js; a signature lies here with its form.
(function () {
  "use strict";
  const page = document.querySelector("[data-phone]");
  if (!page) return;
  const all = (selector, root) => [...(root || page).querySelectorAll(selector)];
  const one = (selector) => page.querySelector(selector);
  const pictures = window.Pictures;
  const OWN = `phone:${page.dataset.who}:`;
  const PATIENCE = 30_000;

  // What lies in this phone: one draft for each order and form, oldest first.
  const drafts = () => Object.keys(localStorage)
    .filter((key) => key.startsWith(OWN))
    .map((key) => JSON.parse(localStorage.getItem(key)))
    .sort((a, b) => a.at.localeCompare(b.at));
  const keep = (draft) => localStorage.setItem(OWN + draft.action, JSON.stringify(draft));
  const drop = (draft) => localStorage.removeItem(OWN + draft.action);

  const box = one("[data-lost]");
  const say = (words, signIn) => {
    box.hidden = !words;
    one("[data-lost-words]").textContent = words;
    one("[data-lost-sign-in]").hidden = !signIn;
    one("[data-lost-again]").hidden = Boolean(signIn);
  };
  const count = () => {
    const mark = one("[data-pending]");
    const waiting = drafts().length + (pictures ? pictures.waiting() : 0);
    mark.hidden = waiting === 0;
    mark.querySelector("b").textContent = waiting;
  };

  const formOf = (draft) => all("form[data-keep]").find((form) => new URL(form.action).pathname === draft.action);
  const lock = (form) => [...form.elements].forEach((field) => { if (field.tagName === "BUTTON") field.disabled = true; });

  // Put what was typed back into its form, so that he sees what is being sent.
  const restore = (draft) => {
    const form = formOf(draft);
    if (!form) return;
    const fold = form.closest("details");
    if (fold) fold.open = true;
    const typed = new Map();
    draft.fields.forEach(([name, value]) => typed.set(name, [...(typed.get(name) || []), value]));
    [...form.elements].forEach((field) => {
      if (!field.name || field.name === "csrf_token" || field.type === "file") return;
      const values = typed.get(field.name) || [];
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else if (values.length) field.value = values[0];
    });
    if (draft.signature) one("[data-pad] [data-say]").textContent = "签名已存在这台手机里，等待送出。";
    lock(form);
  };

  // This session's token stands in for that of the session in which it was typed.
  const body = (draft) => {
    const fields = new URLSearchParams(draft.fields.filter(([name]) => name !== "csrf_token"));
    fields.set("csrf_token", page.dataset.csrf);
    return fields;
  };

  // The server has refused: let the browser show its page with the sentences and the typing.
  const show = (draft) => {
    drop(draft);
    const form = document.createElement("form");
    form.method = "post";
    form.action = draft.action;
    body(draft).forEach((value, name) => {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = value;
      form.append(field);
    });
    document.body.append(form);
    form.submit();
  };

  // A signature is filed first, under its own mark; then its form goes with its key.
  const packed = (bytes) => btoa([...new Uint8Array(bytes)].map((byte) => String.fromCharCode(byte)).join(""));
  const unpacked = (words) => Uint8Array.from(atob(words), (letter) => letter.charCodeAt(0));
  const sign = async (draft) => {
    const { field, shot } = draft.signature;
    const filed = await pictures.send(page, { ...shot, bytes: unpacked(shot.bytes) });
    draft.fields = [...draft.fields.filter(([name]) => name !== field), [field, filed.key]];
    delete draft.signature;
    keep(draft);
  };

  // What the server says to a draft: "done", "refused", "expired", "busy", or "away" when no answer came.
  const send = async (draft) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      if (draft.signature) await sign(draft);
      const answer = await fetch(draft.action, { method: "POST", body: body(draft), redirect: "manual", signal: stop.signal });
      if (answer.type === "opaqueredirect") return "done";
      if (answer.status === 401 || answer.status === 400) return "expired";
      return answer.status >= 500 || answer.status === 429 ? "busy" : "refused";
    } catch (error) {
      if (error.status === 401 || error.status === 400) return "expired";
      return error.status ? "refused" : "away";
    } finally {
      clearTimeout(timer);
    }
  };

  const follow = (address) => {
    const there = new URL(address, location.href);
    if (there.pathname === location.pathname) {
      history.replaceState(null, "", there);
      location.reload();
    } else location.assign(there);
  };

  let busy = false;
  let wait = 1000;
  let timer = 0;
  const later = (words) => {
    const titles = drafts().map((draft) => draft.title).join("、");
    say(`${words}“${titles}”已存在这台手机里，连上后自动送出，不会重复。`);
    clearTimeout(timer);
    timer = setTimeout(deliver, wait);
    wait = Math.min(wait * 2, PATIENCE);
  };

  // Send what lies here, one after another, until each is answered.
  const deliver = async () => {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    let home = "";
    let stopped = "";
    for (let draft; (draft = drafts()[0]);) {
      const answer = await send(draft);
      if (answer === "refused") { show(draft); return; }
      if (answer === "away" || answer === "busy") stopped = answer === "away" ? "网络断了，" : "服务器暂时没有答复，";
      if (answer === "expired") say(`登录已过期，“${draft.title}”还没有送出，存在这台手机里。请重新登录，登录后自动送出。`, true);
      if (answer !== "done") break;
      drop(draft);
      wait = 1000;
      if (!page.dataset.order) home = location.pathname;
      else if (draft.order === page.dataset.order) home = `${draft.order}#${draft.then}`;
    }
    busy = false;
    count();
    if (stopped) later(stopped);
    else if (!drafts().length) say("");
    if (home && !stopped) follow(home);
  };

  // Before anything else hears of it: a form is kept, with its signature if one was drawn, and then sent.
  addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-keep]") || form.dataset.plain) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const pad = pictures && pictures.signing(form);
    if (pad && pad.tooShort()) { pad.speak("签名太短，请重新签名。", true); return; }
    lock(form);
    const now = new Date().toISOString();
    form.elements.device_at.value = now;
    const draft = {
      action: new URL(form.action).pathname,
      title: form.dataset.keep,
      then: form.dataset.then || "step",
      order: page.dataset.order,
      at: now,
      fields: [...new FormData(form)].filter(([, value]) => typeof value === "string"),
    };
    if (pad) {
      const shot = await pad.shot();
      draft.signature = { field: pad.field.name, shot: { ...shot, bytes: packed(shot.bytes) } };
    }
    try {
      keep(draft);
    } catch { // nothing can be kept here: the browser sends the form itself
      form.dataset.plain = "1";
      form.requestSubmit();
      return;
    }
    count();
    deliver();
  }, true);

  // A picture that has arrived may open the next step; what is being typed is left alone.
  let typing = false;
  page.addEventListener("input", (event) => { if (event.target.closest("form[data-keep]")) typing = true; });
  document.addEventListener("pictures", (event) => {
    count();
    const { waiting, filed } = event.detail;
    if (filed && filed.paper === "order" && filed.paperId === page.dataset.orderId && !waiting && !typing) follow(`${page.dataset.order}#step`);
  });
  all("[data-shoot-now]", document).forEach((button) => button.addEventListener("click", () => one("#step [data-shoot]").click()));

  // Chips: fill fields, or add a phrase.
  all("[data-fill]").forEach((chip) => chip.addEventListener("click", () => {
    const fields = chip.closest("form").elements;
    Object.entries(JSON.parse(chip.dataset.fill)).forEach(([name, value]) => { fields[name].value = value; });
  }));
  all("[data-add]").forEach((chip) => chip.addEventListener("click", () => {
    const field = chip.closest("form").elements[chip.dataset.add];
    if (!field.value.includes(chip.dataset.words)) field.value += chip.dataset.words;
  }));

  // Each time the page appears, what still lies here is sent on.
  addEventListener("pageshow", () => {
    drafts().forEach(restore);
    count();
    if (drafts().length) deliver();
  });
  addEventListener("online", deliver);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && drafts().length) deliver(); });
  one("[data-lost-again]").addEventListener("click", deliver);
})();
