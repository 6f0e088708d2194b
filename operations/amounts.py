"""How large an amount can be."""

MAXIMUM_AMOUNT = 10**12  # Minor units or points; sums of many stay far below what the database holds.
