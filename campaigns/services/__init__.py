from campaigns.services.approvals import (
    decide_start,
    draft_promotions,
    needs_approval,
    revise_campaign,
    start_alone,
    start_or_ask,
    waiting_approval,
)
from campaigns.services.campaigns import (
    copy_campaign,
    create_campaign,
    edit_campaign,
    pause_campaign,
    resume_campaign,
    start_campaign,
    stop_campaign,
)
from campaigns.services.claims import reap_leases
from campaigns.services.experiments import choose_variant, decide_winner, decide_winners
from campaigns.services.global_holdouts import end_global_holdout, start_global_holdout
from campaigns.services.inbox import clear_inbox, store_mail
from campaigns.services.journeys import close_journeys, move_journeys
from campaigns.services.media import describe_picture, put_picture_aside, take_picture_back, upload_picture
from campaigns.services.occasions import hear_event, plan_due_occasions, send_to_customer
from campaigns.services.planning import finish_runs, plan_run, tend_runs
from campaigns.services.provider_reports import take_reports
from campaigns.services.pump import pump
from campaigns.services.push import push_address, subscribe_push, unsubscribe_push
from campaigns.services.recipes import create_from_recipe
from campaigns.services.schedules import advance_campaign, create_due_runs
from campaigns.services.switches import switch_channel
from campaigns.services.testing import preview_content, preview_draft, send_test
from campaigns.services.tracking import follow_link, note_opening, settle_engagements
from campaigns.services.transactional import send_confirmation, send_gift_card, send_publication
from campaigns.services.unsubscribing import unsubscribe

__all__ = [
    "advance_campaign",
    "choose_variant",
    "clear_inbox",
    "close_journeys",
    "copy_campaign",
    "create_campaign",
    "create_due_runs",
    "create_from_recipe",
    "decide_start",
    "decide_winner",
    "decide_winners",
    "describe_picture",
    "draft_promotions",
    "edit_campaign",
    "end_global_holdout",
    "finish_runs",
    "follow_link",
    "hear_event",
    "move_journeys",
    "needs_approval",
    "note_opening",
    "pause_campaign",
    "plan_due_occasions",
    "plan_run",
    "preview_content",
    "preview_draft",
    "pump",
    "push_address",
    "put_picture_aside",
    "reap_leases",
    "resume_campaign",
    "revise_campaign",
    "send_confirmation",
    "send_gift_card",
    "send_publication",
    "send_test",
    "send_to_customer",
    "settle_engagements",
    "start_alone",
    "start_campaign",
    "start_global_holdout",
    "start_or_ask",
    "stop_campaign",
    "store_mail",
    "subscribe_push",
    "switch_channel",
    "take_picture_back",
    "take_reports",
    "tend_runs",
    "unsubscribe",
    "unsubscribe_push",
    "upload_picture",
    "waiting_approval",
]
