/* When something has to have happened: a stretch of days, a season, or since something else. */
import { FieldPicker, NumberInput, Select } from "./controls.jsx";
import { grouped } from "./rules.js";

const SHAPES = {
  ever: () => undefined,
  last_days: () => ({ last_days: 90 }),
  days_ago: () => ({ days_ago: [30, 90] }),
  dates: () => ({ from: null, until: null }),
  season: () => ({ season: "current" }),
  since_event: (context) => ({ since_event: { field: context.events[0]?.name, which: "last" } }),
};

function shapeOf(window) {
  if (!window || Object.keys(window).length === 0) return "ever";
  return ["last_days", "days_ago", "season", "since_event"].find((key) => key in window) ?? "dates";
}

export function WindowEditor({ window, onChange, context }) {
  const { words, seasons } = context;
  const shape = shapeOf(window);
  const shapes = words.windows.filter(([code]) => code !== "season" || seasons.length || shape === "season");
  const Editor = EDITORS[shape];
  return (
    <>
      <Select value={shape} options={shapes} onChange={(next) => onChange(SHAPES[next](context))} label={words.when} />
      {Editor ? <Editor window={window} onChange={onChange} words={words} context={context} /> : null}
    </>
  );
}

const EDITORS = { last_days: LastDays, days_ago: DaysAgo, dates: Dates, season: InSeason, since_event: SinceEvent };

function LastDays({ window, onChange, words }) {
  return (
    <>
      <NumberInput value={window.last_days} min={0} onChange={(days) => onChange({ last_days: days })} label={words.days} />
      <span>{words.days}</span>
    </>
  );
}

function DaysAgo({ window, onChange, words }) {
  const [near, far] = Array.isArray(window.days_ago) ? window.days_ago : [null, null];
  return (
    <>
      <NumberInput value={near} min={0} onChange={(each) => onChange({ days_ago: [each, far] })} label={words.nearest} />
      <span>{words.and}</span>
      <NumberInput value={far} min={0} onChange={(each) => onChange({ days_ago: [near, each] })} label={words.farthest} />
      <span>{words.daysAgo}</span>
    </>
  );
}

/* An instant, as the API may have written it, is shown by its day and kept until somebody changes it. */
function Dates({ window, onChange, words }) {
  const change = (key, day) => onChange({ ...window, [key]: day || null });
  return ["from", "until"].map((key) => (
    <label className="fi-rule-line" key={key}>
      {words[key]}
      <input type="date" value={window[key]?.slice(0, 10) ?? ""} onChange={(event) => change(key, event.target.value)} />
    </label>
  ));
}

function InSeason({ window, onChange, words, context }) {
  const known = context.seasons.map(({ code, name }) => [code, name]);
  const change = (of) => onChange(of ? { season: window.season, of } : { season: window.season });
  return (
    <>
      <Select value={window.season} options={words.seasons} onChange={(season) => onChange({ ...window, season })} label={words.whichSeason} />
      <Select value={window.of ?? ""} options={[["", words.anySeason], ...known]} onChange={change} label={words.season} />
    </>
  );
}

function SinceEvent({ window, onChange, words, context }) {
  const since = window.since_event ?? {};
  const change = (part) => onChange({ since_event: { ...since, ...part } });
  return (
    <>
      <Select value={since.which ?? "last"} options={[["last", words.theLast], ["first", words.theFirst]]} onChange={(which) => change({ which })} label={words.whichEvent} />
      <FieldPicker options={grouped(context.events)} value={since.field} handleOnChange={(field) => change({ field })} title={words.event} context={context} />
    </>
  );
}
