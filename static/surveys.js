// Findings: the class the rules suggest for the chosen cause, who usually answers for it, and what the button leads to.
// Without scripts every suggestion stands in words below the cause.
(function () {
  "use strict";
  const chosen = (set) => { const radio = set.querySelector("input[type=radio]:checked"); return radio ? radio.value : ""; };
  const asks = (set, suggested) => {
    const why = set.querySelector("[data-why]");
    if (why) why.classList.toggle("asked", Boolean(chosen(set) && suggested && chosen(set) !== suggested));
  };

  document.querySelectorAll("[data-causes]").forEach((set) => {
    const causes = JSON.parse(set.dataset.causes);
    const cause = set.querySelector("select[name^=cause_]");
    const liable = set.querySelector("select[name^=liable_]");
    const says = set.querySelector("[data-advice]");
    const plain = says.textContent;
    let last = causes[cause.value];
    const tell = () => {
      const one = causes[cause.value];
      says.textContent = "";
      if (one) { const b = document.createElement("b"); b.textContent = `系统建议 ${one.words}`; says.append(b); } else says.textContent = plain;
      asks(set, one && one.class);
    };
    cause.addEventListener("change", () => {
      const one = causes[cause.value];
      if (one) {  // what still follows the last suggestion follows the new one; what somebody chose stays
        if (!chosen(set) || (last && chosen(set) === last.class)) set.querySelector(`input[type=radio][value="${one.class}"]`).checked = true;
        if (!liable.value || (last && liable.value === last.liable)) liable.value = one.liable;
      }
      last = one;
      tell();
    });
    set.addEventListener("change", tell);
    tell();
  });

  const follows = document.querySelector("[data-follows]");
  const judged = [...document.querySelectorAll("[data-judged]")];
  if (!follows || !judged.length) return;
  const lead = () => {
    const classes = judged.map(chosen);
    const count = (word) => classes.filter((one) => one === word).length;
    const orders = ["A", "B"].filter(count).map((word) => `${word}类 ${count(word)} 项`);
    follows.textContent = orders.length ? `确认：转维修，拟派工单（${orders.join("、")}）` : "确认：不予维修，转责任部门答复客户";
    judged.forEach((set) => asks(set, set.dataset.judged));
  };
  document.addEventListener("change", lead);
  lead();
})();
