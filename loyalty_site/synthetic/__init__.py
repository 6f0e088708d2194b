"""Invented customers and purchases by the million, to measure and to try the product at size."""
