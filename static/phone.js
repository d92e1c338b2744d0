// The captain's phone keeps what he sends until the server has answered: a form goes by fetch with its one-time token, lies
// in this phone until then, and is sent again after a lost connection or a reload. Sent twice it counts once. Pages work without it.
(function () {
  "use strict";
  const page = document.querySelector("[data-phone]");
  if (!page) return;
  const all = (selector, root) => [...(root || page).querySelectorAll(selector)];
  const one = (selector) => page.querySelector(selector);
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
    const mark = one("[data-waiting]"), n = drafts().length;
    mark.hidden = n === 0;
    mark.querySelector("b").textContent = n;
  };

  const formOf = (draft) => all("form[data-keep]").find((form) => new URL(form.action).pathname === draft.action);
  const lock = (form, locked) => {
    const buttons = [...form.elements, ...document.querySelectorAll(`[form="${form.id || "-"}"]`)].filter((field) => field.tagName === "BUTTON");
    buttons.forEach((button) => { button.disabled = locked; });
    form.classList.toggle("sending", locked);
  };

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
    lock(form, true);
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

  // This session's token stands in for that of the session in which it was typed.
  const body = (draft) => {
    const fields = new URLSearchParams(draft.fields.filter(([name]) => name !== "csrf_token"));
    const token = document.querySelector("input[name=csrf_token]");
    if (token) fields.set("csrf_token", token.value);
    return fields;
  };

  const send = async (draft) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      return await fetch(draft.action, { method: "POST", body: body(draft), redirect: "manual", signal: stop.signal });
    } catch {
      return null;
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

  let busy = false, wait = 1000, timer = 0;
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
    for (const draft of drafts()) {
      const answer = await send(draft);
      count();
      if (!answer || answer.status >= 500 || answer.status === 429) {
        busy = false;
        later(answer ? "服务器暂时没有答复，" : "网络断了，");
        return;
      }
      if (answer.status === 401 || answer.status === 400) {
        busy = false;
        say(`登录已过期，“${draft.title}”还没有送出，存在这台手机里。请重新登录，登录后自动送出。`, true);
        return;
      }
      if (answer.type !== "opaqueredirect") { show(draft); return; }
      drop(draft);
      count();
      wait = 1000;
      if (!page.dataset.order) home = location.pathname;
      else if (draft.order === page.dataset.order) home = `${draft.order}#${draft.then}`;
    }
    busy = false;
    say("");
    if (home) follow(home);
  };

  all("form[data-keep]").forEach((form) => form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const now = new Date().toISOString();
    form.elements.device_at.value = now;
    try {
      keep({
        action: new URL(form.action).pathname,
        title: form.dataset.keep,
        then: form.dataset.then || "step",
        order: page.dataset.order,
        at: now,
        fields: [...new FormData(form)].filter(([, value]) => typeof value === "string"),
      });
    } catch {
      return; // nothing can be kept here: the browser sends the form itself
    }
    event.preventDefault();
    setTimeout(() => lock(form, true), 0);
    count();
    deliver();
  }));

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
