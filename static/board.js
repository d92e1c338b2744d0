// The board renews itself every minute while it is looked at; filter, scroll, focus and the marked row stay.
(function () {
  "use strict";
  const board = document.querySelector("[data-board]");
  if (!board) return;
  const MINUTE = 60000;
  const said = document.querySelector("[data-refreshed]");
  let renewed = Date.now();
  let asking = false;

  document.querySelectorAll("[data-at-once]").forEach((box) => box.addEventListener("change", () => box.form.requestSubmit()));

  const show = (html) => {
    const held = document.activeElement && board.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const marked = board.querySelector("[data-list] tr.at");
    const open = [...board.querySelectorAll("details")].map((box) => box.open);
    const scrolled = [...board.querySelectorAll(".scroll")].map((box) => box.scrollTop);
    const at = scrollY;
    board.innerHTML = html;
    board.querySelectorAll("details").forEach((box, n) => { box.open = open[n] ?? matchMedia("(min-width: 901px)").matches; });
    board.querySelectorAll(".scroll").forEach((box, n) => { box.scrollTop = scrolled[n] || 0; });
    const link = (address) => [...board.querySelectorAll("a")].find((one) => one.getAttribute("href") === address);
    const row = marked && board.querySelector(`[data-row="${marked.dataset.row}"]`);
    if (row) row.classList.add("at");
    const focused = held && link(held);
    if (focused) focused.focus({ preventScroll: true });
    scrollTo(scrollX, at);
  };
  const renew = () => {
    if (document.hidden || asking || Date.now() - renewed < MINUTE) return;
    asking = true;
    fetch(location.href, { headers: { "X-Fragment": "1" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((html) => {
        show(html);
        said.textContent = "";
      })
      .catch((status) => {
        if (status === 401) location.reload();
        else said.textContent = "暂时未能更新，一分钟后再试";
      })
      .finally(() => { renewed = Date.now(); asking = false; });
  };
  setInterval(renew, 5000);
  document.addEventListener("visibilitychange", renew);
})();
