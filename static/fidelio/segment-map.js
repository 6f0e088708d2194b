// The editor of a segment map: codes are painted in the colour of a segment. What is saved are the fields of
// codes in the form; this only writes into them, so that without it the same map can be typed.
(() => {
  const form = document.querySelector("[data-segment-map]");
  if (!form) return;
  const readOnly = "readOnly" in form.dataset;
  const words = form.dataset;
  const palette = form.querySelector("[data-palette]");
  const state = form.querySelector("[data-state]");
  const buttons = [...form.querySelectorAll("[data-code]")];
  const segments = [...form.querySelectorAll("[data-segment]")];
  const field = (segment, name) => segment.querySelector(`[name$="-${name}"]`);
  const codes = (segment) => field(segment, "codes").value.split(/[\s,;]+/).filter(Boolean);
  const write = (segment, all) => { field(segment, "codes").value = [...new Set(all)].sort().reverse().join(" "); };
  const name = (segment) => field(segment, "name").value.trim() || words.wordsUnnamed;
  const shown = () => segments.filter((segment) => !segment.hidden);
  let chosen = shown()[0];
  let painting = false;

  const owners = () => {
    const found = new Map();
    for (const segment of shown()) for (const code of codes(segment)) found.set(code, [...(found.get(code) || []), segment]);
    return found;
  };

  // White or black, whichever is easier to read on the colour.
  const ink = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return (red * 299 + green * 587 + blue * 114) / 1000 > 150 ? "#111827" : "#ffffff";
  };

  const choose = (segment) => { chosen = segment; draw(); };

  const drawPalette = () => {
    palette.replaceChildren(...shown().map((segment) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "fi-palette-one";
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(segment === chosen));
      const swatch = document.createElement("span");
      swatch.className = "fi-swatch";
      swatch.style.background = field(segment, "colour").value;
      button.append(swatch, name(segment));
      button.addEventListener("click", () => choose(segment));
      return button;
    }));
  };

  const draw = () => {
    const held = owners();
    const known = new Set(buttons.map((button) => button.dataset.code));
    for (const button of buttons) {
      const [owner] = held.get(button.dataset.code) || [];
      const twice = (held.get(button.dataset.code) || []).length > 1;
      button.style.background = owner ? field(owner, "colour").value : "";
      button.style.color = owner ? ink(field(owner, "colour").value) : "";
      button.classList.toggle("fi-paint-none", !owner);
      button.classList.toggle("fi-paint-twice", twice);
      const label = `${button.dataset.code}: ${owner ? name(owner) : words.wordsNobody}`;
      button.title = label;
      button.setAttribute("aria-label", label);
    }
    for (const segment of shown()) {
      segment.querySelector("[data-swatch]").style.background = field(segment, "colour").value;
      segment.querySelector("[data-name]").textContent = name(segment);
      segment.querySelector("[data-count]").textContent = codes(segment).filter((code) => known.has(code)).length;
    }
    const missing = [...known].filter((code) => !held.has(code)).sort();
    const twice = [...held].filter(([, all]) => all.length > 1).map(([code]) => code).sort();
    state.textContent = missing.length ? `${words.wordsMissing} ${missing.join(", ")}`
      : twice.length ? `${words.wordsTwice} ${twice.join(", ")}` : words.wordsComplete;
    state.classList.toggle("fi-error", Boolean(missing.length || twice.length));
    if (!readOnly) drawPalette();
  };

  const paint = (code) => {
    if (!chosen) return;
    for (const segment of shown()) if (segment !== chosen) write(segment, codes(segment).filter((one) => one !== code));
    write(chosen, [...codes(chosen), code]);
    draw();
  };

  if (readOnly) {
    form.querySelectorAll("input, textarea").forEach((one) => { one.disabled = true; });
    draw();
    return;
  }
  palette.hidden = false;
  for (const button of buttons) {
    button.addEventListener("pointerdown", (event) => {
      painting = event.pointerType === "mouse";
      if (painting) { event.preventDefault(); paint(button.dataset.code); button.focus(); }
    });
    button.addEventListener("pointerenter", () => { if (painting) paint(button.dataset.code); });
    button.addEventListener("click", () => paint(button.dataset.code));
  }
  window.addEventListener("pointerup", () => { painting = false; });

  const add = form.querySelector("[data-add-segment]");
  const spare = () => segments.find((segment) => segment.hidden);
  add.hidden = !spare();
  add.addEventListener("click", () => {
    const segment = spare();
    segment.hidden = false;
    segment.open = true;
    add.hidden = !spare();
    choose(segment);
    field(segment, "name").focus();
  });
  for (const segment of segments) {
    const away = segment.querySelector("[data-take-away]");
    away.hidden = false;
    away.addEventListener("click", () => {
      for (const one of ["name", "codes", "advice", "action", "code"]) field(segment, one).value = "";
      segment.hidden = true;
      add.hidden = false;
      if (chosen === segment) chosen = shown()[0];
      draw();
    });
    segment.addEventListener("input", draw);
    segment.addEventListener("toggle", () => { if (segment.open && chosen !== segment) choose(segment); });
  }
  draw();
})();
