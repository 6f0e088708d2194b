"""The fields that analytics gives to segment rules, one module per topic."""

from analytics.segment_fields import rfm, surveys

FIELDS = [*rfm.FIELDS, *surveys.FIELDS]
