/* The tree as the server stores it ({combinator, not, rules}) and as react-querybuilder edits it (with ids). */
import { generateID } from "react-querybuilder";

const EVERYBODY = { combinator: "and", not: false, rules: [] };

/** Whether this can be drawn as a tree of rules at all; what is wrong inside it is the server's to say. */
export function isTree(node) {
  if (!node || typeof node !== "object" || !Array.isArray(node.rules)) return false;
  if (node.combinator !== "and" && node.combinator !== "or") return false;
  return node.rules.every((rule) =>
    rule && typeof rule === "object" && ("rules" in rule ? isTree(rule) : typeof rule.field === "string"),
  );
}

/** The stored tree with an id for every rule and group. */
export function toQuery(tree) {
  const group = tree ?? EVERYBODY;
  return {
    id: generateID(),
    combinator: group.combinator,
    not: Boolean(group.not),
    rules: group.rules.map((rule) => ("rules" in rule ? toQuery(rule) : { ...rule, id: generateID() })),
  };
}

/** The tree as it is stored: without ids and with nothing that the editor keeps for itself. */
export function toTree(query) {
  return {
    combinator: query.combinator,
    not: Boolean(query.not),
    rules: query.rules.map((rule) => ("rules" in rule ? toTree(rule) : toLeaf(rule))),
  };
}

function toLeaf({ field, operator, value }) {
  if (operator === "null" || operator === "notNull") return { field, operator };
  return { field, operator, value };
}

/** Give every rule a value of the shape its operator takes, keeping what was typed where that is possible. */
export function fitted(query, fieldOf) {
  return {
    ...query,
    rules: query.rules.map((rule) =>
      "rules" in rule ? fitted(rule, fieldOf) : { ...rule, value: fittedValue(rule, fieldOf(rule.field)) },
    ),
  };
}

function fittedValue({ operator, value }, field) {
  if (field?.kind === "event") return asked(operator, value, field);
  if (!field || !PLAIN.has(field.kind)) return value;
  const list = Array.isArray(value) ? value : [value];
  if (operator === "between") return [list[0] ?? startValue(field), list[1] ?? startValue(field)];
  if (operator === "in" || operator === "notIn") return list.filter((each) => each !== "" && each != null);
  if (operator === "contains" || operator === "beginsWith") return typeof list[0] === "string" ? list[0] : "";
  return list[0] ?? startValue(field);
}

const PLAIN = new Set(["text", "choice", "integer", "money", "number", "date", "boolean", "any"]);

/** What a new condition on a field starts with. */
export function startValue(field) {
  switch (field.kind) {
    case "choice":
      return Object.keys(field.choices ?? {})[0] ?? "";
    case "integer":
    case "money":
    case "number":
      return null;
    case "date":
      return { days_ago: 30 };
    case "boolean":
      return true;
    case "event":
      return { match: { mode: "atLeast", threshold: 1 }, window: { last_days: 90 } };
    default:
      return "";
  }
}

/* What an event's operator asks, keeping the window and the conditions when the question changes. */
function asked(operator, value, field) {
  const { window, where, ...own } = value && typeof value === "object" ? value : {};
  const kept = { ...(window ? { window } : {}), ...(where ? { where } : {}) };
  const measured = field.where.find((each) => each.functions?.length);
  switch (operator) {
    case "aggregate":
      if (own.of) return { ...own, ...kept };
      return { function: measured?.functions[0], of: measured?.name, operator: ">=", value: null, ...kept };
    case "last":
    case "first":
      return kept;
    case "sequence":
      return { ...kept, then: own.then ?? [{ field: field.name, negated: false, within: { days: 30 } }] };
    default:
      return { match: own.match ?? { mode: "atLeast", threshold: 1 }, ...kept };
  }
}

/** Fields under their headings, as a list to choose from has them. */
export function grouped(fields) {
  const groups = new Map();
  for (const field of fields) groups.set(field.group, [...(groups.get(field.group) ?? []), field]);
  return [...groups].map(([group, options]) => ({ label: group ?? "", options }));
}

/** The field that a code means: itself, or one whose `*` it fills in. */
export function meant(code, fields) {
  const exact = fields.find((field) => field.name === code);
  if (exact) return exact;
  const open = fields.find((field) => field.parameter && partOf(code, field.name) !== null);
  return open && { ...open, name: code, value: code, label: `${open.label}: ${partOf(code, open.name)}`, short: open.label, pattern: open.name };
}

/** What a code has in the place of a pattern's `*`, or null when it is not meant. */
export function partOf(code, pattern) {
  const [before, after] = pattern.split("*");
  if (!code.startsWith(before) || !code.endsWith(after) || code.length <= before.length + after.length) return null;
  return code.slice(before.length, code.length - after.length);
}

/** The server's mistakes (JSON pointer and message) as react-querybuilder's map from id to validity. */
export function validity(query, mistakes, pointer) {
  const found = {};
  const visit = (node, at) => {
    const own = mistakes.filter((mistake) => mistake.pointer === at || isInside(mistake.pointer, node, at));
    if (own.length) found[node.id] = { valid: false, reasons: own };
    node.rules?.forEach((rule, index) => visit(rule, `${at}/rules/${index}`));
  };
  visit(query, pointer);
  return found;
}

/* A group answers for its own keys, a condition for everything below it. */
function isInside(pointer, node, at) {
  if (!pointer.startsWith(`${at}/`)) return false;
  return node.rules ? !pointer.startsWith(`${at}/rules/`) : true;
}
