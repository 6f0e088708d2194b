"""How the apps contribute to each other: dotted paths, so that imports go one way.

Settings, read by loyalty_site.settings. What is named here is imported when it is first used.
"""

# Event type -> subscribers, each called at least once with the event; idempotent by a unique key.
EVENT_SUBSCRIBERS: dict[str, list[str]] = {
    "order.recorded": [
        "coupons.subscribers.link_order",
        "loyalty.subscribers.earn_on_order",
        "loyalty.subscribers.rise_on_order",
        "loyalty.subscribers.count_order_in_challenges",
        "loyalty.subscribers.reach_on_order",
        "referrals.subscribers.qualify_on_order",
    ],
    "order.returned": [
        "coupons.subscribers.link_return",
        "coupons.subscribers.take_back_gift_cards",
        "loyalty.subscribers.claw_back_on_return",
        "loyalty.subscribers.count_order_in_challenges",
        "referrals.subscribers.lose_on_return",
    ],
    "order.cancelled": [
        "coupons.subscribers.roll_back_order",
        "coupons.subscribers.take_back_gift_cards",
        "loyalty.subscribers.claw_back_on_return",
        "loyalty.subscribers.count_order_in_challenges",
        "referrals.subscribers.lose_on_return",
    ],
    "points.changed": ["loyalty.subscribers.rise_on_points", "loyalty.subscribers.reach_on_points"],
    "visit.recorded": ["loyalty.subscribers.reach_on_visit"],
    "member.joined": ["referrals.subscribers.come_on_joining"],
    "consent.changed": ["campaigns.subscribers.ask_for_confirmation"],
    "coupon.published": ["campaigns.subscribers.deliver_published_coupon"],
    "message.bounced": ["campaigns.subscribers.watch_harm"],
    "message.complained": ["campaigns.subscribers.watch_harm"],
    "gift_card.issued": ["campaigns.subscribers.deliver_gift_card"],
    "gift_card.renewed": ["campaigns.subscribers.deliver_gift_card"],
    "*": [
        "loyalty.subscribers.count_event_in_challenges",
        "loyalty.subscribers.earn_on_event",
        "campaigns.subscribers.start_on_event",
        "customers.webhooks.tell_webhooks",
    ],
}
# What webhooks of API clients may hear of, and the scope a client needs to be told it.
WEBHOOK_TYPES: dict[str, str] = {
    "order.recorded": "customers:read",
    "order.returned": "customers:read",
    "order.cancelled": "customers:read",
    "customer.created": "customers:read",
    "customer.merged": "customers:read",
    "customer.unmerged": "customers:read",
    "customer.erased": "customers:read",
    "consent.changed": "customers:read",
    "segment.entered": "segments:read",
    "segment.left": "segments:read",
    "coupon.published": "coupons:explain",
    "coupon.withdrawn": "coupons:explain",
    "coupon.redeemed": "coupons:explain",
    "coupon.rolled_back": "coupons:explain",
    "promotion.stopped": "promotions:write",
    "promotion.resumed": "promotions:write",
    "budget.threshold_reached": "promotions:write",
    "points.changed": "loyalty:read",
    "tier.changed": "loyalty:read",
    "reward.granted": "loyalty:read",
    "reward.redeemed": "loyalty:read",
    "reward.taken_back": "loyalty:read",
    "milestone.reached": "loyalty:read",
    "membership.started": "loyalty:read",
    "membership.renewed": "loyalty:read",
    "membership.ended": "loyalty:read",
    "challenge.completed": "loyalty:read",
    "badge.earned": "loyalty:read",
    "prize.won": "loyalty:read",
    "ledger.anchored": "loyalty:read",
    "referral.registered": "referrals:write",
    "referral.qualified": "referrals:write",
    "referral.rewarded": "referrals:write",
    "referral.rejected": "referrals:write",
    "referral.taken_back": "referrals:write",
    "message.sent": "campaigns:read",
    "message.bounced": "campaigns:read",
    "message.complained": "campaigns:read",
    "message.unsubscribed": "campaigns:read",
    "campaign.started": "campaigns:read",
    "campaign.paused": "campaigns:read",
    "campaign.held": "campaigns:read",
    "campaign.stopped": "campaigns:read",
    "campaign.finished": "campaigns:read",
}
# What the events of a family (the part before the dot) are called: function (family) -> name.
EVENT_FAMILY_NAME = "customers.timeline.family_name"
# What apps above tell of one code.
COUPON_HISTORY: list[str] = ["campaigns.coupon_history.message_chapters"]
# What can be done from an order's page: functions (order, request) -> actions.
ORDER_ACTIONS: list[str] = ["coupons.admin.apologies.order_actions"]
# Providers of panels on the customer's page, and of parts of GET /customers/{id}.
CUSTOMER_PANELS: list[str] = [
    "customers.tabs.orders_panel",
    "coupons.panels.coupon_panel",
    "coupons.panels.gift_card_panel",
    "analytics.panels.rfm_panel",
    "analytics.panels.behaviour.behaviour_panel",
    "analytics.panels.value.value_panel",
    "customers.segments.panels.segments_panel",
    "loyalty.panels.points_panel",
    "loyalty.card_panel.card_panel",
    "loyalty.belonging_panels.belonging_panel",
    "loyalty.reward_panel.rewards_panel",
    "loyalty.game_panel.games_panel",
    "referrals.panels.referral_panel",
    "campaigns.panels.messages_panel",
    "customers.admin.assets.assets_panel",
    "customers.admin.leads.lead_panel",
    "customers.admin.contacts.contacts_panel",
    "customers.admin.notes.notes_panel",
    "customers.trait_panel.traits_panel",
    "customers.tabs.consents_panel",
    "customers.identity_tabs.identities_panel",
    "customers.identity_tabs.duplicates_panel",
    "customers.identity_tabs.household_panel",
    "customers.admin.merging.merges_panel",
    "customers.rights_panel.rights_panel",
]
CUSTOMER_DETAILS: list[str] = [
    "coupons.panels.coupon_details",
    "analytics.panels.rfm_details",
    "loyalty.panels.points_details",
]
# Kind of approval -> what carries the decision out.
APPROVAL_DECISIONS: dict[str, str] = {
    "campaign": "campaigns.services.approvals.decide_start",
    "apology": "coupons.services.decide_apology",
    "gift_card": "coupons.services.decide_gift_card",
    "points": "loyalty.services.decide_points",
    "referral_payout": "referrals.services.decide_payouts",
}
# Kind of approval -> the name of the page that shows what is asked for.
APPROVAL_PAGES: dict[str, str] = {
    "campaign": "admin:campaigns_campaign_version",
    "apology": "admin:coupons_apology_change",
    "gift_card": "admin:coupons_giftcard_request",
    "points": "admin:loyalty_pointsadjustment_change",
    "referral_payout": "admin:referrals_payoutbatch_change",
}
# Kind of job -> what carries it out (operations.services.runs); called again when its process was killed.
JOB_RUNNERS: dict[str, str] = {
    "invariants": "operations.services.invariants.run_check",
    "import": "customers.services.imports.run_import",
    "import.check": "customers.services.imports.check_import",
    "import.undo": "customers.services.undo.undo_rows",
    "export": "operations.exports.run_export",
    "customers.scopes": "customers.services.scopes.run_recount",
    "duplicates": "customers.services.duplicates.run_search",
    "customers.erasure": "customers.services.erasure.run_erasure",
    "customers.source_leaves": "customers.services.leaving.run_leaving",
    "customers.source_changed": "customers.services.sources.run_change",
    "customers.export": "customers.services.exports.run_export",
    "quarantine.replay": "customers.tasks.replay_quarantine",
    "campaigns.retargeting": "campaigns.services.retargeting.write_audience",
    "coupons.issue": "coupons.services.batches.make_codes",
    "coupons.import": "coupons.services.code_files.read_codes",
    "coupons.gift_cards": "coupons.services.gift_card_batches.issue_batch",
    "loyalty.prizes": "loyalty.services.drawings.run_prizes",
    "loyalty.tiers": "loyalty.services.tier_jobs.run_review",
    "value.run": "analytics.services.value.carry_out_value_run",
    "analytics.offers": "analytics.services.offer_sets.run_offers",
    "analytics.offer_codes": "analytics.services.offer_sets.run_codes",
    "clusters.run": "analytics.services.clusters.carry_out_cluster_run",
    "analytics.behaviour": "analytics.services.behaviour_jobs.run_prediction",
    "analytics.behaviour_choice": "analytics.services.behaviour_jobs.run_choice",
}
# Kinds of job that do not wait behind those which take minutes, and the queue of each.
JOB_QUEUES: dict[str, str] = {
    "customers.erasure": "rights",
    "customers.export": "rights",
}
# What always holds in the rows of each app; `manage.py check_invariants` recomputes it.
INVARIANTS: list[str] = [
    "operations.invariants.INVARIANTS",
    "customers.invariants.declared",
    "coupons.invariants.INVARIANTS",
    "loyalty.invariants.INVARIANTS",
    "referrals.invariants.INVARIANTS",
    "campaigns.invariants.INVARIANTS",
]
# What finds rows that were changed behind the services' backs: functions (since, published) -> what is wrong.
CHAIN_CHECKS: list[str] = ["coupons.services.chains.check_chain"]
# Every table that points to a customer, and what merge, export and erasure do with it.
CUSTOMER_TABLES: list[str] = [
    "customers.customer_tables.TABLES",
    "coupons.customer_tables.TABLES",
    "loyalty.customer_tables.TABLES",
    "referrals.customer_tables.TABLES",
    "campaigns.customer_tables.TABLES",
    "analytics.customer_tables.TABLES",
]
# What takes a person out of tables and files that have no key to them, when they are erased.
PERSONAL_TRACES: list[str] = [
    "operations.traces.forget_answers_about",
    "operations.traces.forget_deliveries_about",
    "operations.traces.redact_records",
    "operations.traces.forget_searches",
    "operations.traces.delete_files_about",
    "customers.services.trails.erase_set_aside",
    "campaigns.services.inbox.erase_from_inbox",
]
# What works out anew, after a merge and after it is taken back, what follows from other apps' rows.
MERGE_SETTLEMENTS: list[str] = ["loyalty.services.parting.settle_points"]
# Lists of the traits that apps compute (customers.traits.KnownTrait): their names and kinds.
TRAITS: list[str] = [
    "analytics.traits.TRAITS",
    "analytics.behaviour.traits.TRAITS",
    "analytics.value.traits.TRAITS",
]
# What apps above give to the mails of campaigns: variables, and mails to start from.
CONTENT_SOURCES: list[str] = [
    "analytics.survey_mails.SOURCE",
    "campaigns.content_sources.SOURCES",
    "campaigns.landing_links.SOURCE",
]
# What knows the merchant's margin, for what campaigns brought.
MARGIN_SHARE: str = "analytics.services.kpis.worth.margin_share"
# What stands on the page that members open themselves (loyalty.members.sections), and what they can press.
MEMBER_SECTIONS: list[str] = [
    "loyalty.members.card.card_section",
    "loyalty.members.points.points_section",
    "loyalty.members.tier.tier_section",
    "loyalty.members.memberships.memberships_section",
    "loyalty.members.household.household_section",
    "loyalty.members.points.history_section",
    "referrals.member_section.friends_section",
    "loyalty.members.rewards.rewards_section",
    "loyalty.members.milestones.milestones_section",
    "loyalty.members.games.challenges_section",
    "loyalty.members.games.cards_section",
    "loyalty.members.games.badges_section",
    "loyalty.members.games.contests_section",
    "loyalty.members.games.boards_section",
]
MEMBER_ACTIONS: dict[str, str] = {
    "household-agree": "loyalty.members.household.agree",
    "household-give": "loyalty.members.household.give_points",
    "card-get": "loyalty.members.card.get_card",
    "links-revoke": "loyalty.members.card.revoke_links",
    "referral-share": "referrals.member_section.share_code",
    "take-reward": "loyalty.members.rewards.take_reward",
    "choose-reward": "loyalty.members.milestones.choose",
    "challenge-join": "loyalty.members.games.take_up_challenge",
    "challenge-leave": "loyalty.members.games.give_up_challenge",
    "contest-play": "loyalty.members.games.play_contest",
    "board-join": "loyalty.members.games.enter_board",
    "board-leave": "loyalty.members.games.leave_board",
}
# What writes the messages about members' pages (loyalty.services.member_mails).
MEMBER_MAILER: str = "campaigns.services.member_mails.write_member_mail"
# What the board of the stores counts: functions that return columns (loyalty.services.store_board).
STORE_BOARD: list[str] = [
    "loyalty.services.store_board.enrolment_columns",
    "referrals.store_columns.referral_columns",
]
# Contributors to the field catalogue of segment rules.
SEGMENT_FIELDS: list[str] = [
    "customers.segments.trait_fields.trait_fields",
    "customers.segments.fields.FIELDS",
    "customers.segments.journey_fields.FIELDS",
    "coupons.segment_fields.FIELDS",
    "loyalty.segment_fields.FIELDS",
    "referrals.segment_fields.FIELDS",
    "analytics.segment_fields.FIELDS",
    "campaigns.segment_fields.FIELDS",
]
