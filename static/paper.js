// The print button of a paper.
document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
