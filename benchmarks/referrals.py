"""The leaderboard of a programme with 100,000 referrers, beside the same question asked of the referrals.

Asked for in this process through the API: all of Django, no network; and the rank of somebody in the middle,
as their own page asks for it. The floor groups the 200,000 referrals, as a leaderboard without counts would.
"""

from benchmarks.measurement import Measurement, median_seconds, slowest_seconds

REFERRERS, FRIENDS = 100_000, 200_000
SHOWN, LIMIT, TIMES = 100, 0.2, 50
PEOPLE = """
INSERT INTO customers_customer ({columns})
SELECT {values} FROM customers_customer AS one, generate_series(1, %s)
WHERE one.id = %s
"""
CODES = """
INSERT INTO referrals_referralcode (programme_id, customer_id, code, current, invited, registered, qualified,
                                    rewarded, created_at)
SELECT %(programme)s, person.id, 'B' || person.id, true, 0, 0, 0, 0, now()
FROM customers_customer AS person WHERE person.id > %(after)s ORDER BY person.id LIMIT %(referrers)s
"""
# The first codes bring most: their number is the square of a number spread evenly.
REFERRALS = """
WITH code AS (
    SELECT id, customer_id, row_number() OVER (ORDER BY id) AS place FROM referrals_referralcode
    WHERE programme_id = %(programme)s
), friend AS (
    SELECT id, row_number() OVER (ORDER BY id) AS place FROM customers_customer WHERE id > %(after)s
    ORDER BY id OFFSET %(referrers)s
)
INSERT INTO referrals_referral (programme_id, code_id, referrer_id, referee_id, status, reason, registered_at,
                                review, risk_score, risk_signals, review_note)
SELECT %(programme)s, code.id, code.customer_id, friend.id, 'PENDING', '', now(), '', 0, '[]', ''
FROM friend JOIN code
    ON code.place = 1 + floor(power(friend.place::float8 / %(friends)s, 2) * (%(referrers)s - 1))
"""
GROUPED = """
SELECT code_id, count(*) FILTER (WHERE status IN ('QUALIFIED', 'REWARDED')) AS qualified, count(*)
FROM referrals_referral WHERE programme_id = %s AND status <> 'REJECTED'
GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 100
"""


def measure() -> list[Measurement]:
    """Return the leaderboard and a rank beside the floor."""
    from django.db import connection
    from django.test import Client

    from operations.models import ApiClient
    from referrals.models import ReferralCode
    from referrals.services import rank_of

    programme = _fill()
    _client, key = ApiClient.objects.create_key(name="bench", scopes=["all"])
    visitor = Client(HTTP_HOST="127.0.0.1", headers={"Authorization": f"Api-Key {key}"})
    middle = ReferralCode.objects.leaders(programme).select_related("programme")[REFERRERS // 4]

    def grouped() -> None:
        with connection.cursor() as cursor:
            cursor.execute(GROUPED, [programme.pk])
            cursor.fetchall()

    def leaderboard() -> None:
        answer = visitor.get(f"/api/v1/referral-programmes/{programme.code}/leaderboard")
        if answer.status_code != 200 or len(answer.json()["data"]) != SHOWN:
            raise AssertionError(answer.content[:200])

    taken = median_seconds({"grouped": grouped, "board": leaderboard, "rank": lambda: rank_of(middle)})
    slowest = slowest_seconds({"board": lambda _time: leaderboard()}, range(TIMES))
    floor = taken["grouped"]
    note = f"{REFERRERS:,} referrers, {FRIENDS:,} friends"
    return [
        Measurement("floor: the referrals grouped", floor, 1.0, note=note),
        Measurement("leaderboard, the first 100", taken["board"], taken["board"] / floor, limit=LIMIT),
        Measurement("the same, 95th percentile", slowest["board"], slowest["board"] / floor, limit=LIMIT),
        Measurement("the rank of one", taken["rank"], taken["rank"] / floor, limit=LIMIT),
    ]


def _fill():
    from django.db import connection, transaction

    from customers.models import Customer
    from referrals.models import ReferralCode
    from referrals.services import create_programme
    from referrals.services.leaderboard import recount_codes
    from referrals.services.programmes import Reward

    points = Reward(points=10)
    programme = create_programme(code="bench", name="Bench", referrer_reward=points, referee_reward=points)
    first = Customer.objects.create(first_name="B", last_name="B", status="ACTIVE")
    plain = [
        field.column
        for field in Customer._meta.concrete_fields
        if not field.primary_key and not field.generated and field.column != "public_id"
    ]
    columns = ", ".join(["public_id", *plain])
    values = ", ".join(["gen_random_uuid()", *(f"one.{column}" for column in plain)])
    told = {
        "programme": programme.pk,
        "after": first.pk,
        "referrers": REFERRERS,
        "friends": FRIENDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE.format(columns=columns, values=values), [REFERRERS + FRIENDS, first.pk])
        cursor.execute(CODES, told)
        cursor.execute(REFERRALS, told)
        with transaction.atomic():
            recount_codes(ReferralCode.objects.filter(programme=programme).values_list("pk", flat=True))
        cursor.execute("ANALYZE customers_customer, referrals_referralcode, referrals_referral")
    return programme
