// Proposes a form's code from its name, until somebody writes a code of their own.
addEventListener("DOMContentLoaded", () => {
  for (const code of document.querySelectorAll("form input[name=code]:not([type=hidden])")) {
    const name = code.form.elements.namedItem("name");
    if (!(name instanceof HTMLInputElement) || code.readOnly || code.value) continue;
    const longest = Math.min(code.maxLength > 0 ? code.maxLength : 64, 64);
    let own = false;
    code.addEventListener("input", () => { own = code.value !== ""; });
    name.addEventListener("input", () => {
      if (own) return;
      const plain = name.value.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
      code.value = plain.replace(/[^a-z0-9]+/g, "-").slice(0, longest).replace(/^-+|-+$/g, "");
    });
  }
});
