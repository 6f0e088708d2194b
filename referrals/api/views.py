from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.services import find_customer
from operations.api.idempotency import respond_once
from referrals import services
from referrals.api.serializers.invitations import CopiesOut, CopyIn, CopyOut, InvitationIn, InvitationOut
from referrals.api.serializers.programmes import ProgrammeChange, ProgrammeIn, ProgrammeOut, ProgrammeStopIn
from referrals.api.serializers.referrals import ReferralIn, ReferralOut, ReferralQueryIn, SeenIn, SeenOut
from referrals.api.serializers.reports import LeaderOut, ReportOut
from referrals.errors import ProgrammeNotFound
from referrals.models import Referral, ReferralProgramme, ReferralVariant, RewardStep
from referrals.services.copies import copies_of, write_copy
from referrals.services.costs import months_of
from referrals.services.reports import friends_and_others, variants_of

LEADERS_SHOWN = 100
LEADER_FIELDS = ("code", "invited", "registered", "qualified", "rewarded")


class ProgrammeList(generics.ListAPIView):
    """The referral programmes; POST makes one, active at once."""

    required_scope = "referrals:write"
    serializer_class = ProgrammeOut

    def get_queryset(self) -> QuerySet[ReferralProgramme]:
        return shown_programmes()

    @extend_schema(request=ProgrammeIn, responses={201: ProgrammeOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ProgrammeIn(data=request.data)
            given.is_valid(raise_exception=True)
            return 201, ProgrammeOut(services.create_programme(**given.programme())).data

        return respond_once(request, work)


class ProgrammeDetail(APIView):
    """One programme, by its code or id; PATCH changes it for whoever buys from now on."""

    required_scope = "referrals:write"

    @extend_schema(responses=ProgrammeOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(ProgrammeOut(programme_under(reference)).data)

    @extend_schema(request=ProgrammeChange, responses=ProgrammeOut)
    def patch(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ProgrammeChange(data=request.data)
            given.is_valid(raise_exception=True)
            with transaction.atomic():
                key = programme_under(reference).pk
                ReferralProgramme.objects.select_for_update(no_key=True).get(pk=key)
                programme = shown_programmes().get(pk=key)
                services.edit_programme(programme, **given.changes(programme))
            return 200, ProgrammeOut(shown_programmes().get(pk=key)).data

        return respond_once(request, work)


class ProgrammeStop(APIView):
    """Stop a programme at once."""

    required_scope = "referrals:write"

    @extend_schema(request=ProgrammeStopIn, responses=ProgrammeOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ProgrammeStopIn(data=request.data or {})
            given.is_valid(raise_exception=True)
            programme = programme_under(reference)
            stopped = services.stop_programme(programme, **given.validated_data, at=timezone.now())
            return 200, ProgrammeOut(stopped).data

        return respond_once(request, work)


class ProgrammeResume(APIView):
    """Let a stopped programme go on."""

    required_scope = "referrals:write"

    @extend_schema(request=None, responses=ProgrammeOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return respond_once(
            request,
            lambda: (200, ProgrammeOut(services.resume_programme(programme_under(reference))).data),
        )


class InvitationView(APIView):
    """A customer invites somebody: their code and link, always the same."""

    required_scope = "referrals:write"

    @extend_schema(request=InvitationIn, responses={201: InvitationOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = InvitationIn(data=request.data)
            given.is_valid(raise_exception=True)
            code = services.invite_friend(
                find_customer(given.validated_data["customer"]),
                programme_under(reference),
                channel=given.validated_data.get("channel") or "",
                fingerprints=given.validated_data.get("fingerprints"),
                at=timezone.now(),
            )
            return 201, InvitationOut(code).data

        return respond_once(request, work)


class Leaderboard(APIView):
    """The customers whose codes brought the most friends who bought."""

    required_scope = "referrals:write"

    @extend_schema(responses=LeaderOut(many=True))
    def get(self, request: Request, reference: str) -> Response:
        programme = programme_under(reference, ReferralProgramme.objects.all())
        codes = services.leaderboard(programme).only("customer__public_id", *LEADER_FIELDS)[:LEADERS_SHOWN]
        rows = [
            {
                "rank": rank,
                "customer": code.customer.public_id,
                **{name: getattr(code, name) for name in LEADER_FIELDS},
            }
            for rank, code in enumerate(codes, start=1)
        ]
        return Response({"data": LeaderOut(rows, many=True).data, "next": None})


class Report(APIView):
    """How a programme does: its funnel, k and ROI."""

    required_scope = "referrals:write"

    @extend_schema(responses=ReportOut)
    def get(self, request: Request, reference: str) -> Response:
        programme = programme_under(reference)
        report = {
            **vars(services.report_of(programme)),
            "compared": friends_and_others(programme),
            "variants": variants_of(programme),
            "months": months_of(programme),
        }
        return Response(ReportOut(report).data)


class Copies(APIView):
    """The words in which customers share, per channel and language; PUT writes one of them."""

    required_scope = "referrals:write"

    @extend_schema(
        parameters=[OpenApiParameter("language", str, enum=[code for code, _name in settings.LANGUAGES])],
        responses=CopiesOut,
    )
    def get(self, request: Request, reference: str) -> Response:
        programme = programme_under(reference)
        wanted = request.query_params.get("language")
        data = [
            {"channel": channel, "language": language, "subject": subject, "text": text}
            for language, _name in settings.LANGUAGES
            if wanted in (None, language)
            for channel, (subject, text) in copies_of(programme, language).items()
        ]
        return Response({"data": CopyOut(data, many=True).data, "next": None})

    @extend_schema(request=CopyIn, responses=CopyOut)
    def put(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = CopyIn(data=request.data)
            given.is_valid(raise_exception=True)
            programme, words = programme_under(reference), given.validated_data
            write_copy(programme, **words)
            subject, text = copies_of(programme, words["language"])[words["channel"]]
            return 200, CopyOut(words | {"subject": subject, "text": text}).data

        return respond_once(request, work)


class Seen(APIView):
    """How somebody was seen to pay and from where: friends are compared with who invited them."""

    required_scope = "referrals:write"

    @extend_schema(request=SeenIn, responses=SeenOut)
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = SeenIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer = find_customer(given.validated_data["customer"])
            with transaction.atomic():
                new = services.note_fingerprints(
                    customer, given.validated_data["fingerprints"], at=timezone.now()
                )
            return 200, {"new": new}

        return respond_once(request, work)


class ReferralList(generics.ListAPIView):
    """The referrals, newest first, of one person, code, status or time; POST says that a friend came."""

    required_scope = "referrals:write"
    serializer_class = ReferralOut
    queryset = Referral.objects.none()

    @extend_schema(parameters=[ReferralQueryIn])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[Referral]:
        asked = ReferralQueryIn(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return shown_referrals().filter(**asked.filters())

    @extend_schema(request=ReferralIn, responses={201: ReferralOut, 200: ReferralOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ReferralIn(data=request.data)
            given.is_valid(raise_exception=True)
            referee = dict(given.validated_data["referee"])
            phone = referee.pop("phone", "")
            referral, created = services.register_referral(
                given.validated_data["code"],
                referee=referee,
                phone=phone,
                fingerprints=given.validated_data.get("fingerprints"),
                employee=given.validated_data.get("employee"),
                store=given.validated_data.get("store"),
                at=timezone.now(),
            )
            return 201 if created else 200, ReferralOut(shown_referrals().get(pk=referral.pk)).data

        return respond_once(request, work)


class ReferralDetail(generics.RetrieveAPIView):
    """One referral, with both rewards once they are given."""

    required_scope = "referrals:write"
    serializer_class = ReferralOut

    def get_queryset(self) -> QuerySet[Referral]:
        return shown_referrals()


def shown_programmes() -> QuerySet[ReferralProgramme]:
    """Return the programmes with all that an answer shows of them."""
    offer = ("referrer_promotion", "referee_promotion", "referrer_reward", "referee_reward")
    return ReferralProgramme.objects.select_related("segment", *offer).prefetch_related(
        Prefetch("variants", ReferralVariant.objects.select_related(*offer)),
        Prefetch("steps", RewardStep.objects.filter(active=True).select_related("reward")),
    )


def shown_referrals() -> QuerySet[Referral]:
    """Return the referrals with all that an answer shows of them."""
    return Referral.objects.select_related(
        "programme", "code", "referrer", "referee", "employee", "store"
    ).prefetch_related(
        "rewards__customer", "rewards__publication__coupon", "rewards__entry", "rewards__grant__reward"
    )


def programme_under(
    reference: str, programmes: QuerySet[ReferralProgramme] | None = None
) -> ReferralProgramme:
    """Return the programme under a code, or under an id, of these or all. Raises ProgrammeNotFound."""
    programmes = shown_programmes() if programmes is None else programmes
    programme = programmes.filter(code=reference).first()
    if programme is None and reference.isascii() and reference.isdigit() and len(reference) < 19:
        programme = programmes.filter(pk=int(reference)).first()
    if programme is None:
        raise ProgrammeNotFound
    return programme
