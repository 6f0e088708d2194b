/* What a condition is compared with, by the kind of its field. */
import { useState } from "react";
import { Chips, Icon, NumberInput, Select, TextInput } from "./controls.jsx";
import { Happening } from "./happening.jsx";
import { useSuggestions } from "./suggestions.js";

export function ValueEditor(props) {
  const { operator, validation, context, rule } = props;
  const reasons = typeof validation === "object" && validation ? validation.reasons : null;
  // What is wrong inside an event's own conditions is said there.
  const own = reasons?.filter((each) => !/\/where(\/|$)/.test(each.pointer));
  return (
    <>
      {operator === "null" || operator === "notNull" ? null : <Editor {...props} onChange={props.handleOnChange} words={context.words} rule={rule} />}
      {own?.length ? <div className="fi-rule-mistake" role="alert">{own.map((each) => <div key={each.pointer + each.message}>{each.message}</div>)}</div> : null}
    </>
  );
}

function Editor(props) {
  const { fieldData: field, operator, value, onChange, words } = props;
  if (field.kind === "event") return <Happening {...props} field={field} />;
  if (field.kind === "unknown") return <RawValue {...props} />;
  if (operator === "between") {
    const [low, high] = Array.isArray(value) ? value : [null, null];
    return (
      <span className="fi-rule-line">
        <Single field={field} value={low} onChange={(each) => onChange([each, high])} words={words} context={props.context} />
        <span>{words.and}</span>
        <Single field={field} value={high} onChange={(each) => onChange([low, each])} words={words} context={props.context} />
      </span>
    );
  }
  if (operator === "in" || operator === "notIn") return <Several {...props} field={field} />;
  if (operator === "contains" || operator === "beginsWith") return <TextInput value={value} onChange={onChange} label={words.value} />;
  return <Single field={field} value={value} onChange={onChange} words={words} context={props.context} />;
}

/** One value of a field. */
export function Single({ field, value, onChange, words, context }) {
  switch (field.kind) {
    case "choice":
      return <Choice field={field} value={value} onChange={onChange} label={words.value} />;
    case "integer":
    case "number":
      return (
        <span className="fi-rule-line">
          <NumberInput value={value} onChange={onChange} label={words.value} min={field.minimum ?? undefined} max={field.maximum ?? undefined} fraction={field.kind === "number"} />
          {field.unit ? <span>{words.units[field.unit] ?? field.unit}</span> : null}
        </span>
      );
    case "money":
      return (
        <span className="fi-rule-money">
          <NumberInput value={value} onChange={onChange} digits={context.money.digits} label={`${words.value} (${context.money.code})`} />
          <span>{context.money.symbol}</span>
        </span>
      );
    case "date":
      return <Day value={value} onChange={onChange} words={words} />;
    case "boolean":
      return <Select value={String(value)} options={[["true", words.yes], ["false", words.no]]} onChange={(each) => onChange(each === "true")} label={words.value} />;
    case "any":
      return <Any value={value} onChange={onChange} words={words} />;
    default:
      return <SuggestedText field={field} value={value} onChange={onChange} words={words} context={context} />;
  }
}

function SuggestedText({ field, value, onChange, words, context, ...rest }) {
  const [suggestions, ask] = useSuggestions(field, context);
  return <TextInput value={value} onChange={onChange} label={words.value} suggestions={suggestions} onFocus={ask} {...rest} />;
}

function Choice({ field, value, onChange, label }) {
  const options = Object.entries(field.choices ?? {});
  // What was chosen once may be gone: a segment, a campaign. It stays to be seen, and the server says so.
  const known = options.some(([code]) => code === value) || !value;
  return <Select value={value} options={known ? options : [[value, value], ...options]} onChange={onChange} label={label} />;
}

function Day({ value, onChange, words }) {
  const relative = value && typeof value === "object";
  const mode = !relative ? "day" : value.days_ago < 0 ? "ahead" : "ago";
  const days = relative ? Math.abs(value.days_ago ?? 0) : 30;
  const change = (next) => {
    if (next === "day") onChange(new Date().toISOString().slice(0, 10));
    else onChange({ days_ago: next === "ahead" ? -Math.max(days, 1) : days });
  };
  return (
    <span className="fi-rule-line">
      {relative ? (
        <NumberInput value={days} min={0} label={words.days} onChange={(each) => onChange({ days_ago: mode === "ahead" ? -(each ?? 0) : (each ?? 0) })} />
      ) : (
        <input type="date" value={typeof value === "string" ? value.slice(0, 10) : ""} aria-label={words.day} onChange={(event) => onChange(event.target.value)} />
      )}
      <Select value={mode} options={[["ago", words.daysAgo], ["ahead", words.daysAhead], ["day", words.theDay]]} onChange={change} label={words.day} />
    </span>
  );
}

/* A trait may hold a text, a number or a truth: the person says which. */
function Any({ value, onChange, words }) {
  const type = typeof value === "number" ? "number" : typeof value === "boolean" ? "truth" : "text";
  const change = (next) => onChange(next === "number" ? Number(value) || 0 : next === "truth" ? true : "");
  return (
    <span className="fi-rule-line">
      {type === "truth" ? (
        <Select value={String(value)} options={[["true", words.yes], ["false", words.no]]} onChange={(each) => onChange(each === "true")} label={words.value} />
      ) : type === "number" ? (
        <NumberInput value={value} onChange={(each) => onChange(each ?? 0)} label={words.value} />
      ) : (
        <TextInput value={value} onChange={onChange} label={words.value} />
      )}
      <Select value={type} options={[["text", words.text], ["number", words.number], ["truth", words.truth]]} onChange={change} label={words.kind} />
    </span>
  );
}

function Several({ field, value, onChange, words, context }) {
  const values = Array.isArray(value) ? value : [];
  if (field.kind === "choice") {
    const left = Object.entries(field.choices ?? {}).filter(([code]) => !values.includes(code));
    return (
      <span className="fi-rule-line">
        <Chips values={values} nameOf={(each) => field.choices?.[each] ?? each} onChange={onChange} words={words} />
        {left.length ? <Select value="" options={[["", words.add], ...left]} onChange={(each) => each && onChange([...values, each])} label={words.add} /> : null}
      </span>
    );
  }
  const digits = field.kind === "money" ? context.money.digits : 0;
  const nameOf = (each) => (typeof each === "number" && digits ? String(each / 10 ** digits) : String(each));
  return (
    <span className="fi-rule-line">
      <Chips values={values} nameOf={nameOf} onChange={onChange} words={words} />
      <NewValue field={field} words={words} context={context} onAdd={(each) => onChange([...new Set([...values, ...each])])} />
    </span>
  );
}

function NewValue({ field, words, context, onAdd }) {
  const numeric = ["integer", "money", "number"].includes(field.kind);
  const [draft, setDraft] = useState(numeric ? null : "");
  const add = () => {
    const values = numeric ? [draft] : String(draft).split(/[,;\n]/).map((each) => each.trim());
    onAdd(values.filter((each) => each !== "" && each != null));
    setDraft(numeric ? null : "");
  };
  const onEnter = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  return (
    <span className="fi-rule-line" onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget) && draft) add(); }}>
      {numeric ? (
        <span onKeyDown={onEnter}><Single field={field} value={draft} onChange={setDraft} words={words} context={context} /></span>
      ) : (
        <SuggestedText field={field} value={draft} onChange={setDraft} words={words} context={context} onKeyDown={onEnter} placeholder={words.several} />
      )}
      <button type="button" className="fi-rule-button" title={words.add} aria-label={words.add} onClick={add}><Icon name="add" /></button>
    </span>
  );
}

/* A field that the catalogue does not hold (any more): its value as JSON, so that nothing is lost. */
function RawValue({ value, onChange, words }) {
  const [text, setText] = useState(JSON.stringify(value ?? null));
  const change = (typed) => {
    setText(typed);
    try { onChange(JSON.parse(typed)); } catch { onChange(typed); }
  };
  return <TextInput value={text} onChange={change} label={words.value} />;
}
