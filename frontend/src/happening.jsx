/* What somebody did, as an event's operator asks: how often, how much, the last time, one after another. */
import { FieldPicker, Icon, NumberInput, Select } from "./controls.jsx";
import { grouped, toTree } from "./rules.js";
import { RuleTree } from "./tree.jsx";
import { Single } from "./values.jsx";
import { WindowEditor } from "./windows.jsx";

const MOST_STEPS = 5;

export function Happening(props) {
  const { field, operator, value, onChange, context, validation } = props;
  const given = value && typeof value === "object" ? value : {};
  const change = (part) => onChange(without(undefined, { ...given, ...part }));
  const Question = QUESTIONS[operator] ?? QUESTIONS.happened;
  const mistakes = validation?.reasons ?? [];
  return (
    <div className="fi-deed">
      <span className="fi-rule-line">
        <Question field={field} given={given} change={change} context={context} />
        <WindowEditor window={given.window} onChange={(window) => change({ window })} context={context} />
      </span>
      <Where fields={field.where} where={given.where} onChange={(where) => change({ where })} context={context} mistakes={mistakes} at="/where" />
      {operator === "sequence" ? <Steps given={given} change={change} context={context} mistakes={mistakes} /> : null}
    </div>
  );
}

const QUESTIONS = { happened: HowOften, aggregate: HowMuch, last: () => null, first: () => null, sequence: () => null };

function HowOften({ given, change, context }) {
  const { words } = context;
  const match = given.match ?? { mode: "atLeast", threshold: 1 };
  const setMode = (mode) => change({ match: mode === "none" ? { mode } : { mode, threshold: match.threshold ?? 1 } });
  return (
    <>
      <Select value={match.mode} options={words.modes} onChange={setMode} label={words.howOften} />
      {match.mode === "none" ? null : (
        <>
          <NumberInput value={match.threshold} min={0} onChange={(threshold) => change({ match: { ...match, threshold } })} label={words.times} />
          <span>{match.threshold === 1 ? words.time : words.times}</span>
        </>
      )}
    </>
  );
}

function HowMuch({ field, given, change, context }) {
  const { words } = context;
  const measured = field.where.filter((each) => each.functions?.length);
  const of = measured.find((each) => each.name === given.of);
  const functions = of?.functions ?? [given.function];
  const kind = given.function === "distinct" ? "integer" : of?.kind === "money" ? "money" : "number";
  const list = Array.isArray(given.value) ? given.value : [given.value ?? null, null];
  const one = (each, set) => <Single field={{ kind, name: given.of }} value={each} onChange={set} words={words} context={context} />;
  const choose = (code) => {
    const next = measured.find((each) => each.name === code);
    change({ of: code, function: next.functions.includes(given.function) ? given.function : next.functions[0] });
  };
  const compare = (operator) => change({ operator, value: operator === "between" ? [list[0], list[1]] : list[0] });
  return (
    <>
      <Select value={given.function} options={functions.map((each) => [each, words.functions[each] ?? each])} onChange={(name) => change({ function: name })} label={words.figure} />
      <Select value={given.of} options={measured.map((each) => [each.name, each.label])} onChange={choose} label={words.figureOf} />
      <Select value={given.operator} options={words.figureOperators} onChange={compare} label={words.translations.operators.title} />
      {given.operator === "between" ? (
        <>{one(list[0], (low) => change({ value: [low, list[1]] }))}<span>{words.and}</span>{one(list[1], (high) => change({ value: [list[0], high] }))}</>
      ) : one(list[0], (each) => change({ value: each }))}
    </>
  );
}

function Steps({ given, change, context, mistakes }) {
  const { words, events } = context;
  const steps = Array.isArray(given.then) ? given.then : [];
  const set = (place, part) => change({ then: steps.map((step, at) => (at === place ? without(undefined, { ...step, ...part }) : step)) });
  return (
    <>
      {steps.map((step, place) => {
        const last = place === steps.length - 1;
        const event = events.find((each) => each.name === step.field);
        return (
          <div className="fi-deed-step" key={place} role="group" aria-label={`${words.then} ${place + 1}`}>
            <span className="fi-rule-line">
              {last || step.negated ? (
                <Select value={step.negated ? "not" : "then"} options={[["then", words.then], ["not", words.thenNot]]} onChange={(each) => set(place, { negated: each === "not" })} label={words.order} />
              ) : <span>{words.then}</span>}
              <FieldPicker options={grouped(events)} value={step.field} handleOnChange={(field) => set(place, { field, where: undefined })} title={words.event} context={context} />
              <Within within={step.within} onChange={(within) => set(place, { within })} words={words} />
              {steps.length > 1 ? (
                <button type="button" className="fi-rule-button" title={words.removeStep} aria-label={words.removeStep} onClick={() => change({ then: steps.filter((_, at) => at !== place) })}><Icon name="close" /></button>
              ) : null}
            </span>
            <Where fields={event?.where ?? []} where={step.where} onChange={(where) => set(place, { where })} context={context} mistakes={mistakes} at={`/then/${place}/where`} />
          </div>
        );
      })}
      {steps.length < MOST_STEPS && !steps.at(-1)?.negated ? (
        <div>
          <button type="button" className="fi-rule-button ruleGroup-addRule" onClick={() => change({ then: [...steps, { field: events[0]?.name, negated: false }] })}>
            <Icon name="add" /><span>{words.addStep}</span>
          </button>
        </div>
      ) : null}
    </>
  );
}

function Within({ within, onChange, words }) {
  const unit = within ? Object.keys(within)[0] : "ever";
  const length = within?.[unit] ?? 7;
  return (
    <>
      <Select value={unit} options={[["ever", words.anyTimeLater], ["days", words.withinDays], ["hours", words.withinHours]]} onChange={(next) => onChange(next === "ever" ? undefined : { [next]: length })} label={words.within} />
      {within ? <NumberInput value={length} min={0} onChange={(each) => onChange({ [unit]: each })} label={words.within} /> : null}
    </>
  );
}

/** The conditions on one and the same event; `at` is where they stand below the rule's value. */
function Where({ fields, where, onChange, context, mistakes, at }) {
  const { words } = context;
  if (!fields.length) return null;
  const mark = `/value${at}`;
  const below = mistakes
    .filter(({ pointer }) => pointer.includes(`${mark}/`) || pointer.endsWith(mark))
    .map(({ pointer, message }) => ({ message, pointer: pointer.slice(pointer.indexOf(mark) + mark.length) }));
  const change = (query) => {
    const tree = toTree(query);
    onChange(tree.rules.length ? tree : undefined);
  };
  return (
    <RuleTree
      tree={where ?? { combinator: "and", not: false, rules: [] }} fields={fields} context={context} pointer="" mistakes={below}
      maxLevels={3} label={words.where} inner onChange={change}
    />
  );
}

function without(unwanted, object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== unwanted));
}
