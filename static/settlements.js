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
  const say = (name, fen) => all(`[data-sum="${name}"]`).forEach((place) => { place.textContent = typeof fen === "string" ? fen : yuan(fen); });
  const reckon = () => {
    let lines = 0n;
    let open = 0;
    all("[data-row]").forEach((row) => {
      const quantity = milli(cellOf(row, "quantity_milli").value);
      const price = milli(cellOf(row, "price_milli").value);
      const fen = quantity === null || price === null ? null : halfUp(quantity * price, 10000n);
      row.querySelector("[data-total]").textContent = fen === null ? "" : yuan(fen);
      if (fen !== null) lines += fen; else open += row.hasAttribute("data-added") ? 0 : 1;
      const cut = row.querySelector("[data-cut]");
      if (cut) {
        cut.textContent = fen === null ? "" : yuan(BigInt(row.dataset.fen) - fen);
        const more = fen !== null && (fen > BigInt(row.dataset.fen) || quantity > BigInt(row.dataset.quantity) || price > BigInt(row.dataset.price));
        row.classList.toggle("wants-reason", more);
        const why = cellOf(row, "why");
        why.placeholder = more ? "高于申报，请写原因" : "";
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

  // A new row is the last one again, empty.
  const grow = () => {
    const last = rows().at(-1);
    if (!sheet.hasAttribute("data-grows") || rows().length >= 200) return null;
    const number = rows().length + 1;
    const from = new RegExp(`^${sheet.dataset.sheet}-(\\d+)-`);
    const index = Math.max(...rows().map((row) => Number(from.exec(cellOf(row, columns[0]).name)[1]))) + 1;
    const row = last.cloneNode(true);
    all(".error", row).forEach((error) => error.remove());
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
    block.forEach((line, n) => {
      if (n) row = row && below(row, 1);
      if (!row) return;
      line.forEach((value, at) => { const cell = places[at] && cellOf(row, places[at]); if (cell) put(cell, value); });
    });
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
