"""Cluster models: who is alike, found anew by each run and kept as segments of the customers."""

import time
from datetime import date, datetime
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import override
from numpy.typing import NDArray

from analytics.clusters.grouping import Grouping, group, is_installed, matched_codes
from analytics.clusters.naming import name_of, telling_words
from analytics.errors import ExtraNotInstalled, ModelDoesNotFit, RunInProgress
from analytics.models import ClusterModel, ClusterRun, RfmModel, RunStatus
from analytics.services.cluster_features import Buyers, read_buyers
from analytics.services.model_runs import carry_out_run, queue_each
from analytics.services.purchases import segments_of
from analytics.services.run_locks import only_run_of
from customers.models import Segment
from customers.services.memberships import replace_members
from operations import services as jobs
from operations.errors import Conflict, InvalidInput, Mistake
from operations.models import JobRun, User

JOB = "clusters.run"
FEWEST = 25


def create_cluster_model(code: str, *, name: str, **fields: Any) -> ClusterModel:
    """Create a model, still without clusters. Raises InvalidInput with a pointer per mistake, Conflict."""
    if ClusterModel.objects.filter(code=code).exists():
        raise Conflict(f"There is already a cluster model with the code {code}.")
    return _saved(ClusterModel(code=code, name=name, **fields))


def edit_cluster_model(model: ClusterModel, **fields: Any) -> ClusterModel:
    """Change a model; its clusters follow with its next run. Raises InvalidInput, a pointer per mistake."""
    for field, value in fields.items():
        setattr(model, field, value)
    return _saved(model)


def name_cluster(model: ClusterModel, cluster: str, *, name: str) -> ClusterModel:
    """Give a cluster a name of one's own, which its segment takes too; an empty one takes it back."""
    with transaction.atomic():
        model = ClusterModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        run = model.last_run()
        found = run.cluster(cluster) if run else None
        if found is None:
            raise InvalidInput.at("/cluster", "This model has no such cluster.")
        name = name.strip()[:60]
        model.names = {code: own for code, own in model.names.items() if code != cluster}
        model.names |= {cluster: name} if name else {}
        model.save(update_fields=["names"])
        Segment.objects.filter(code=model.segment_code(cluster)).update(name=_segment_name(model, found))
    return model


def queue_cluster_run(model: ClusterModel, *, as_of: date, owner: User | None = None) -> ClusterRun:
    """Promise a run to a worker. Raises ExtraNotInstalled, RunInProgress."""
    if not is_installed():
        raise ExtraNotInstalled
    with transaction.atomic():
        model = ClusterModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        if model.runs.under_way().exists():
            raise RunInProgress
        run = ClusterRun.objects.create(model=model, as_of=as_of)
        run.job = jobs.promise_job(
            JOB, title=f"Clusters: {model.name}, {as_of:%Y-%m-%d}", owner=owner, parameters={"run": run.pk}
        )
        run.save(update_fields=["job"])
    return run


def queue_due_cluster_runs(*, day: date) -> int:
    """Promise tonight's runs of the models on the clock; return how many, none without the extra."""
    due = ClusterModel.objects.due(weekday=day.weekday()) if is_installed() else []
    return queue_each(due, queue_cluster_run, day=day)


def carry_out_cluster_run(job: JobRun) -> dict[str, Any]:
    """Do what a job of the kind `clusters.run` promises (settings.JOB_RUNNERS)."""
    run = ClusterRun.objects.select_related("model").get(pk=job.parameters["run"])
    run = run_cluster_model(run.model, as_of=run.as_of, run=run)
    return {"customers": run.population, "clusters": len(run.clusters), "changed": run.changed_rows}


def run_cluster_model(
    model: ClusterModel, *, as_of: date, run: ClusterRun | None = None, at: datetime | None = None
) -> ClusterRun:
    """Group everybody who bought and bring the clusters' segments up to date; return the finished run.

    Features are read as they stand; `as_of` is the day recency is counted from. A run on the same data moves
    nobody. Raises ExtraNotInstalled, ModelDoesNotFit (too few buyers), RunInProgress; nothing changes then.
    """
    if not is_installed():
        raise ExtraNotInstalled
    at = at or timezone.now()
    with only_run_of(model):
        run = run or ClusterRun(model=model, as_of=as_of)
        carry_out_run(run, lambda: _carry_out(run, at=at), at=at)
    return run


def cluster_name(model: ClusterModel, cluster: dict[str, Any]) -> str:
    """Return a cluster's name for a person: the one given by hand, or the words of its medians."""
    return model.names.get(cluster["code"]) or name_of(cluster["words"])


@transaction.atomic
def _carry_out(run: ClusterRun, *, at: datetime) -> None:
    started = time.monotonic()
    model, buyers = run.model, read_buyers(run.model.features, as_of=run.as_of)
    if len(buyers.customer_ids) < FEWEST:
        raise ModelDoesNotFit(f"Only {len(buyers.customer_ids)} customers bought; {FEWEST} are the least.")
    found = group(buyers.scaled, mixture=model.method == ClusterModel.Method.MIXTURE, clusters=model.clusters)
    codes = matched_codes(found.centres, found.scaling, _centres_before(run, buyers.features))
    run.features = buyers.features
    run.choices = [{"clusters": each.clusters, "score": each.score} for each in found.choices]
    run.scaling = {"means": found.scaling.means.tolist(), "deviations": found.scaling.deviations.tolist()}
    run.quality, run.population = found.quality, len(buyers.customer_ids)
    run.clusters = _described(buyers, found, codes)
    run.changed_rows = _commit_segments(model, run.clusters, buyers, found, codes, at=at)
    run.status, run.error = RunStatus.DONE, ""
    run.duration_ms = round((time.monotonic() - started) * 1000)
    run.finished_at = timezone.now()
    run.save()


def _centres_before(run: ClusterRun, features: list[str]) -> dict[str, list[float]]:
    last = run.model.runs.done().exclude(pk=run.pk).first()
    if last is None or last.features != features:
        return {}
    return {cluster["code"]: cluster["centre"] for cluster in last.clusters}


def _described(buyers: Buyers, found: Grouping, codes: list[str]) -> list[dict[str, Any]]:
    """Return what each cluster is, the one with most revenue first."""
    total = int(buyers.net_amount.sum())
    words = telling_words(buyers.values, found.labels, buyers.features)
    by_segment = _overlaps(buyers.customer_ids, found.labels)
    described = []
    for place, code in enumerate(codes):
        members = found.labels == place
        amount = int(buyers.net_amount[members].sum())
        described.append(
            {
                "code": code,
                "words": words[place],
                "size": int(members.sum()),
                "share": float(members.mean()),
                "net_amount": amount,
                "revenue_share": amount / total if total else None,
                "medians": dict(
                    zip(buyers.features, np.median(buyers.values[members], axis=0).tolist(), strict=True)
                ),
                "centre": found.centres[place].tolist(),
                "segments": by_segment[place],
            }
        )
    return sorted(described, key=lambda cluster: -cluster["net_amount"])


def _overlaps(customer_ids: NDArray[np.int64], labels: NDArray[np.int64]) -> list[dict[str, int]]:
    model, groups = RfmModel.objects.main(), int(labels.max()) + 1
    if model is None:
        return [{} for _ in range(groups)]
    codes = [segment.code for segment in model.segments.segments]
    places = segments_of(model, customer_ids)
    counts = np.zeros((groups, len(codes)), np.int64)
    np.add.at(counts, (labels[places >= 0], places[places >= 0]), 1)
    return [{code: int(count) for code, count in zip(codes, row, strict=True) if count} for row in counts]


def _commit_segments(
    model: ClusterModel,
    clusters: list[dict[str, Any]],
    buyers: Buyers,
    found: Grouping,
    codes: list[str],
    *,
    at: datetime,
) -> int:
    """Make each cluster's members those of its segment; one that is gone is empty. Return who moved."""
    changed = 0
    for cluster in sorted(clusters, key=lambda each: each["code"]):
        segment, _ = Segment.objects.update_or_create(
            code=model.segment_code(cluster["code"]),
            defaults={"name": _segment_name(model, cluster), "kind": Segment.Kind.CLUSTER},
        )
        members = buyers.customer_ids[found.labels == codes.index(cluster["code"])]
        change = replace_members(segment, members.tolist(), at=at)
        changed += change.entered + change.left
    own = Segment.objects.filter(kind=Segment.Kind.CLUSTER, code__startswith=f"{model.code}--")
    for segment in own.exclude(code__in=[model.segment_code(code) for code in codes]).order_by("pk"):
        changed += replace_members(segment, [], at=at).left
    return changed


def _segment_name(model: ClusterModel, cluster: dict[str, Any]) -> str:
    with override("en"):  # A segment has one name; the pages say it in the reader's language.
        return f"{model.name}: {cluster_name(model, cluster)}"[:120]


def _saved(model: ClusterModel) -> ClusterModel:
    try:
        model.full_clean()
    except ValidationError as error:
        raise InvalidInput(
            details=[
                Mistake(f"/{field}", message)
                for field, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error
    model.save()
    return model
