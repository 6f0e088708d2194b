"""The least application that redeems a coupon with the guarantees of ours, to measure our redemptions by.

One view writes through the ORM, as a careful Django developer would; the other with one data-modifying
statement and one UPDATE. Both ask for an API key, store the answer under its Idempotency-Key, guard the uses
of the coupon and the budget of its promotion, keep what each line got, and write an outbox row.
"""
