"""What becomes of answers to surveys when customers are merged. Named in customer_tables.py."""

from customers.registry import CustomerTable
from customers.services.journal import Merge


def merge_answers(merge: Merge, table: CustomerTable) -> None:
    """One person took part once and said one thing: where both answered, the survivor's answer stands."""
    merge.absorb(table.model.objects.filter(customer=merge.loser))
