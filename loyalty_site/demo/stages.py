"""The demo from an empty database to a console full of content, in stages.

Each stage is a transaction of its own (or a service that is one) and does nothing the second time, so that a
load that was cut off is simply run again. Progress and cancellation go over another connection, between and,
in the longest stage, within the transactions.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.apps import apps
from django.utils import timezone
from django.utils.translation import gettext_noop

from analytics.clusters.grouping import is_installed
from analytics.models import BehaviourRun, ClusterModel, RfmModel, RfmRun, RfmSegmentMap
from analytics.services import (
    ContactTerms,
    create_rfm_model,
    cut_off_of,
    edit_cut_off,
    ensure_main_model,
    measure_engagement,
    measure_outcomes,
    run_rfm,
)
from analytics.services.behaviour import choose_behaviour_model, predict_behaviour
from analytics.services.clusters import create_cluster_model, run_cluster_model
from analytics.services.value import ensure_value_model, run_value_model
from coupons.services import anchor_ledger
from customers.models import Segment
from customers.services import create_segment, refresh_segment
from customers.services.bulk import refresh_statistics
from customers.services.prices import collect_last_prices, collect_sold_prices
from loyalty.services import backfill_points
from loyalty_site.demo.belonging import write_memberships, write_tiers
from loyalty_site.demo.coalition import write_coalition
from loyalty_site.demo.earning import write_earning_rules
from loyalty_site.demo.friends import write_friends
from loyalty_site.demo.games import write_games
from loyalty_site.demo.interest import write_interest
from loyalty_site.demo.journey import loading, mailings
from loyalty_site.demo.journey.calendar import Calendar
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.measured_campaign import write_measured_campaign
from loyalty_site.demo.meeting_points import write_meeting_points
from loyalty_site.demo.member_cards import hand_out_cards
from loyalty_site.demo.objectives import write_objectives
from loyalty_site.demo.personal_offers import write_personal_offers
from loyalty_site.demo.points_by_hand import write_points_by_hand
from loyalty_site.demo.progress import Progress
from loyalty_site.demo.relations import write_relations
from loyalty_site.demo.rewards import write_rewards
from loyalty_site.demo.service_desk import write_service_desk
from loyalty_site.demo.showcase import (
    write_allowances,
    write_earning_rule,
    write_referral_programme,
    write_win_back,
)
from loyalty_site.demo.surveys import write_surveys
from loyalty_site.demo.telephones import write_telephones

APPS = ["customers", "coupons", "loyalty", "referrals", "campaigns", "analytics"]
MONTHS_OF_HISTORY = 6
DAYS_IN_A_ROW = 3
LIKE_MINDED = "like-minded"
SEGMENTS = {
    "milano-regulars": (
        "Milano: three orders in 90 days",
        {
            "combinator": "and",
            "not": False,
            "rules": [
                {"field": "customer.city", "operator": "=", "value": "Milano"},
                {
                    "field": "event.order.recorded",
                    "operator": "happened",
                    "value": {"match": {"mode": "atLeast", "threshold": 3}, "window": {"last_days": 90}},
                },
            ],
        },
    ),
    "quiet-but-reachable": (
        "No order in 60 days, e-mail allowed",
        {
            "combinator": "and",
            "not": False,
            "rules": [
                {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"},
                {
                    "field": "event.order.recorded",
                    "operator": "happened",
                    "value": {"match": {"mode": "none", "threshold": 0}, "window": {"last_days": 60}},
                },
            ],
        },
    ),
}


@dataclass
class Demo:
    """What the stages share: the data, the instant of the load, and what came out so far."""

    at: datetime
    dataset: Dataset = field(default_factory=Dataset)
    result: dict[str, int] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return timezone.localdate(self.at)

    @cached_property
    def calendar(self) -> Calendar:
        """Return the calendar of the load, also when that took place in an earlier run."""
        return loading.calendar_of_load(self.dataset) or loading.choose_calendar(
            self.dataset, as_is=False, at=self.at
        )


@dataclass(frozen=True)
class Stage:
    """One part of the demo; `weight` is its share of the progress in records of the load."""

    title: str
    weight: int
    work: Callable[[Demo], None]


def load_demo(progress: Progress, *, at: datetime, dataset: Dataset | None = None) -> dict[str, int]:
    """Do whatever of the demo is missing; return the counts to show. Raises JobCancelled."""
    demo = Demo(at, dataset or Dataset())
    load = loading.records(demo.dataset)
    progress.expect(load + sum(stage.weight for stage in STAGES))
    if loading.is_loaded():
        progress.add(load)
    else:
        loaded = loading.load_journey(demo.dataset, calendar=demo.calendar, progress=progress, at=at)
        demo.result |= {"customers": loaded.customers, "orders": loaded.orders, "lines": loaded.lines}
    for stage in STAGES:
        progress.begin(stage.title)
        stage.work(demo)
        progress.add(stage.weight)
    return demo.result


def score_customers(demo: Demo) -> None:
    """Score as of the first of the last months and of the last days, each at its time: a history to look at.

    Whoever is named another segment on several days in a row moves.
    """
    model = ensure_main_model()
    for day in sorted({*_scored_days(demo.today), *_last_days(demo.today)}):
        last = model.last_run()
        if last is None or last.as_of < day:
            run = run_rfm(model, as_of=day, at=demo.at if day == demo.today else _begin_of(day))
            demo.result["scored_customers"] = run.population
    _score_last_quarter(demo)
    if not cut_off_of(model).observed_on:
        # A letter with a voucher: dear enough for the lower sums not to pay.
        edit_cut_off(model, ContactTerms(30, Decimal(40), Decimal(10), Decimal(60), Decimal(150)))
        measure_outcomes(model, as_of=demo.today)


def measure_interest(demo: Demo) -> None:
    write_interest(at=demo.at)
    demo.result["engaged_people"] = measure_engagement(as_of=demo.today, at=demo.at).people


def _score_last_quarter(demo: Demo) -> None:
    """A second model beside the first: the last quarter, on a grid, the average order for M."""
    model = RfmModel.objects.filter(code="last-quarter").first() or create_rfm_model(
        "last-quarter",
        name="Last quarter",
        window_days=91,
        monetary=RfmModel.Monetary.AVERAGE,
        segment_map=RfmSegmentMap.objects.built_in("GRID"),
        schedule=RfmModel.Schedule.WEEKLY,
    )
    for day in _scored_days(demo.today)[-2:]:
        if not model.runs.filter(as_of=day, status=RfmRun.Status.DONE).exists():
            run_rfm(model, as_of=day, at=demo.at if day == demo.today else _begin_of(day))


def predict_value(demo: Demo) -> None:
    """Predict as of a month ago and as of today, so that the figures have something to be compared with."""
    model = ensure_value_model()
    for day in (demo.today - timedelta(days=30), demo.today):
        if not model.runs.done().filter(as_of=day).exists():
            demo.result["predicted_customers"] = run_value_model(model, as_of=day, at=demo.at).population


def predict_behaviour_of_all(demo: Demo) -> None:
    if not BehaviourRun.objects.filter(as_of=demo.today).exists():
        choose_behaviour_model(as_of=demo.today)
        demo.result["behaviours"] = predict_behaviour(as_of=demo.today, at=demo.at).population


def offer_personally(demo: Demo) -> None:
    demo.result["personal_offers"] = write_personal_offers(at=demo.at).figures.get("offered", 0)


def find_clusters(demo: Demo) -> None:
    """Group the customers who are alike; without scikit-learn the page says how to get it."""
    model = ClusterModel.objects.filter(code=LIKE_MINDED).first() or create_cluster_model(
        LIKE_MINDED, name="Like-minded", features=ClusterModel.Feature.values, clusters=5
    )
    if is_installed() and not model.runs.done().exists():
        run = run_cluster_model(model, as_of=demo.today, at=demo.at)
        demo.result["clusters"] = len(run.clusters)


def write_segments(demo: Demo) -> None:
    for code, (name, rules) in SEGMENTS.items():
        if not Segment.objects.filter(code=code).exists():
            refresh_segment(create_segment(code=code, name=name, rules=rules), at=demo.at)
    demo.result["segments"] = Segment.objects.count()


def credit_points(demo: Demo) -> None:
    write_earning_rule()
    demo.result["orders_with_points"] = backfill_points(at=demo.at)


def build_the_ladder(demo: Demo) -> None:
    demo.result["people_in_tiers"] = write_tiers(at=demo.at)
    write_memberships(at=demo.at)


def write_more_rules(demo: Demo) -> None:
    demo.result |= write_earning_rules(at=demo.at)


def load_mailings(demo: Demo) -> None:
    if not mailings.is_loaded():
        loaded = mailings.load_mailings(demo.dataset, calendar=demo.calendar, at=demo.at)
        demo.result |= asdict(loaded)


def collect_prices(demo: Demo) -> None:
    collect_sold_prices(since=demo.at - timedelta(days=32), until=demo.at)
    collect_last_prices()


def relate_people(demo: Demo) -> None:
    demo.result |= write_relations(at=demo.at)


def set_out_showcase(demo: Demo) -> None:
    write_win_back(ensure_main_model(), at=demo.at)
    write_referral_programme(at=demo.at)


def bring_friends(demo: Demo) -> None:
    demo.result["friends_brought"] = write_friends(at=demo.at)


def measure_a_campaign(demo: Demo) -> None:
    write_measured_campaign(at=demo.at)
    write_telephones(at=demo.at)


def set_up_meeting_points(demo: Demo) -> None:
    write_meeting_points(at=demo.at)


def join_a_coalition(demo: Demo) -> None:
    demo.result["partner_postings"] = write_coalition(at=demo.at)


def open_service_desk(demo: Demo) -> None:
    write_allowances()
    demo.result["apologies"] = write_service_desk(at=demo.at)
    write_points_by_hand(at=demo.at)


def ask_customers(demo: Demo) -> None:
    demo.result["survey_answers"] = write_surveys(at=demo.at)


def fill_the_catalogue(demo: Demo) -> None:
    demo.result["rewards"] = write_rewards(at=demo.at)


def play_games(demo: Demo) -> None:
    demo.result["games"] = write_games(at=demo.at)


def set_objectives(demo: Demo) -> None:
    demo.result["objectives"] = write_objectives(at=demo.at)


def learn_sizes(demo: Demo) -> None:
    """Let the planner know the tables as they are now; the newcomer's first pages shall not wait for it."""
    refresh_statistics(*(model for app in APPS for model in apps.get_app_config(app).get_models()))


def _scored_days(today: date) -> list[date]:
    days, first = [today], today.replace(day=1)
    for _ in range(MONTHS_OF_HISTORY):
        days.append(first)
        first = (first - timedelta(days=1)).replace(day=1)
    return sorted(set(days))


def _last_days(today: date) -> list[date]:
    return [today - timedelta(days=days) for days in range(1, DAYS_IN_A_ROW + 1)]


def _begin_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def hand_out_members_cards(demo: Demo) -> None:
    demo.result["cards"] = hand_out_cards(at=demo.at)


def publish_the_digest(demo: Demo) -> None:
    """What the first night would do: the page of the ledger's digest has something to show at once."""
    anchor_ledger(at=demo.at)


STAGES = [
    Stage(gettext_noop("RFM scores of six months"), 150_000, score_customers),
    Stage(gettext_noop("Predictions of value"), 30_000, predict_value),
    Stage(gettext_noop("Segments"), 20_000, write_segments),
    Stage(gettext_noop("Points of the past"), 200_000, credit_points),
    Stage(gettext_noop("Tiers and memberships"), 10_000, build_the_ladder),
    Stage(gettext_noop("More ways to earn points"), 3_000, write_more_rules),
    Stage(gettext_noop("Mailings, coupons and redemptions"), 150_000, load_mailings),
    Stage(gettext_noop("Prices of the articles"), 10_000, collect_prices),
    Stage(gettext_noop("Prospects, carts and households"), 10_000, relate_people),
    Stage(gettext_noop("Promotions, a campaign and a referral programme"), 10_000, set_out_showcase),
    Stage(gettext_noop("Friends brought by friends"), 5_000, bring_friends),
    Stage(gettext_noop("A campaign with its results"), 10_000, measure_a_campaign),
    Stage(gettext_noop("Placements, a landing page and a journey"), 10_000, set_up_meeting_points),
    Stage(gettext_noop("Engagement"), 5_000, measure_interest),
    Stage(gettext_noop("What people do next"), 60_000, predict_behaviour_of_all),
    Stage(gettext_noop("Personal offers"), 10_000, offer_personally),
    Stage(gettext_noop("Clusters"), 20_000, find_clusters),
    Stage(gettext_noop("Surveys"), 10_000, ask_customers),
    Stage(gettext_noop("Apologies"), 10_000, open_service_desk),
    Stage(gettext_noop("Rewards, milestones and the people of the stores"), 5_000, fill_the_catalogue),
    Stage(gettext_noop("Games"), 10_000, play_games),
    Stage(gettext_noop("Objectives"), 10_000, set_objectives),
    Stage(gettext_noop("Members' cards"), 5_000, hand_out_members_cards),
    Stage(gettext_noop("Coalition partners"), 2_000, join_a_coalition),
    Stage(gettext_noop("Statistics of the database"), 10_000, learn_sizes),
    Stage(gettext_noop("The ledger's digest"), 2_000, publish_the_digest),
]
