"""What the pages of behaviour show: plain figures, charts and tables from what runs and back-tests kept."""

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.behaviour.kinds import HORIZONS, Kind
from analytics.behaviour.traits import CHANNEL_PROFILES, WEEKDAYS
from analytics.models import BehaviourModel, BehaviourRun
from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table

MOST_SHOWN = 10
USUAL_HORIZON = 30


def horizon_of(value: str | None) -> int:
    """Return the horizon that an address asks for."""
    return int(value) if value in map(str, HORIZONS) else USUAL_HORIZON


def overview(run: BehaviourRun, *, horizon: int) -> dict[str, Any]:
    """Return what the last run said of everybody."""
    counts = run.habits.get("counts", {})
    return {
        "figures": _figures(run),
        "distribution": _distribution(run, horizon),
        "hours": _of_day(counts.get("usual_hour", {})),
        "weekdays": _bars(
            _("Usual day of the week"),
            "weekdays",
            [(str(name), counts.get("usual_weekday", {}).get(code, 0)) for code, name in WEEKDAYS.items()],
        ),
        "channels": _bars(
            _("Use of the sales channels"),
            "channels",
            [
                (str(name), counts.get("channel_profile", {}).get(code, 0))
                for code, name in CHANNEL_PROFILES.items()
            ],
        ),
        "categories": _most(_("First favourite category"), "categories", counts, "favourite_categories"),
        "sensitivities": _sensitivities(counts.get("discount_sensitivity", {})),
    }


def back_test(model: BehaviourModel, *, horizon: int) -> dict[str, Any]:
    """Return how every model did in the back-test, for one horizon in detail."""
    tenths = {trial["kind"]: trial["tenths"] for trial in model.trials if trial["horizon"] == horizon}
    chosen = tenths.get(model.kind, [])
    trial = model.trial(model.kind, horizon)
    return {
        "trials": _trials(model),
        "calibration": _calibration(chosen, horizon),
        "lift": _lift(tenths, horizon),
        "tenths": _tenths(chosen),
        "parameters": _parameters(model),
        "tried_on": ", ".join(formats.day(date.fromisoformat(day)) for day in sorted(trial["origins"]))
        if trial
        else "",
    }


def _days(days: list[str]) -> str:
    return ", ".join(formats.day(date.fromisoformat(day)) for day in sorted(days))


def _figures(run: BehaviourRun) -> list[Delta]:
    figures = [
        Delta(
            _("People"),
            formats.number(run.population),
            hint=_("who bought before %(day)s") % {"day": formats.day(run.as_of)},
            icon="group",
        )
    ]
    for days in HORIZONS:
        mean = run.distribution.get(str(days), {}).get("mean", 0)
        figures.append(
            Delta(
                _("Expected to buy within %(days)d days") % {"days": days},
                formats.number(round(mean * run.population)),
                hint=_("%(share)s of them") % {"share": formats.percent(mean)},
            )
        )
    figures.append(
        Delta(
            _("Model"),
            str(run.model.get_kind_display()),
            hint=_("chosen by the back-test of %(day)s") % {"day": formats.day(run.model.as_of)},
            url=reverse("admin:analytics_behaviour_backtest"),
        )
    )
    return figures


def _distribution(run: BehaviourRun, horizon: int) -> Chart:
    people = run.distribution.get(str(horizon), {}).get("people", [])
    step = 1 / len(people) if people else 0
    return Chart(
        _("People by their probability to buy within %(days)d days") % {"days": horizon},
        [
            f"{formats.percent(place * step, 0)}–{formats.percent((place + 1) * step, 0)}"
            for place in range(len(people))
        ],
        [Series(_("People"), people)],
        kind="bar",
        axis=_("Probability"),
        key="probabilities",
    )


def _of_day(counts: dict[str, int]) -> Chart:
    return Chart(
        _("Usual hour"),
        [f"{hour}:00" for hour in range(24)],
        [Series(_("People"), [counts.get(str(hour), 0) for hour in range(24)])],
        kind="bar",
        axis=_("Hour"),
        key="hours",
    )


def _bars(title: str, key: str, rows: list[tuple[str, int]]) -> Chart:
    return Chart(
        title,
        [label for label, _count in rows],
        [Series(_("People"), [count for _label, count in rows])],
        kind="bars",
        key=key,
        small=len(rows) <= 3,
    )


def _most(title: str, key: str, counts: dict[str, dict[str, int]], code: str) -> Chart:
    ranked = sorted(counts.get(code, {}).items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_SHOWN]
    return _bars(title, key, ranked)


def _sensitivities(counts: dict[str, int]) -> Chart:
    return Chart(
        _("Sensitivity to discounts"),
        [f"{place / 10:.1f}–{(place + 1) / 10:.1f}" for place in range(10)],
        [Series(_("People"), [counts.get(str(place), 0) for place in range(10)])],
        kind="bar",
        axis=_("Sensitivity"),
        key="sensitivity",
    )


def _trials(model: BehaviourModel) -> Table:
    columns = [Column(_("Model"))]
    for days in HORIZONS:
        columns += [
            Column(_("AUC, %(days)d days") % {"days": days}, numeric=True),
            Column(_("Log-loss, %(days)d days") % {"days": days}, numeric=True),
        ]
    rows = []
    for kind in Kind:
        cells: list[Any] = [
            Cell(_("%(model)s: chosen") % {"model": kind.label}, tone="good")
            if kind == model.kind
            else str(kind.label)
        ]
        for days in HORIZONS:
            trial = model.trial(kind, days) or {}
            for name in ("auc", "log_loss"):
                value = trial.get(name)
                cells.append(Cell(formats.number(value, 3), value=value))
        rows.append(cells)
    return Table(
        columns, rows, caption=_("How well each model told who would buy, by days looked ahead"), key="models"
    )


def _calibration(tenths: list[list[float]], horizon: int) -> Chart:
    ordered = list(reversed(tenths))
    return Chart(
        _("Said and came true, within %(days)d days") % {"days": horizon},
        [formats.percent(predicted, 0) for _people, predicted, _bought in ordered],
        [
            Series(_("Came true"), [bought / people for people, _predicted, bought in ordered]),
            Series(_("Was said"), [predicted for _people, predicted, _bought in ordered], dashed=True),
        ],
        unit="percent",
        axis=_("What was said of a tenth of the people"),
        key="calibration",
    )


def _lift(tenths: dict[str, list[list[float]]], horizon: int) -> Chart:
    kinds = [kind for kind in Kind if tenths.get(kind)]
    most = max((len(tenths[kind]) for kind in kinds), default=0)
    return Chart(
        _("Share that bought within %(days)d days, from the likeliest tenth on") % {"days": horizon},
        [str(place) for place in range(1, most + 1)],
        [
            Series(str(kind.label), [bought / people for people, _predicted, bought in tenths[kind]])
            for kind in kinds
        ],
        kind="bar",
        unit="percent",
        axis=_("Tenth of the people"),
        key="lift",
    )


def _tenths(tenths: list[list[float]]) -> Table:
    people = sum(row[0] for row in tenths)
    overall = sum(row[2] for row in tenths) / people if people else 0
    rows = []
    for place, (count, predicted, bought) in enumerate(tenths, start=1):
        actual = bought / count
        lift = actual / overall if overall else None
        rows.append(
            [
                str(place),
                Cell(formats.number(count), value=count),
                Cell(formats.percent(predicted), value=predicted),
                Cell(formats.percent(actual), value=round(actual, 4)),
                Cell(formats.number(lift, 2), value=lift and round(lift, 3)),
            ]
        )
    return Table(
        [
            Column(_("Tenth")),
            Column(_("People"), numeric=True),
            Column(_("Said"), numeric=True),
            Column(_("Bought"), numeric=True),
            Column(_("Times the average"), numeric=True),
        ],
        rows,
        caption=_("The chosen model by tenths of the people, the likeliest first"),
        key="tenths",
    )


def _parameters(model: BehaviourModel) -> list[tuple[str, str]]:
    """Return what was learned, a sentence for each horizon."""
    sentences = []
    for days in HORIZONS:
        stored = model.predictors.get(str(days), {})
        title = ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
        sentences.append((title, _sentence(model.kind, stored.get("parameters", {}))))
    return sentences


def _sentence(kind: str, parameters: dict[str, Any]) -> str:
    if kind == Kind.OWN_HISTORY:
        return _(
            "A day of purchase counts half after %(half_life)s days; b is %(b)s and r, what everybody has in"
            " common, is worth %(r)s recent days of purchase."
        ) % {
            "half_life": formats.number(parameters.get("half_life"), 1),
            "b": formats.number(parameters.get("b"), 3),
            "r": formats.number(parameters.get("r"), 2),
        }
    if kind == Kind.BG_NBD:
        return _("Rates of purchase: r %(r)s, alpha %(alpha)s; chances to leave: a %(a)s, b %(b)s.") % {
            name: formats.number(parameters.get(name), 3) for name in ("r", "alpha", "a", "b")
        }
    return _("The share of buyers of each of the 125 cells.")
