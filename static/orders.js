// A draft's items: how many trades are chosen, and so how many working days. The page works without it.
(function () {
  "use strict";
  const form = document.querySelector("[data-draft]");
  const note = form && form.querySelector("[data-days]");
  if (!note) return;
  const trades = JSON.parse(form.dataset.trades);
  const tell = () => {
    const chosen = [...form.querySelectorAll("[name=defect_ids]:checked")].map((box) => trades[box.value]);
    const kinds = [...new Set(chosen)];
    note.textContent = kinds.length
      ? `${kinds.length} 个工种（${kinds.join("、")}）：${kinds.length > 1 ? form.dataset.multi : form.dataset.single}。`
      : "请至少选择一个项目。";
  };
  form.addEventListener("change", tell);
  tell();
})();
