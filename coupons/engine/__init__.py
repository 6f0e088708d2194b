"""Computes what incentives do to a cart. Plain values only: no ORM, no clock of its own."""
