"""Households: people who share an address and a last name, or a telephone number. Set-based."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from customers.models import Namespace
from customers.services.namespaces import namespace_policies
from operations.locks import lock_keys

# A hundred people of one name at one address live in a home, not in a household.
LARGEST_HOUSEHOLD = 10
ROUNDS = 10
TABLES = ["bond", "label", "group", "change"]

# Who shares what: `bond` is a key of an address or a number.
BONDS = """
CREATE TEMPORARY TABLE household_bond ON COMMIT DROP AS
WITH bond AS (
    SELECT id, 'A:' || fidelio_search_text(btrim(last_name)) || '|' || postcode || '|' ||
        regexp_replace(fidelio_search_text(street), '[^a-z0-9]+', ' ', 'g') AS bond
    FROM customers_customer
    WHERE status IN ('ACTIVE', 'PROSPECT') AND kind = 'PERSON' AND merged_into_id IS NULL
        AND last_name <> '' AND street <> '' AND postcode <> ''
    UNION ALL
    SELECT customer.id, 'P:' || value FROM customers_identity
    JOIN customers_customer AS customer ON customer.id = customer_id
    WHERE namespace = 'phone' AND shared AND kind = 'PERSON' AND status IN ('ACTIVE', 'PROSPECT')
        AND merged_into_id IS NULL
        AND value NOT IN (SELECT value FROM customers_blockedvalue WHERE namespace = 'phone')
)
SELECT id, bond FROM (
    SELECT id, bond, count(*) OVER (PARTITION BY bond) AS people FROM bond
) AS counted
WHERE people BETWEEN 2 AND CASE WHEN bond LIKE 'P:%%' THEN %(people_per_phone)s ELSE %(largest)s END
"""
START = """
CREATE TEMPORARY TABLE household_label ON COMMIT DROP AS
SELECT id, min(id) AS label FROM household_bond GROUP BY id
"""
# Everybody takes the lowest label among those they share something with, until nothing changes.
SPREAD = """
WITH lowest AS (
    SELECT bond, min(label) AS label FROM household_bond JOIN household_label USING (id) GROUP BY bond
), mine AS (
    SELECT id, min(lowest.label) AS label FROM household_bond JOIN lowest USING (bond) GROUP BY id
)
UPDATE household_label SET label = mine.label FROM mine
WHERE mine.id = household_label.id AND mine.label < household_label.label
"""
GROUPS = """
CREATE TEMPORARY TABLE household_group ON COMMIT DROP AS
SELECT label, min(customer.household_id) AS household,
    CASE WHEN bool_or(bond LIKE 'A:%%') THEN 'ADDRESS' ELSE 'PHONE' END AS bond
FROM household_label
JOIN household_bond USING (id)
JOIN customers_customer AS customer USING (id)
GROUP BY label
HAVING count(DISTINCT id) BETWEEN 2 AND %(largest)s
"""
# Of two groups that come from one household, the first keeps it.
TAKEN = """
UPDATE household_group AS later SET household = NULL
FROM household_group AS earlier
WHERE earlier.household = later.household AND earlier.label < later.label
"""
NEW = """
UPDATE household_group SET household = nextval(pg_get_serial_sequence('customers_household', 'id'))
WHERE household IS NULL
"""
KEEP = """
INSERT INTO customers_household (id, bond, formed_at)
SELECT household, bond, %(at)s FROM household_group
ON CONFLICT (id) DO UPDATE SET bond = excluded.bond
WHERE customers_household.bond <> excluded.bond
"""
# Locked in the order of their keys, as every writer of customers does.
CHANGES = """
CREATE TEMPORARY TABLE household_change ON COMMIT DROP AS
SELECT customer.id, found.household
FROM customers_customer AS customer
LEFT JOIN (
    SELECT id, household_group.household FROM household_label JOIN household_group USING (label)
) AS found USING (id)
WHERE customer.household_id IS DISTINCT FROM found.household
ORDER BY customer.id
"""
LOCK = """
SELECT FROM customers_customer AS customer JOIN household_change USING (id)
ORDER BY customer.id FOR NO KEY UPDATE OF customer
"""
MOVE = """
UPDATE customers_customer AS customer SET household_id = household_change.household
FROM household_change WHERE household_change.id = customer.id
"""
FORGET = """
DELETE FROM customers_household AS household
WHERE NOT EXISTS (SELECT FROM customers_customer WHERE household_id = household.id)
"""


@dataclass(frozen=True)
class Households:
    """What forming households came to."""

    households: int
    moved: int


def form_households(*, at: datetime) -> Households:
    """Put people who share an address and a last name, or a number of few, into one household each.

    Repeated, it changes nothing; a household that stays keeps its id, one that dissolved is gone. Companies,
    and values of more people than their limit, form none.
    """
    values = {
        "at": at,
        "largest": LARGEST_HOUSEHOLD,
        "people_per_phone": namespace_policies()[Namespace.PHONE].customers_per_value,
    }
    with transaction.atomic():
        lock_keys("households", ["form"])
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS " + ", ".join(f"household_{table}" for table in TABLES))
            cursor.execute(BONDS, values)
            cursor.execute(START)
            for _round in range(ROUNDS):
                cursor.execute(SPREAD)
                if not cursor.rowcount:
                    break
            for statement in (GROUPS, TAKEN, NEW, KEEP, CHANGES, LOCK, MOVE):
                cursor.execute(statement, values)
            moved = cursor.rowcount
            cursor.execute(FORGET)
            cursor.execute("SELECT count(*) FROM household_group")
            (households,) = cursor.fetchone()
    return Households(households=households, moved=moved)
