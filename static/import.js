// The import page waits for its run: progress every second, and the page anew when the stage changes.
(function () {
  "use strict";
  const box = document.querySelector("[data-progress]");
  if (!box) return;
  const stage = box.querySelector("[data-stage]").dataset.stage;
  const bar = box.querySelector("progress");
  const figure = box.querySelector("[data-figure]");
  const ask = () => {
    fetch(box.dataset.progress, { headers: { "X-Fragment": "1" } })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
      .then((run) => {
        if (run.finished || run.stage !== stage) { location.reload(); return; }
        if (run.stage === "indexing" && run.total) {
          bar.max = run.total;
          bar.value = run.done;
          figure.textContent = `${run.done} / ${run.total}`;
        }
        setTimeout(ask, 1000);
      })
      .catch((status) => { if (status === 401) location.reload(); else setTimeout(ask, 3000); });
  };
  setTimeout(ask, 700);
})();
