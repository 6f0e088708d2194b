/* Values that a field is known to hold, asked for once, when somebody begins to type. */
import { useState } from "react";

const known = new Map();

export function useSuggestions(field, context) {
  const [values, setValues] = useState(known.get(field.name) ?? Object.keys(field.choices ?? {}));
  const ask = async () => {
    if (!field.suggests) return;
    if (known.has(field.name)) {
      setValues(known.get(field.name));
      return;
    }
    known.set(field.name, []);
    const answer = await fetch(`${context.valuesUrl}?field=${encodeURIComponent(field.suggests)}`, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      known.set(field.name, (await answer.json()).values);
      setValues(known.get(field.name));
    }
  };
  return [values, ask];
}
