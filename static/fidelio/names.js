// Names in forms: a textarea of names becomes chips, a text input proposes what the catalogue has, and a row of
// a sentence can be emptied. Without this script the same fields take text, separated by commas.
(() => {
  const found = new Map();
  let lists = 0;

  const address = (element, kind) => {
    const holder = element.closest("[data-suggest-url]");
    return holder ? holder.dataset.suggestUrl.replace("KIND", kind) : "";
  };

  const look = async (url, text) => {
    const key = `${url}?q=${encodeURIComponent(text)}`;
    if (!found.has(key)) {
      const answer = await fetch(key, { headers: { "X-Background": "1" } });
      found.set(key, answer.ok ? (await answer.json()).found : []);
    }
    return found.get(key);
  };

  const propose = (input, kind) => {
    const url = address(input, kind);
    if (!url || !kind) return;
    const list = document.createElement("datalist");
    list.id = `fi-names-${++lists}`;
    input.setAttribute("list", list.id);
    input.after(list);
    let waiting;
    const fill = async () => {
      const options = await look(url, input.value.trim());
      list.replaceChildren(...options.map(({ value, label }) => {
        const option = document.createElement("option");
        option.value = value;
        if (label && label !== value) option.label = `${value} – ${label}`;
        return option;
      }));
    };
    const later = () => { clearTimeout(waiting); waiting = setTimeout(fill, 150); };
    input.addEventListener("focus", later);
    input.addEventListener("input", later);
  };

  const chips = (area) => {
    const box = document.createElement("div");
    box.className = "fi-names";
    const input = document.createElement("input");
    input.type = "text";
    input.autocomplete = "off";
    input.setAttribute("aria-label", document.querySelector(`label[for="${area.id}"]`)?.textContent ?? "");
    area.hidden = true;
    area.after(box);
    box.append(input);
    const names = () => area.value.split(/[,\n]/).map((name) => name.trim()).filter(Boolean);

    const write = (all) => {
      area.value = [...new Set(all)].join(", ");
      draw();
      area.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const draw = () => {
      box.querySelectorAll(".fi-name").forEach((chip) => chip.remove());
      for (const name of names()) {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.className = "fi-name";
        chip.textContent = name;
        chip.title = name;
        chip.addEventListener("click", () => write(names().filter((other) => other !== name)));
        input.before(chip);
      }
    };
    const take = () => {
      const given = input.value.split(/[,\n]/).map((name) => name.trim()).filter(Boolean);
      input.value = "";
      if (given.length) write([...names(), ...given]);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === ",") { event.preventDefault(); take(); }
      if (event.key === "Backspace" && !input.value) write(names().slice(0, -1));
    });
    input.addEventListener("change", (event) => { event.stopPropagation(); take(); });
    document.querySelector(`label[for="${area.id}"]`)?.addEventListener("click", () => input.focus());
    propose(input, area.dataset.names);
    draw();
  };

  const clear = (button) => {
    const row = button.closest("[data-row]") || button.closest(".fi-sentence");
    for (const field of row.querySelectorAll("input, select, textarea")) {
      if (field.type === "checkbox") field.checked = false;
      else if (field.tagName === "SELECT") field.selectedIndex = [...field.options].findIndex((one) => one.defaultSelected);
      else field.value = field.type === "number" ? field.defaultValue : "";
      if (field.tagName === "SELECT" && field.selectedIndex < 0) field.selectedIndex = 0;
    }
    row.querySelector("input, select")?.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const start = () => {
    document.querySelectorAll("textarea[data-names]").forEach(chips);
    document.querySelectorAll("input[data-suggest]").forEach((input) => propose(input, input.dataset.suggest));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-clear-row]");
      if (button) clear(button);
    });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
