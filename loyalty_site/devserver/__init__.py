"""The embedded default: PostgreSQL, Valkey and every process of Fidelio under one supervisor.

Nothing in this package imports Django settings, so it can start before the site is configured.
"""
