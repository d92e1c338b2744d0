// Dispatch board: a card is dragged to a team and a day, or put there by a small form; the page works without this.
(function () {
  "use strict";
  const board = document.querySelector("[data-plan]");
  const dialog = document.querySelector("[data-plan-dialog]");
  if (!board || !dialog) return;
  const MINUTE = 60000;
  const alertBox = document.querySelector("[data-alert]");
  const job = (id) => board.querySelector(`[data-order="${id}"]`);
  const once = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const ask = (address, options) => fetch(address, { ...options, headers: { "X-Fragment": "1" } });
  let dragged = null;
  let busy = false;
  let renewed = Date.now();

  const warn = (sentence) => { alertBox.textContent = sentence; alertBox.hidden = !sentence; };
  const show = (html, focus) => {
    const boxes = () => [...board.querySelectorAll(".tray, .scroll")];
    const places = boxes().map((box) => [box.scrollLeft, box.scrollTop]);
    const held = focus || (board.contains(document.activeElement) && document.activeElement.dataset.order);
    board.innerHTML = html;
    boxes().forEach((box, n) => { [box.scrollLeft, box.scrollTop] = places[n] || [0, 0]; });
    const said = board.querySelector("[data-said]");
    const sentence = said.textContent;
    said.textContent = "";
    setTimeout(() => { said.textContent = sentence; }, 50);
    if (held && job(held)) job(held).focus({ preventScroll: !focus });
    renewed = Date.now();
  };
  const renew = () => ask(location.href).then((answer) => {
    if (answer.status === 401) location.reload();
    return answer.ok ? answer.text().then((html) => show(html)) : null;
  });
  const lost = () => warn("暂时连不上，没有保存。请稍后再试。");

  // What the server says to a plan: the new board, or the form with what is wrong and what others did meanwhile.
  const send = (order, body) => {
    if (busy) return;
    busy = true;
    board.setAttribute("aria-busy", "true");
    warn("");
    ask(`${board.dataset.address}${order}${board.dataset.query}`, { method: "POST", body })
      .then(async (answer) => {
        const html = await answer.text();
        if (answer.ok) { dialog.close(); show(html, order); return; }
        if (answer.status === 401) { location.reload(); return; }
        if (html.includes("data-plan-form")) open(html); else { dialog.close(); warn(html); }
        if (answer.status === 409) await renew();
      })
      .catch(lost)
      .finally(() => { busy = false; board.removeAttribute("aria-busy"); });
  };

  const open = (html) => {
    dialog.innerHTML = html;
    if (!dialog.open) dialog.showModal();
    const first = dialog.querySelector(".is-invalid, select, input:not([type=hidden])");
    if (first) first.focus();
  };
  board.addEventListener("click", (event) => {
    const card = event.target.closest("[data-order]");
    if (!card || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    warn("");
    ask(card.href).then(async (answer) => {
      const html = await answer.text();
      if (answer.ok) { dialog.dataset.of = card.dataset.order; open(html); }
      else if (answer.status === 401) location.reload();
      else { warn(html); await renew(); }
    }).catch(lost);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) { event.preventDefault(); dialog.close(); }
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.target.action.split("?")[0].split("/").pop(), new FormData(event.target));
  });
  dialog.addEventListener("close", () => { const card = job(dialog.dataset.of); if (card && !board.contains(document.activeElement)) card.focus(); });

  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-order]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.order);
    dragged.classList.add("dragging");
  });
  const zone = (event) => (dragged ? event.target.closest("[data-drop]") : null);
  const clear = () => board.querySelectorAll(".over").forEach((one) => one.classList.remove("over"));
  board.addEventListener("dragover", (event) => {
    const over = zone(event);
    clear();
    if (!over) return;
    event.preventDefault();
    over.classList.add("over");
  });
  board.addEventListener("drop", (event) => {
    const over = zone(event);
    if (!over) return;
    event.preventDefault();
    const { order, version, team, day, note } = dragged.dataset;
    const aim = { team: over.dataset.team || team, day: over.dataset.day };
    if (aim.team === team && aim.day === day) return;
    const body = new FormData();
    Object.entries({ csrf_token: board.dataset.csrf, once: once(), version, team_id: aim.team, visit_on: aim.day, visit_note: note })
      .forEach(([name, value]) => body.append(name, value));
    dialog.dataset.of = order;
    send(order, body);
  });
  board.addEventListener("dragend", () => {
    clear();
    if (dragged) dragged.classList.remove("dragging");
    dragged = null;
  });

  // Arrows go to the nearest card on that side.
  const WAYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  board.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    const card = event.target.closest(".job");
    if (!way || !card || event.altKey || event.ctrlKey || event.metaKey) return;
    const middle = (one) => { const box = one.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; };
    const [x, y] = middle(card);
    let nearest = null;
    let least = Infinity;
    board.querySelectorAll(".job").forEach((one) => {
      const [dx, dy] = middle(one).map((value, n) => value - [x, y][n]);
      const along = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (along > 4 && along + 3 * aside < least) { least = along + 3 * aside; nearest = one; }
    });
    if (!nearest) return;
    event.preventDefault();
    nearest.focus();
  });

  const turn = () => {
    if (document.hidden || dragged || busy || dialog.open || Date.now() - renewed < MINUTE) return;
    renewed = Date.now();
    renew().catch(() => {});  // asked again a minute later
  };
  setInterval(turn, 5000);
  document.addEventListener("visibilitychange", turn);
})();
