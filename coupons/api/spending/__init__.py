"""Qualifications, validations and redemptions: one request, three ways to ask it."""
