"""Surveys in the console: the list, the editor, what was answered."""

from analytics.admin.surveys import pages, responses

__all__ = ["pages", "responses"]
