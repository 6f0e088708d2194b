/* A tree of conditions, drawn and edited by react-querybuilder with Fidelio's controls. */
import { useMemo, useRef } from "react";
import { QueryBuilder, update } from "react-querybuilder";
import { Action, FieldPicker, Select } from "./controls.jsx";
import { fitted, grouped, meant, startValue, toQuery, toTree, validity } from "./rules.js";
import { ValueEditor } from "./values.jsx";

const button = (icon) => (props) => <Action {...props} icon={icon} />;
const CONTROLS = {
  fieldSelector: FieldPicker,
  operatorSelector: OperatorSelector,
  combinatorSelector: JoinSelector,
  valueEditor: ValueEditor,
  notToggle: null,
  addRuleAction: AddRule,
  addGroupAction: AddGroup,
  removeRuleAction: button("close"),
  removeGroupAction: button("close"),
  cloneRuleAction: button("content_copy"),
  cloneGroupAction: button("content_copy"),
};
const COMBINATORS = [{ name: "and", label: "and" }, { name: "or", label: "or" }];

/** `tree` is what is stored; `onChange` gets the edited query. `mistakes` are the server's, below `pointer`. */
export function RuleTree({ tree, fields, context, pointer, mistakes, maxLevels, onChange, label, inner }) {
  // The query keeps its ids, and with them the focus, for as long as the tree is the one it was edited into.
  const kept = useRef(null);
  if (!kept.current || JSON.stringify(toTree(kept.current)) !== JSON.stringify(toTree(toQuery(tree)))) kept.current = toQuery(tree);
  const query = kept.current;
  const known = useMemo(() => withUnknown(fields, query, context), [fields, query, context]);
  const fieldOf = (name) => known.byName.get(name);
  const change = (next) => { kept.current = fitted(next, fieldOf); onChange(kept.current); };
  const own = {
    ...context, inner,
    set: (path, part) => change(Object.entries(part).reduce((at, [key, value]) => update(at, key, value, path, { resetOnFieldChange: false }), kept.current)),
  };
  const map = useMemo(() => validity(query, mistakes, pointer), [query, mistakes, pointer]);
  return (
    <QueryBuilder
      query={query} onQueryChange={change} fields={known.options} combinators={COMBINATORS} controlElements={CONTROLS} context={own}
      getOperators={(name) => (fieldOf(name)?.takes ?? []).map((each) => ({ name: each, label: context.operatorLabel(fieldOf(name), each) }))}
      getDefaultValue={(rule) => startValue(fieldOf(rule.field) ?? {})} getDefaultField={() => known.first}
      resetOnOperatorChange={false} maxLevels={maxLevels} showCloneButtons={!inner} addRuleToNewGroups listsAsArrays validator={() => map}
      translations={context.words.translations} accessibleDescriptionGenerator={({ path }) => (path.length ? context.words.group : label)}
      controlClassnames={{ queryBuilder: inner ? "fi-rules fi-rules-inner" : "fi-rules" }}
      enableMountQueryChange={false}
    />
  );
}

/* Fields by group; one that a rule names but the catalogue does not know stays to be seen. */
function withUnknown(fields, query, context) {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const visit = (node) => node.rules.forEach((rule) => {
    if ("rules" in rule) visit(rule);
    else if (!byName.has(rule.field)) byName.set(rule.field, meant(rule.field, fields) ?? stranger(rule, context));
  });
  visit(query);
  return { byName, options: grouped([...byName.values()]), first: fields[0]?.name };
}

function stranger({ field, operator }, context) {
  return { name: field, value: field, label: field, kind: "unknown", takes: [operator ?? "="], group: context.words.unknown };
}

function OperatorSelector({ options, value, handleOnChange, title }) {
  const pairs = options.map((each) => [each.name, each.label]);
  if (pairs.length < 2) return null;
  return <Select value={value} options={pairs} onChange={handleOnChange} label={title} className="fi-rule-operator" />;
}

/* "All of these", "at least one", and their opposites: the combinator and the negation in one choice. */
function JoinSelector({ value, path, context, ruleGroup }) {
  const chosen = `${ruleGroup.not ? "not-" : ""}${value}`;
  const choose = (next) => context.set(path, { combinator: next.replace("not-", ""), not: next.startsWith("not-") });
  const lead = context.inner && path.length === 0;
  if (lead && ruleGroup.rules.length === 0) return null;
  return (
    <span className="fi-rule-line">
      {lead ? <span>{context.words.where}</span> : null}
      <Select value={chosen} options={context.words.joins} onChange={choose} label={context.words.translations.combinators.title} className="fi-rule-join" />
    </span>
  );
}

/* Below an event, the first condition says that it is one "where"; groups come when there is something to group. */
function AddRule(props) {
  const first = props.context.inner && props.path.length === 0 && props.ruleOrGroup.rules.length === 0;
  return <Action {...props} icon="add" text label={first ? props.context.words.addWhere : props.label} />;
}

function AddGroup(props) {
  if (props.context.inner && (props.path.length > 0 || props.ruleOrGroup.rules.length === 0)) return null;
  return <Action {...props} icon="account_tree" text />;
}
