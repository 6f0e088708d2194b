"""What runs when, and in which queue: settings of Celery, read by loyalty_site.settings.

A task's name is its dotted path. Times are UTC.
"""

from datetime import timedelta

from celery.schedules import crontab

CELERY_TASK_ROUTES = {
    "operations.tasks.carry_out_job": {"queue": "analytics"},  # The queue of what takes minutes.
    "operations.tasks.call_webhook": {"queue": "bulk"},  # A slow receiver keeps its process for ten seconds.
    "operations.tasks.*": {"queue": "celery"},
    "customers.tasks.dispatch_events": {"queue": "fast"},
    "campaigns.tasks.plan_occasions": {"queue": "fast"},
    "campaigns.tasks.pump_fast": {"queue": "fast"},
    "campaigns.tasks.pump_bulk": {"queue": "bulk"},
    "analytics.tasks.*": {"queue": "analytics"},
    "loyalty_site.tasks.*": {"queue": "analytics"},
}
# A tick nobody had time for is worth nothing: the next one does the same.
TICK = {"schedule": timedelta(seconds=5), "options": {"expire_seconds": 10}}
CELERY_BEAT_SCHEDULE = {
    "dispatch events": {"task": "customers.tasks.dispatch_events", "schedule": timedelta(seconds=5)},
    "call webhooks": {"task": "operations.tasks.call_webhooks"} | TICK,
    "forget webhook deliveries": {
        "task": "operations.tasks.forget_deliveries",
        "schedule": crontab(hour=3, minute=25),
    },
    "maintain partitions": {
        "task": "customers.tasks.maintain_partitions",
        "schedule": crontab(hour=0, minute=40),
    },
    "tell abandoned carts": {
        "task": "customers.tasks.tell_abandoned_carts",
        "schedule": timedelta(minutes=10),
    },
    "keep scopes": {"task": "customers.tasks.keep_scopes", "schedule": timedelta(minutes=1)},
    "move leads": {"task": "customers.tasks.move_leads", "schedule": timedelta(hours=1)},
    "keep days of purchases": {
        "task": "analytics.tasks.keep_days",
        "schedule": timedelta(minutes=5),
        "options": {"expire_seconds": 300},
    },
    "predict behaviour": {
        "task": "analytics.tasks.predict_behaviour",
        "schedule": crontab(hour=2, minute=50),
    },
    "score RFM models": {"task": "analytics.tasks.score_rfm_models", "schedule": crontab(hour=2, minute=30)},
    "measure engagement": {
        "task": "analytics.tasks.measure_engagement",
        "schedule": crontab(hour=2, minute=45),
    },
    "measure cut-offs": {
        "task": "analytics.tasks.measure_cut_offs",
        "schedule": crontab(hour=4, minute=10, day_of_week="mon"),
    },
    "check RFM models": {
        "task": "analytics.tasks.check_rfm_models",
        "schedule": crontab(hour=5, minute=30, day_of_week="sunday"),
    },
    "predict value": {"task": "analytics.tasks.predict_value", "schedule": crontab(hour=2, minute=50)},
    "find clusters": {"task": "analytics.tasks.find_clusters", "schedule": crontab(hour=3, minute=15)},
    "check objectives": {
        "task": "analytics.tasks.check_objectives",
        "schedule": crontab(hour=4, minute=5),
    },
    "find duplicates": {"task": "customers.tasks.find_duplicates", "schedule": timedelta(minutes=10)},
    "compare everybody": {
        "task": "customers.tasks.compare_everybody",
        "schedule": crontab(hour=1, minute=40),
    },
    "form households": {"task": "customers.tasks.form_households", "schedule": crontab(hour=3, minute=10)},
    "follow changes": {
        "task": "customers.tasks.follow_changes",
        "schedule": timedelta(seconds=20),
        "options": {"expire_seconds": 60},
    },
    "sweep segments": {"task": "customers.tasks.sweep_segments", "schedule": timedelta(minutes=5)},
    "refresh segments": {"task": "customers.tasks.refresh_segments", "schedule": crontab(hour=3, minute=30)},
    "keep wallets": {
        "task": "loyalty.tasks.keep_wallets",
        "schedule": timedelta(minutes=2),
        "options": {"expire_seconds": 120},
    },
    "give cards": {"task": "loyalty.tasks.give_cards", "schedule": crontab(hour=2, minute=20)},
    "reward referrals": {"task": "referrals.tasks.reward_referrals", "schedule": timedelta(minutes=5)},
    "plan campaign runs": {"task": "campaigns.tasks.plan_runs"} | TICK,
    "move journeys": {"task": "campaigns.tasks.move_journeys"} | TICK,
    "decide winners": {
        "task": "campaigns.tasks.decide_winners",
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 60},
    },
    "pump bulk messages": {"task": "campaigns.tasks.pump_bulk"} | TICK,
    "pump fast messages": {"task": "campaigns.tasks.pump_fast"} | TICK,
    "take up the demo load": {"task": "loyalty_site.tasks.load_demo", "schedule": timedelta(minutes=1)},
    "take up RFM runs": {"task": "analytics.tasks.keep_rfm_runs", "schedule": timedelta(minutes=1)},
    "forget reservations": {
        "task": "coupons.tasks.forget_reservations",
        "schedule": crontab(hour=4, minute=35),
    },
    "keep promotions": {"task": "coupons.tasks.keep_promotions", "schedule": timedelta(minutes=1)},
    "watch promotions": {"task": "coupons.tasks.watch_promotions", "schedule": timedelta(minutes=1)},
    "watch referrers": {"task": "campaigns.tasks.watch_referrers", "schedule": timedelta(minutes=5)},
    "collect prices": {"task": "customers.tasks.collect_prices", "schedule": crontab(minute=25)},
    "collect prices of a month": {
        "task": "customers.tasks.collect_prices",
        "schedule": crontab(hour=3, minute=50),
        "kwargs": {"days": 32},
    },
    "take up jobs": {"task": "operations.tasks.take_up_jobs", "schedule": timedelta(minutes=1)},
    "check the books": {"task": "operations.tasks.check_invariants", "schedule": crontab(hour=3, minute=20)},
    "forget files": {"task": "operations.tasks.forget_files", "schedule": crontab(hour=4, minute=40)},
    "forget imports": {"task": "customers.tasks.forget_imports", "schedule": crontab(hour=4, minute=50)},
    "forget purchase changes": {
        "task": "customers.tasks.forget_purchase_changes",
        "schedule": crontab(hour=4, minute=55),
    },
    "forget answers": {"task": "operations.tasks.forget_answers", "schedule": crontab(hour=4, minute=30)},
    "expire consents": {"task": "customers.tasks.expire_consents", "schedule": timedelta(hours=1)},
    "apply retention": {"task": "customers.tasks.apply_retention", "schedule": crontab(hour=5, minute=10)},
    "sweep merges": {"task": "customers.tasks.sweep_merges", "schedule": timedelta(minutes=15)},
    "sweep rights": {"task": "customers.tasks.sweep_rights", "schedule": crontab(hour=4, minute=15)},
    "wipe sealed codes": {"task": "coupons.tasks.wipe_codes", "schedule": timedelta(minutes=15)},
    "report apologies": {
        "task": "coupons.tasks.refresh_apology_report",
        "schedule": crontab(hour=3, minute=25),
    },
    # Shortly after midnight where most merchants are; one that was missed is made with the next tick.
    "anchor the ledger": {"task": "coupons.tasks.anchor_ledger", "schedule": crontab(minute=12)},
    "close contests": {"task": "loyalty.tasks.close_contests", "schedule": timedelta(minutes=1)},
    "award badges": {"task": "loyalty.tasks.award_badges", "schedule": timedelta(minutes=10)},
    "rank members": {"task": "loyalty.tasks.rank_members", "schedule": timedelta(minutes=5)},
    "sweep milestones": {
        "task": "loyalty.tasks.sweep_milestones",
        "schedule": crontab(hour=3, minute=35),
    },
    "tell birthdays": {"task": "loyalty.tasks.tell_birthdays", "schedule": timedelta(hours=1)},
    "tell complete profiles": {
        "task": "loyalty.tasks.tell_complete_profiles",
        "schedule": timedelta(minutes=10),
    },
    "prolong points": {"task": "loyalty.tasks.prolong_points", "schedule": timedelta(hours=1)},
    "expire points": {"task": "coupons.tasks.expire_lots", "schedule": crontab(hour=1, minute=15)},
    "review tiers": {"task": "loyalty.tasks.review_tiers", "schedule": crontab(hour=2, minute=10)},
    "end memberships": {"task": "loyalty.tasks.end_memberships", "schedule": timedelta(minutes=5)},
}
DJANGO_CELERY_BEAT_TZ_AWARE = True
