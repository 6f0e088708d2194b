/* Small parts that every editor uses. */
import { useEffect, useId, useRef, useState } from "react";
import { partOf } from "./rules.js";

export function Icon({ name }) {
  return <span className="material-symbols-outlined" aria-hidden="true">{name}</span>;
}

/** A button of the builder: an icon, or an icon and a word. */
export function Action({ handleOnClick, label, title, className, disabled, icon, text }) {
  return (
    <button type="button" className={`fi-rule-button ${className ?? ""}`} title={title} aria-label={title} disabled={disabled} onClick={handleOnClick}>
      <Icon name={icon} />
      {text ? <span>{label}</span> : null}
    </button>
  );
}

export function Select({ value, options, onChange, label, className }) {
  return (
    <select className={className} value={value ?? ""} aria-label={label} onChange={(event) => onChange(event.target.value)}>
      {options.map(([code, name]) => <option key={code} value={code}>{name}</option>)}
    </select>
  );
}

/** A number that may be half typed: the text is kept as it is, the value follows where there is one. */
export function NumberInput({ value, onChange, label, digits = 0, min, max, fraction, className }) {
  const scale = 10 ** digits;
  const shown = typeof value !== "number" ? "" : digits ? (value / scale).toFixed(digits) : String(value);
  const [text, setText] = useState(shown);
  const parse = (typed) => {
    if (typed.trim() === "" || Number.isNaN(Number(typed))) return null;
    return fraction ? Number(typed) : Math.round(Number(typed) * scale);
  };
  useEffect(() => {
    if (parse(text) !== (value ?? null)) setText(shown);
  }, [value]);
  return (
    <input
      type="number" className={className ?? "fi-rule-number"} value={text} min={min} max={max} step={fraction ? "any" : 1 / scale} aria-label={label} inputMode="decimal"
      onChange={(event) => { setText(event.target.value); onChange(parse(event.target.value)); }}
    />
  );
}

/** A text, with what is known of the field offered below it. */
export function TextInput({ value, onChange, label, suggestions = [], onFocus, onKeyDown, placeholder }) {
  const id = useId();
  return (
    <>
      <input
        type="text" className="fi-rule-text" value={typeof value === "string" ? value : value == null ? "" : String(value)} aria-label={label}
        list={suggestions.length ? id : undefined} maxLength={500} autoComplete="off" placeholder={placeholder}
        onChange={(event) => onChange(event.target.value)} onFocus={onFocus} onKeyDown={onKeyDown}
      />
      {suggestions.length ? <datalist id={id}>{suggestions.map((each) => <option key={each} value={each} />)}</datalist> : null}
    </>
  );
}

/** Values already chosen, each with a button that takes it out again. */
export function Chips({ values, nameOf, onChange, words }) {
  return values.map((each, index) => (
    <span className="fi-rule-chip" key={`${index}-${each}`}>
      {nameOf(each)}
      <button type="button" aria-label={`${words.remove}: ${nameOf(each)}`} onClick={() => onChange(values.filter((_, at) => at !== index))}>
        <Icon name="close" />
      </button>
    </span>
  ));
}

/** The field of a condition: a button that opens a list to search in, by group. */
export function FieldPicker({ options, value, handleOnChange, title, context, path }) {
  const { words } = context;
  const id = useId();
  const root = useRef(null);
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);

  const groups = options.filter((group) => group.options?.length);
  const sought = text.trim().toLowerCase();
  const fits = (field) => !sought || `${field.label} ${field.name}`.toLowerCase().includes(sought);
  const shown = groups.map((group) => ({ ...group, options: group.options.filter((each) => fits(each) || group.label.toLowerCase().includes(sought)) })).filter((group) => group.options.length);
  const flat = shown.flatMap((group) => group.options);
  const chosen = groups.flatMap((group) => group.options).find((each) => each.name === value);

  useEffect(() => {
    if (!open) return undefined;
    const outside = (event) => { if (!root.current?.contains(event.target)) setOpen(false); };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  useEffect(() => {
    if (open) root.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active, open, text]);

  const begin = () => { setText(""); setActive(Math.max(0, groups.flatMap((group) => group.options).findIndex((each) => each.name === value))); setOpen(true); };
  const end = () => { setOpen(false); root.current?.querySelector("button")?.focus(); };
  const choose = (field) => { if (field && field.name !== value) handleOnChange(field.name); end(); };
  const keys = (event) => {
    if (event.key === "ArrowDown") setActive(Math.min(active + 1, flat.length - 1));
    else if (event.key === "ArrowUp") setActive(Math.max(active - 1, 0));
    else if (event.key === "Home") setActive(0);
    else if (event.key === "End") setActive(flat.length - 1);
    else if (event.key === "Enter") choose(flat[active]);
    else if (event.key === "Escape") end();
    else if (event.key === "Tab") { setOpen(false); return; }
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="fi-picker" ref={root}>
      <button type="button" className="fi-picker-button" aria-haspopup="listbox" aria-expanded={open} title={title} onClick={() => (open ? end() : begin())}>
        <span>{chosen?.short ?? chosen?.label ?? value}</span><Icon name="expand_more" />
      </button>
      {chosen?.parameter && path ? <Parameter field={chosen} onChange={(field) => context.set(path, { field })} /> : null}
      {open ? (
        <div className="fi-picker-panel">
          <input
            type="search" autoFocus role="combobox" aria-expanded="true" aria-controls={id} aria-activedescendant={flat[active] ? `${id}-${active}` : undefined}
            aria-label={words.searchFields} placeholder={words.searchFields} value={text} autoComplete="off"
            onChange={(event) => { setText(event.target.value); setActive(0); }} onKeyDown={keys}
          />
          <div role="listbox" id={id} aria-label={title}>
            {shown.map((group) => (
              <div role="group" aria-label={group.label || title} key={group.label}>
                {group.label ? <div className="fi-picker-group" aria-hidden="true">{group.label}</div> : null}
                {group.options.map((field) => {
                  const at = flat.indexOf(field);
                  return (
                    <div
                      role="option" id={`${id}-${at}`} key={field.name} aria-selected={at === active} className={field.name === value ? "fi-picker-chosen" : undefined}
                      onPointerMove={() => setActive(at)} onClick={() => choose(field)}
                    >
                      {field.label}
                    </div>
                  );
                })}
              </div>
            ))}
            {flat.length ? null : <div className="fi-picker-none">{words.noField}</div>}
          </div>
        </div>
      ) : null}
    </div>
  );
}

/* What stands for the `*` of an open field: the name of a detail, of a trait. */
function Parameter({ field, onChange }) {
  const pattern = field.pattern ?? field.name;
  const part = field.pattern ? partOf(field.name, pattern) : "";
  const [text, setText] = useState(part);
  useEffect(() => setText(part), [part]);
  const leave = () => { if (text.trim() && text.trim() !== part) onChange(pattern.replace("*", text.trim())); };
  return (
    <input
      type="text" className="fi-rule-parameter" value={text} aria-label={field.parameter} placeholder={field.parameter} maxLength={100} autoComplete="off"
      onChange={(event) => setText(event.target.value)} onBlur={leave}
      onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); leave(); } }}
    />
  );
}
