/* Finds every place for a builder on the page: a textarea with the rules as JSON stays the form's field. */
import { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { RuleTree } from "./tree.jsx";
import { isTree, toTree } from "./rules.js";

const PAUSE = 500;

for (const place of document.querySelectorAll("[data-fi-rules]")) {
  const config = JSON.parse(document.getElementById(place.dataset.fiRules).textContent);
  const textarea = document.getElementById(place.dataset.fiFor);
  const answer = document.getElementById(place.dataset.fiAnswer ?? "");
  createRoot(place).render(<Builder config={config} textarea={textarea} answer={answer} />);
}

function Builder({ config, textarea, answer }) {
  const [text, setText] = useState(textarea.value);
  const [mistakes, setMistakes] = useState([]);
  const tree = useMemo(() => parsed(text), [text]);
  const fields = useMemo(() => config.fields.map(asOption), [config]);
  const context = useMemo(() => contextOf(config, fields), [config, fields]);

  useEffect(() => {
    const typed = () => setText(textarea.value);
    textarea.addEventListener("input", typed);
    return () => textarea.removeEventListener("input", typed);
  }, [textarea]);
  useChecked(text, config, answer, setMistakes);

  if (!tree) return <div className="fi-message fi-warn" role="alert">{config.words.notATree}</div>;
  const write = (query) => {
    textarea.value = JSON.stringify(toTree(query), null, 2);
    textarea.dispatchEvent(new Event("change", { bubbles: true }));
    setText(textarea.value);
  };
  return <RuleTree tree={tree} fields={fields} context={context} pointer="/rules" mistakes={mistakes} maxLevels={config.maxDepth - 1} onChange={write} label={config.words.rules} />;
}

/* Ask the server how many the rules hold, a moment after the last change; an answer that is late is dropped. */
function useChecked(text, config, answer, setMistakes) {
  useEffect(() => {
    const giveUp = new AbortController();
    answer?.setAttribute("aria-busy", "true");
    const timer = setTimeout(async () => {
      const body = new FormData();
      body.set("rules", text);
      body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
      try {
        const response = await fetch(config.checkUrl, { method: "POST", body, signal: giveUp.signal });
        if (answer) answer.innerHTML = response.ok ? await response.text() : failure(config);
        const told = answer?.querySelectorAll("[data-pointer]") ?? [];
        setMistakes([...told].map((each) => ({ pointer: each.dataset.pointer, message: each.dataset.message })));
      } catch (error) {
        if (error.name === "AbortError") return;
        if (answer) answer.innerHTML = failure(config);
      }
      answer?.removeAttribute("aria-busy");
    }, PAUSE);
    return () => { clearTimeout(timer); giveUp.abort(); };
  }, [text, config, answer, setMistakes]);
}

function failure(config) {
  const message = document.createElement("div");
  message.className = "fi-message fi-bad";
  message.textContent = config.words.failed;
  return message.outerHTML;
}

function parsed(text) {
  try {
    const tree = JSON.parse(text);
    return isTree(tree) ? tree : null;
  } catch {
    return null;
  }
}

function asOption(field) {
  // react-querybuilder has meanings of its own for `operators` and `values`.
  const { field: name, where, operators: takes, ...rest } = field;
  return { ...rest, takes, name, value: name, where: (where ?? []).map(asOption) };
}

function contextOf(config, fields) {
  const { words, money, valuesUrl, seasons } = config;
  const operatorLabel = (field, operator) => words.operators[field.kind]?.[operator] ?? words.operators.plain[operator] ?? operator;
  return { words, money, valuesUrl, seasons, operatorLabel, events: fields.filter((field) => field.kind === "event") };
}
