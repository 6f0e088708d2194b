"""What the page of a cluster model shows: its clusters beside each other, and how they lie to RFM."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.models import ClusterModel, ClusterRun, RfmModel
from analytics.services.clusters import cluster_name
from customers.models import Segment
from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table

Feature = ClusterModel.Feature


def comparison(run: ClusterRun, *, user: AbstractBaseUser) -> dict[str, Any]:
    """Return the figures, the table, the cards and the charts of one finished run."""
    codes = [run.model.segment_code(each["code"]) for each in run.clusters]
    ids = dict(Segment.objects.filter(code__in=codes).values_list("code", "pk"))
    rows = [_row(run, each, ids.get(run.model.segment_code(each["code"])), user) for each in run.clusters]
    return {
        "figures": _figures(run),
        "clusters": rows,
        "table": _table(run, rows),
        "overlap": _overlap(run),
        "choices": _choices(run),
        "left_out": [str(Feature(each).label) for each in run.model.features if each not in run.features],
    }


def _figures(run: ClusterRun) -> list[Delta]:
    quality = run.quality
    return [
        Delta(
            _("Customers grouped"),
            formats.number(run.population),
            hint=_("everybody who bought"),
            icon="group",
        ),
        Delta(
            _("Clusters"),
            formats.number(len(run.clusters)),
            hint=_("chosen by hand") if run.model.clusters else _("the number that separates best"),
            icon="bubble_chart",
        ),
        Delta(
            _("Separation"),
            formats.number(quality, 2),
            hint=_separation(quality),
            icon="scatter_plot",
        ),
        Delta(
            _("Moved"),
            formats.number(run.changed_rows),
            hint=_("entered or left a cluster in this run"),
            icon="moving",
        ),
        Delta(_("As of"), formats.day(run.as_of), hint=_("customers as they stood"), icon="event"),
    ]


def _separation(quality: float | None) -> str:
    if quality is None:
        return _("all customers are alike")
    if quality >= 0.5:
        return _("far apart")
    return _("apart, with some in between") if quality >= 0.25 else _("they run into each other")


def _row(
    run: ClusterRun, cluster: dict[str, Any], segment_id: int | None, user: AbstractBaseUser
) -> dict[str, Any]:
    campaign = segment_id and user.has_perm("campaigns.add_campaign")
    return {
        "code": cluster["code"],
        "name": cluster_name(run.model, cluster),
        "own_name": run.model.names.get(cluster["code"], ""),
        "size": cluster["size"],
        "share": cluster["share"],
        "revenue_share": cluster["revenue_share"],
        "medians": [
            (Feature(feature).label, written(feature, cluster["medians"][feature]))
            for feature in run.features
        ],
        "values": cluster["medians"],
        "url": reverse("admin:customers_segment_change", args=[segment_id]) if segment_id else "",
        "campaign_url": f"{reverse('admin:campaigns_campaign_add')}?segment={segment_id}" if campaign else "",
    }


def written(feature: str, value: float) -> str:
    """Return a feature's value for a person."""
    match Feature(feature):
        case Feature.MONETARY:
            return formats.money(round(value))
        case Feature.BUY_PROBABILITY | Feature.DISCOUNTS:
            return formats.percent(value, 0)
        case Feature.ENGAGEMENT:
            return formats.number(value, 1)
    return formats.number(value)


def _table(run: ClusterRun, rows: list[dict[str, Any]]) -> Table:
    return Table(
        [
            Column(_("Cluster")),
            Column(_("Customers"), numeric=True),
            Column(_("Share"), numeric=True),
            Column(_("Of revenue"), numeric=True),
            *[Column(str(Feature(feature).label), numeric=True) for feature in run.features],
        ],
        [
            [
                Cell(row["name"], url=row["url"]),
                Cell(formats.number(row["size"]), value=row["size"]),
                Cell(formats.percent(row["share"]), value=round(row["share"], 4)),
                Cell(formats.percent(row["revenue_share"]), value=row["revenue_share"]),
                *[
                    Cell(
                        written(feature, row["values"][feature]),
                        value=_plain(feature, row["values"][feature]),
                    )
                    for feature in run.features
                ],
            ]
            for row in rows
        ],
        caption=_("The clusters by size, revenue and medians"),
        key="clusters",
    )


def _plain(feature: str, value: float) -> Any:
    return formats.major(round(value)) if feature == Feature.MONETARY else round(value, 4)


def _overlap(run: ClusterRun) -> Chart | None:
    """Return the share of each cluster that is in each RFM segment, or None without RFM."""
    model = RfmModel.objects.main()
    found = {code for cluster in run.clusters for code in cluster["segments"]}
    if model is None or not found:
        return None
    segments = [segment for segment in model.segments.segments if segment.code in found]
    return Chart(
        title=_("Where each cluster stands in RFM"),
        labels=[cluster_name(run.model, cluster) for cluster in run.clusters],
        series=[
            Series(
                str(segment.label),
                [cluster["segments"].get(segment.code, 0) / cluster["size"] for cluster in run.clusters],
            )
            for segment in segments
        ],
        kind="heat",
        unit="percent",
        axis=_("Cluster"),
        key="overlap",
    )


def _choices(run: ClusterRun) -> Chart | None:
    """Return how well each number of clusters separated, or None when the number was chosen by hand."""
    if not run.choices:
        return None
    mixture = run.model.method == ClusterModel.Method.MIXTURE
    return Chart(
        title=_("BIC by number of clusters: the lower the better") if mixture
        else _("Silhouette by number of clusters: the higher the better"),
        labels=[str(each["clusters"]) for each in run.choices],
        series=[
            Series(
                _("BIC") if mixture else _("Silhouette"), [round(each["score"], 3) for each in run.choices]
            )
        ],
        axis=_("Clusters"),
        small=True,
        key="choices",
    )  # fmt: skip
