// 报修项目: lines are added and taken away, the part proposes its trade, the warranty is reckoned beside them. Works without.
(function () {
  "use strict";
  const box = document.querySelector("[data-defects]");
  if (!box) return;
  const form = box.closest("form");
  const all = (selector, root) => [...(root || box).querySelectorAll(selector)];
  const usual = JSON.parse(box.dataset.usual);
  const add = box.querySelector("[data-add-line]");
  const reckoned = form.querySelector("[data-warranty-box]");
  const proposals = box.querySelector("[data-likely-box]");
  const fragment = (address) => fetch(address, { headers: { "X-Fragment": "1" } }).then((answer) => (answer.ok ? answer.text() : ""));
  const lines = () => all("[data-line]");
  const part = (line, name) => line.querySelector(`[name$="-${name}"]`);
  const empty = (line) => ["defect_id", "place", "part", "phenomenon", "trade"].every((name) => !part(line, name).value);
  const blank = lines().filter(empty);
  const model = (blank[0] || lines()[0]).cloneNode(true);
  let next = lines().length;

  const renumber = (line) => {
    const number = next++;
    all("[name], [id], [for], [aria-describedby]", line).forEach((element) => ["name", "id", "for", "aria-describedby"].forEach((attribute) => {
      const value = element.getAttribute(attribute);
      if (value) element.setAttribute(attribute, value.replace(/defects-\d+/g, `defects-${number}`));
    }));
  };
  const append = () => {
    const line = model.cloneNode(true);
    all("input, select", line).forEach((field) => { field.value = ""; field.classList.remove("is-invalid"); field.removeAttribute("aria-invalid"); });
    all(".error", line).forEach((error) => error.remove());
    renumber(line);
    add.before(line);
    wire(line);
    return line;
  };

  let timer = 0;
  let asked = 0;
  const reckon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const items = lines().filter((line) => part(line, "part").value).map((line) => `${part(line, "part").value}.${part(line, "trade").value}`);
      const value = (name) => (form.elements[name] ? form.elements[name].value : "");
      const unit = value("unit_id");
      const community = value("community_id") || box.dataset.community || "";
      const turn = ++asked;
      if (!items.length || !(unit || community)) { reckoned.innerHTML = ""; return; }
      const query = new URLSearchParams({ unit, community, received: value("received_at") });
      items.forEach((item) => query.append("item", item));
      fragment(`${box.dataset.warranty}?${query}`).then((html) => { if (turn === asked) reckoned.innerHTML = html; });
    }, 150);
  };

  const wire = (line) => {
    part(line, "part").addEventListener("change", () => {
      const trade = part(line, "trade");
      if (usual[part(line, "part").value]) trade.value = usual[part(line, "part").value];
      reckon();
    });
    part(line, "trade").addEventListener("change", reckon);
    const drop = line.querySelector("[data-drop-line]");
    if (!drop) return;
    drop.hidden = false;
    drop.addEventListener("click", () => {
      line.remove();
      (lines().length ? part(lines()[lines().length - 1], "place") : part(append(), "place")).focus();
      reckon();
    });
  };

  blank.slice(lines().length === blank.length ? 1 : 0).forEach((line) => line.remove());
  lines().forEach(wire);
  add.hidden = false;
  add.addEventListener("click", () => part(append(), "place").focus());

  // Words of the complaint propose lines; one click takes a proposal over.
  const content = form.elements.content;
  const propose = () => {
    const words = content.value.trim().slice(0, 300);
    if (!words) { proposals.innerHTML = ""; return; }
    fragment(`${box.dataset.likely}?${new URLSearchParams({ content: words })}`).then((html) => {
      proposals.innerHTML = html;
      const taken = lines().map((line) => [part(line, "part").value, part(line, "phenomenon").value, part(line, "place").value].join());
      all("[data-propose]", proposals).forEach((button) => { if (taken.includes([button.dataset.part, button.dataset.phenomenon, button.dataset.place].join())) button.remove(); });
    });
  };
  let pause = 0;
  content.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(propose, 600); });
  content.addEventListener("change", propose);
  proposals.addEventListener("click", (event) => {
    const button = event.target.closest("[data-propose]");
    if (!button) return;
    const line = lines().find(empty) || append();
    ["place", "part", "phenomenon", "trade"].forEach((name) => { part(line, name).value = button.dataset[name]; });
    button.remove();
    form.dispatchEvent(new Event("input"));
    part(line, "place").focus();
    reckon();
  });

  form.addEventListener("home", reckon);
  ["community_id", "received_at"].forEach((name) => { if (form.elements[name]) form.elements[name].addEventListener("change", reckon); });
})();
