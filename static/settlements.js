// The grids of an account: rows like a spreadsheet, paste from Excel, running sums. The page works without it.
(function () {
  "use strict";
  const sheet = document.querySelector("[data-sheet]");
  if (!sheet) return;
  const all = (selector, root) => [...(root || sheet).querySelectorAll(selector)];
  const columns = sheet.dataset.columns.split(",");
  const rows = () => all("[data-row]:not([data-added])");
  const cellOf = (row, column) => row && row.querySelector(`[data-col="${column}"]`);

  // Numbers are whole thousandths and whole fen, as on the server.
  const milli = (text) => {
    const typed = String(text).normalize("NFKC").replace(/。/g, ".").replace(/[,\s¥元]/g, "");
    const found = /^(\d{1,7})(?:\.(\d{1,3})0*)?$/.exec(typed);
    return found ? BigInt(found[1]) * 1000n + BigInt((found[2] || "").padEnd(3, "0")) : null;
  };
  const basisPoints = (text) => {
    const found = /^(\d{1,3})(?:\.(\d{1,2})0*)?$/.exec(String(text).normalize("NFKC").replace(/[%\s]/g, ""));
    return found ? BigInt(found[1]) * 100n + BigInt((found[2] || "").padEnd(2, "0")) : 0n;
  };
  const halfUp = (number, by) => (2n * number + by) / (2n * by);
  const yuan = (fen) => {
    const size = fen < 0n ? -fen : fen;
    return `${fen < 0n ? "-" : ""}${(size / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ",")}.${(size % 100n).toString().padStart(2, "0")}`;
  };
  const shown = (number) => {
    const rest = (number % 1000n).toString().padStart(3, "0").replace(/0+$/, "");
    return `${number / 1000n}${rest ? `.${rest}` : ""}`;
  };

  const control = (name) => sheet.elements[name];

  // The price list: what a row costs by it, with the tax in it or not as the account has it, and what is to be said of that.
  const inBasis = (price, held) => {
    const asked = control("basis").value;
    const vat = BigInt(control("vat_bp").value || 0);
    if (held === asked) return price;
    return asked === "inclusive" ? halfUp(price * (10000n + vat), 10000n) : halfUp(price * 10000n, 10000n + vat);
  };
  const listedPrice = (row) => (row.dataset.listed ? inBasis(BigInt(row.dataset.listed), row.dataset.listedBasis) : null);
  const tag = (words) => Object.assign(document.createElement("span"), { className: "tag grade-important", textContent: words });
  const mark = (row) => {
    const place = row.querySelector("[data-marks]");
    if (!place) return;
    const agreed = cellOf(row, "source").value === "agreed";
    const listed = listedPrice(row);
    place.replaceChildren();
    if (row.hasAttribute("data-asking")) return;
    if (listed === null) {
      if (agreed && cellOf(row, "item").value.trim()) place.append(tag("不在价目"));
      return;
    }
    const code = row.dataset.listedCode || "";
    const told = code && code !== cellOf(row, "quota_code").value.trim() ? `价目 ${code}` : "价目";
    place.append(Object.assign(document.createElement("span"), { className: "muted", textContent: `${told} ${shown(listed)} 元` }), " ");
    if (!agreed) place.append(tag("价目已有"));
    const price = milli(cellOf(row, "price_milli").value);
    if (price && price !== listed) {
      const apart = price > listed ? price - listed : listed - price;
      place.append(tag(`偏离价目 ${price > listed ? "+" : "-"}${shown(halfUp(apart * 10000n, listed) * 10n)}%`));
    }
  };
  const say = (name, fen) => all(`[data-sum="${name}"]`).forEach((place) => { place.textContent = typeof fen === "string" ? fen : yuan(fen); });
  const reckon = () => {
    let lines = 0n;
    let open = 0;
    all("[data-row]").forEach((row) => {
      const quantity = milli(cellOf(row, "quantity_milli").value);
      const price = milli(cellOf(row, "price_milli").value);
      const fen = quantity === null || price === null ? null : halfUp(quantity * price, 10000n);
      row.querySelector("[data-total]").textContent = fen === null ? "" : yuan(fen);
      mark(row);
      if (fen !== null) lines += fen; else open += row.hasAttribute("data-added") ? 0 : 1;
      const cut = row.querySelector("[data-cut]");
      if (cut) {
        cut.textContent = fen === null ? "" : yuan(BigInt(row.dataset.fen) - fen);
        const more = fen !== null && (fen > BigInt(row.dataset.fen) || quantity > BigInt(row.dataset.quantity) || price > BigInt(row.dataset.price));
        const listed = listedPrice(row);
        const dear = fen !== null && quantity > 0n && listed !== null && price > listed;
        row.classList.toggle("wants-reason", more || dear);
        const why = cellOf(row, "why");
        why.placeholder = more ? "高于申报，请写原因" : dear ? "高于价目，请写原因" : "";
      }
    });
    const vat = BigInt(control("vat_bp").value || 0);
    const management = halfUp(lines * basisPoints(control("management_bp").value), 10000n);
    const exclusive = control("basis").value === "exclusive";
    const before = lines + management;
    const tax = exclusive ? halfUp(before * vat, 10000n) : before - halfUp(before * 10000n, 10000n + vat);
    const total = exclusive ? before + tax : before;
    say("lines", lines); say("management", management); say("tax", tax); say("total", total);
    if (sheet.dataset.submitted) {
      const submitted = BigInt(sheet.dataset.submitted);
      const cut = submitted - total;
      const size = cut < 0n ? -cut : cut;
      const rate = submitted ? halfUp(size * 10000n, submitted) : 0n;
      say("cut", open ? `还有 ${open} 行未审` : `${yuan(cut)}（${cut < 0n ? "-" : ""}${shown(rate * 10n)}%）`);
    }
    const route = sheet.querySelector("[data-route]");
    if (route) route.hidden = total < BigInt(sheet.dataset.auditMin);
  };

  // Typing a code or an item lists what the price list has; choosing fills the row in. What is typed whole is looked up.
  const list = Object.assign(document.createElement("div"), { className: "callers price-choices", id: "price-choices" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "合同价目");
  const NAMING = ["quota_code", "item", "unit"];
  let at = null;
  let choice = -1;
  let turn = 0;
  let timer = 0;
  const ask = (query) => fetch(`${sheet.dataset.prices}?${new URLSearchParams(query)}`, { headers: { "X-Fragment": "1" } })
    .then((answer) => (answer.ok ? answer.text() : "")).catch(() => "");
  const close = () => {
    clearTimeout(timer);
    turn += 1;
    if (at) { at.setAttribute("aria-expanded", "false"); at.removeAttribute("aria-activedescendant"); }
    list.remove();
    at = null;
    choice = -1;
  };
  const forget = (row) => ["listed", "listedBasis", "listedCode"].forEach((name) => delete row.dataset[name]);
  const note = (row, option) => {
    row.removeAttribute("data-asking");
    forget(row);
    if (option) Object.assign(row.dataset, { listed: option.dataset.price, listedBasis: option.dataset.basis, listedCode: option.dataset.code });
  };
  const look = (field) => {
    const typed = field.value.trim();
    close();
    if (!typed) return;
    const mine = turn;
    ask({ q: typed }).then((html) => {
      if (mine !== turn || document.activeElement !== field) return;
      list.innerHTML = html;
      if (!list.querySelector("[role=option]")) return;
      at = field;
      field.parentElement.append(list);
      list.classList.add("open");
      Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "true" }).forEach(([name, value]) => field.setAttribute(name, value));
    });
  };
  const point = (step) => {
    const options = all("[role=option]", list);
    choice = (choice + step + options.length + (choice < 0 && step < 0 ? 1 : 0)) % options.length;
    options.forEach((option, n) => { option.classList.toggle("at", n === choice); option.setAttribute("aria-selected", String(n === choice)); });
    options[choice].scrollIntoView({ block: "nearest" });
    at.setAttribute("aria-activedescendant", options[choice].id);
  };
  const choose = (option) => {
    const row = at.closest("[data-row]");
    const set = (name, value) => { cellOf(row, name).value = value; };
    note(row, option);
    set("quota_code", option.dataset.code);
    set("item", option.dataset.item);
    set("unit", option.dataset.unit);
    set("source", "agreed");
    set("price_milli", shown(inBasis(BigInt(option.dataset.price), option.dataset.basis)));
    close();
    const quantity = cellOf(row, "quantity_milli");
    quantity.focus();
    quantity.select();
    sheet.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const lookUp = (row) => {
    const [code, item, unit] = NAMING.map((name) => cellOf(row, name).value.trim());
    const same = () => NAMING.every((name, n) => cellOf(row, name).value.trim() === [code, item, unit][n]);
    if (!item) { note(row, null); reckon(); return; }
    ask({ code, item, unit }).then((html) => {
      if (!same()) return;
      const found = document.createElement("div");
      found.innerHTML = html;
      note(row, found.querySelector("[role=option]"));
      reckon();
    });
  };
  if (sheet.dataset.prices) {
    sheet.addEventListener("input", (event) => {
      const field = event.target.closest("[data-col]");
      if (!field || !NAMING.includes(field.dataset.col) || !field.closest("[data-row]").querySelector("[data-marks]")) return;
      field.closest("[data-row]").setAttribute("data-asking", "");
      if (event.isComposing || field.dataset.col === "unit") return;
      clearTimeout(timer);
      timer = setTimeout(() => look(field), 150);
    });
    sheet.addEventListener("change", (event) => {
      const field = event.target.closest("[data-col]");
      const row = field && field.closest("[data-row]");
      if (row && NAMING.includes(field.dataset.col) && row.querySelector("[data-marks]")) lookUp(row);
    });
    sheet.addEventListener("compositionend", (event) => event.target.dispatchEvent(new Event("input", { bubbles: true })));
    sheet.addEventListener("keydown", (event) => {
      if (!at || event.target !== at || event.isComposing || event.keyCode === 229) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const option = event.key === "Enter" && !event.ctrlKey && !event.metaKey ? all("[role=option]", list)[choice] : null;
      if (event.key === "Tab") { close(); return; }
      if (!step && !option && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (step) point(step); else if (option) choose(option); else close();
    }, true);
    list.addEventListener("pointerdown", (event) => event.preventDefault());  // the cell keeps the focus
    list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) choose(option); });
    sheet.addEventListener("focusout", (event) => { if (event.target === at) close(); });
  }

  // A new row is the last one again, empty.
  const grow = () => {
    const last = rows().at(-1);
    if (!sheet.hasAttribute("data-grows") || rows().length >= 200) return null;
    const number = rows().length + 1;
    const from = new RegExp(`^${sheet.dataset.sheet}-(\\d+)-`);
    const index = Math.max(...rows().map((row) => Number(from.exec(cellOf(row, columns[0]).name)[1]))) + 1;
    const row = last.cloneNode(true);
    all(".error", row).forEach((error) => error.remove());
    forget(row);
    all("[data-marks]", row).forEach((place) => place.replaceChildren());
    all("[data-col]", row).forEach((field) => {
      field.name = field.id = field.name.replace(from, `${sheet.dataset.sheet}-${index}-`);
      field.classList.remove("is-invalid");
      ["aria-invalid", "aria-describedby"].forEach((name) => field.removeAttribute(name));
      field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/第 .+? 行/, `第 ${number} 行`));
      if (field.tagName === "SELECT") field.value = cellOf(last, field.dataset.col).value; else field.value = "";
    });
    row.querySelector(".n").firstChild.textContent = number;
    last.after(row);
    return row;
  };
  const below = (row, step) => {
    const list = [...row.parentElement.querySelectorAll("[data-row]")];
    return list[list.indexOf(row) + step] || (step > 0 && !row.hasAttribute("data-added") ? grow() : null);
  };

  sheet.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest("[data-col]");
    if (!field) return;
    const step = event.key === "Enter" ? (event.shiftKey ? -1 : 1) : { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || (field.tagName === "SELECT" && event.key !== "Enter")) return;
    event.preventDefault();
    const next = cellOf(below(field.closest("[data-row]"), step), field.dataset.col);
    if (next) { next.focus(); if (next.select) next.select(); }
  });

  // Several cells from Excel: tabs between columns, line ends between rows. A column of sums is passed over.
  const numeric = (text) => text.trim() === "" || milli(text) !== null;
  const put = (field, text) => {
    const value = text.replace(/\s+/g, " ").trim();
    if (field.tagName !== "SELECT") { field.value = value; return; }
    const found = [...field.options].find((option) => option.text === value || option.value === value);
    if (found) field.value = found.value;
  };
  const unquoted = (text) => text.replace(/(^|\t|\n)"((?:[^"]|"")*)"(?=\t|\n|$)/g, (_, before, inner) => before + inner.replace(/""/g, '"').replace(/\s*\n\s*/g, " "));
  sheet.addEventListener("paste", (event) => {
    const field = event.target.closest("[data-col]");
    const text = unquoted((event.clipboardData || { getData: () => "" }).getData("text").replace(/\r\n?/g, "\n")).replace(/\n+$/, "");
    if (!field || !/[\t\n]/.test(text) || !columns.includes(field.dataset.col)) return;
    event.preventDefault();
    const block = text.split("\n").map((line) => line.split("\t"));
    const first = columns.indexOf(field.dataset.col);
    let places = columns.slice(first);
    const sum = places.indexOf("total");
    if (sum >= 0 && !block.every((line) => numeric(line[sum] || ""))) places = places.filter((name) => name !== "total");
    let row = field.closest("[data-row]");
    const filled = [];
    block.forEach((line, n) => {
      if (n) row = row && below(row, 1);
      if (!row) return;
      filled.push(row);
      line.forEach((value, at) => { const cell = places[at] && cellOf(row, places[at]); if (cell) put(cell, value); });
    });
    if (sheet.dataset.prices) filled.forEach((one, n) => { if (n < 30) lookUp(one); else one.setAttribute("data-asking", ""); });
    sheet.dispatchEvent(new Event("input", { bubbles: true }));
  });

  all("[data-more]").forEach((button) => button.addEventListener("click", (event) => {
    const row = grow();
    if (!row) return;
    event.preventDefault();
    cellOf(row, "item").focus();
  }));
  all("[data-copies]").forEach((button) => button.addEventListener("click", (event) => {
    event.preventDefault();
    rows().forEach((row) => {
      const [quantity, price] = [cellOf(row, "quantity_milli"), cellOf(row, "price_milli")];
      if (quantity.value || price.value) return;
      quantity.value = shown(BigInt(row.dataset.quantity));
      price.value = shown(BigInt(row.dataset.price));
    });
    sheet.dispatchEvent(new Event("input", { bubbles: true }));
  }));

  all("[data-sums]").forEach((place) => { place.hidden = false; });
  sheet.addEventListener("input", reckon);
  sheet.addEventListener("change", reckon);
  reckon();
})();
