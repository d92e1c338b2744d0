// Choosing papers to print: all at once, and how many are chosen.
document.querySelectorAll("[data-choose]").forEach((form) => {
  const boxes = [...form.querySelectorAll("[name=id]")];
  const all = form.querySelector("[data-all]");
  const every = all.querySelector("input");
  const button = form.querySelector("[data-chosen]");
  const count = () => {
    const n = boxes.filter((box) => box.checked).length;
    button.textContent = n ? `打印所选 ${n} 张` : "打印所选";
    button.disabled = !n;
    every.checked = n === boxes.length;
  };
  all.hidden = false;
  every.addEventListener("change", () => { boxes.forEach((box) => { box.checked = every.checked; }); count(); });
  form.addEventListener("change", count);
  addEventListener("pageshow", count);
  count();
});
