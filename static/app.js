// House behaviour: keys, caller lookup, guards against lost typing and double clicks. Pages work without it.
(function () {
  "use strict";
  const one = (selector, root) => (root || document).querySelector(selector);
  const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
  const typing = (element) => element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

  // Menu and filters stand open on wide screens and fold on narrow ones.
  const wide = matchMedia("(min-width: 901px)");
  const fit = () => all("[data-open-wide]").forEach((box) => { box.open = wide.matches; });
  fit();
  wide.addEventListener("change", fit);

  all("[data-theme-toggle]").forEach((button) => button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    document.documentElement.dataset.bsTheme = theme;
    localStorage.setItem("theme", theme);
  }));

  all("[data-back]").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    history.back();
  }));

  // A form is sent once; leaving a page with unsaved words asks first.
  let dirty = false;
  all("form").forEach((form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      dirty = false;
      if (form.method === "post") {
        form.dataset.sent = "1";
        setTimeout(() => all("button", form).forEach((button) => { button.disabled = true; }), 0);
      }
    });
    if (form.hasAttribute("data-guard")) form.addEventListener("input", () => { dirty = true; });
  });
  addEventListener("pageshow", () => all("form").forEach((form) => {
    delete form.dataset.sent;
    all("button", form).forEach((button) => { button.disabled = false; });
  }));
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  // A table that scrolls sideways can be scrolled with the keyboard.
  all("table.list").forEach((table) => { if (table.scrollWidth > table.clientWidth) table.tabIndex = 0; });

  // The first wrong field gets the focus.
  const wrong = one(".is-invalid");
  if (wrong) wrong.focus();

  // The story of a ticket can be narrowed.
  all("[data-story]").forEach((box) => all("[data-show]", box).forEach((button) => button.addEventListener("click", () => {
    all("[data-show]", box).forEach((other) => other.classList.toggle("on", other === button));
    one(".story", box).dataset.only = button.dataset.show;
  })));

  // Keys, never while typing or composing Chinese.
  const rows = () => all("[data-list] tbody tr");
  const marked = () => one("[data-list] tbody tr.at");
  const go = (step) => {
    const lines = rows();
    if (!lines.length) return;
    const from = lines.indexOf(marked());
    const at = Math.max(0, Math.min(lines.length - 1, from + step));
    if (lines[from]) lines[from].classList.remove("at");
    lines[at].classList.add("at");
    lines[at].scrollIntoView({ block: "nearest" });
  };
  addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const form = event.target.closest("form");
      const save = form && one("[data-save]", form);
      if (save) { event.preventDefault(); form.requestSubmit(save); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const keyed = one(`[data-key="${CSS.escape(event.key)}"]`);
    if (keyed) { event.preventDefault(); typing(keyed) ? keyed.focus() : keyed.click(); return; }
    if (event.key === "g") location.href = "/tickets/";
    else if (event.key === "n" && one('nav a[href="/intake"]')) location.href = "/intake";
    else if (event.key === "j" || event.key === "ArrowDown" && marked()) { event.preventDefault(); go(1); }
    else if (event.key === "k" || event.key === "ArrowUp" && marked()) { event.preventDefault(); go(-1); }
    else if (event.key === "Enter" && marked() && !event.target.closest("a, button, summary")) one("a", marked()).click();
    else if (event.key === "." && one("[data-number]")) navigator.clipboard && navigator.clipboard.writeText(one("[data-number]").textContent);
    else if (event.key === "?") one("#keys").showModal();
  });

  // Dispatch: a category proposes its usual department; a department offers only its own people.
  const dispatch = one("[data-dispatch]");
  if (dispatch) {
    const usual = JSON.parse(dispatch.dataset.dispatch);
    const department = one("#department_id");
    const handler = one("#handler_id");
    const narrow = () => {
      const chosen = department.selectedOptions[0] ? department.selectedOptions[0].textContent.split("（")[0] : "";
      all("optgroup", handler).forEach((group) => {
        group.hidden = group.disabled = Boolean(department.value) && group.label !== chosen;
        if (group.disabled && group.contains(handler.selectedOptions[0])) handler.value = "";
      });
    };
    all("[name=category]", dispatch).forEach((radio) => radio.addEventListener("change", () => {
      if (usual[radio.value]) { department.value = usual[radio.value]; narrow(); }
    }));
    department.addEventListener("change", narrow);
    narrow();
  }

  // Intake: one box finds the caller; his home and open tickets appear beside the form.
  const intake = one("[data-intake]");
  if (!intake) return;
  const box = one("[data-lookup]", intake);
  const list = one("#callers", intake);
  const beside = one("#beside", intake);
  const set = (name, value) => { const field = intake.elements[name]; if (field) field.value = value; };
  const get = (name) => (intake.elements[name] ? intake.elements[name].value : "");
  const fragment = (address) => fetch(address, { headers: { "X-Fragment": "1" } }).then((answer) => (answer.ok ? answer.text() : ""));
  let timer = 0;
  let asked = 0;
  let choice = -1;

  const close = () => { list.classList.remove("open"); box.setAttribute("aria-expanded", "false"); choice = -1; };
  const point = (step) => {
    const options = all("[role=option]", list);
    if (!options.length) return;
    choice = (choice + step + options.length) % options.length;
    options.forEach((option, n) => { option.classList.toggle("at", n === choice); option.setAttribute("aria-selected", String(n === choice)); });
    options[choice].scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", options[choice].id);
  };
  const look = () => {
    const typed = box.value.trim();
    if (!typed) { close(); return; }
    const turn = ++asked;
    const address = new URL(box.dataset.lookup, location.href);
    address.searchParams.set("q", typed);
    fragment(address).then((html) => {
      if (turn !== asked) return;
      list.innerHTML = html;
      list.classList.add("open");
      box.setAttribute("aria-expanded", "true");
      choice = -1;
      if (one("[role=option]", list)) point(1);
    });
  };
  const showSeen = () => {
    const panel = one("[data-open-tickets]", beside);
    if (panel) set("seen", panel.dataset.openTickets);
  };
  if (beside && !get("seen")) showSeen();  // a link that brought the home along shows its tickets from the start
  const refresh = () => {
    intake.dispatchEvent(new Event("home"));  // the warranty goes by the home
    if (!beside) return;
    const query = new URLSearchParams({ unit: get("unit_id"), customer: get("customer_id"), phone: get("caller_phone") });
    return fragment(`${beside.dataset.beside}?${query}`).then((html) => { beside.innerHTML = html; showSeen(); wire(); });
  };
  const choose = (option) => {
    set("unit_id", option.dataset.unit);
    set("customer_id", option.dataset.customer);
    if (option.dataset.name || beside) {  // a correction to a home nobody is known at keeps its caller
      set("caller_name", option.dataset.name);
      set("caller_phone", option.dataset.phone);
    }
    set("place", option.dataset.room);
    set("community_id", "");
    close();
    box.value = "";
    box.placeholder = `${option.dataset.room} ${option.dataset.name}`;
    refresh();
    one(option.dataset.name ? "#content" : "#caller_name", intake).focus();
  };
  // Joining to an open ticket takes the typed words along.
  const wire = () => all("[data-join]").forEach((link) => link.addEventListener("click", () => {
    dirty = false;
    link.href = `${link.href.split("?")[0]}?content=${encodeURIComponent(get("content"))}`;
  }));

  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 120); });
  if (box.value.trim()) look();  // typed before this script was there
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown") { event.preventDefault(); point(1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); point(-1); }
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const option = all("[role=option]", list)[choice];
      if (option) choose(option); else look();
    }
  });
  list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) choose(option); });
  document.addEventListener("click", (event) => { if (!event.target.closest(".lookup")) close(); });
  intake.elements.caller_phone.addEventListener("change", refresh);
  intake.elements.place.addEventListener("change", () => { set("unit_id", ""); set("customer_id", ""); intake.dispatchEvent(new Event("home")); });
  all("[data-another]", intake).forEach((button) => button.addEventListener("click", () => set("another", "1")));
  all("[data-save]", intake).forEach((button) => button.addEventListener("click", () => set("another", "")));
  wire();
})();
