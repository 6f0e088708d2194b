document.querySelector("[data-print]").addEventListener("click", () => window.print());
for (const select of document.querySelectorAll(".bar select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
}
