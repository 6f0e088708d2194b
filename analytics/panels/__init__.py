"""What analytics shows on a customer's page and in GET /customers/{id}, one module per topic."""

from analytics.panels.rfm import rfm_details, rfm_panel

__all__ = ["rfm_details", "rfm_panel"]
