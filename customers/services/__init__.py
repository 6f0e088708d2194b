from customers.services.assets import register_asset
from customers.services.carts import tell_abandoned_carts
from customers.services.catalogue import upsert_product, upsert_products, upsert_store
from customers.services.consents import record_consent, record_consents
from customers.services.contact_points import reachable_address
from customers.services.contacts import name_contact, remove_contact
from customers.services.customers import upsert_customers
from customers.services.duplicates import dismiss_candidate, find_duplicates, merge_candidate, who_stays
from customers.services.erasure import erase_customer, replay_ledger, request_erasure
from customers.services.events import dispatch_events, record_event, record_events
from customers.services.exports import export_customer, note_export, request_export
from customers.services.external_consents import record_external_consents
from customers.services.golden import lock_golden_value, refresh_golden_records, unlock_golden_value
from customers.services.households import form_households
from customers.services.intake import record_external_events
from customers.services.leads import engage_leads, move_lead, register_prospect
from customers.services.leaving import leave_source
from customers.services.memberships import (
    exclude_customer,
    forget_decision,
    include_customer,
    refresh_members,
    refresh_segment,
    refresh_segments,
    replace_members,
)
from customers.services.merges import allow_merge, keep_apart, merge_customers, undo_merge
from customers.services.notes import edit_note, pin_note, remove_note, write_note
from customers.services.orders import cancel_order, pay_order, record_order, record_orders
from customers.services.partitions import maintain_partitions
from customers.services.processing import (
    correct_contact_point,
    object_to,
    rectify_customer,
    release_processing,
    restrict_processing,
)
from customers.services.quarantine import (
    correct_event,
    discard_events,
    quarantine_event,
    replay_events,
)
from customers.services.references import find_customer, search_customers
from customers.services.retention import apply_retention
from customers.services.returns import record_return
from customers.services.rollups import refresh_rollups
from customers.services.segments import (
    count_reachable_members,
    create_segment,
    edit_segment,
    explain_membership,
    overlap_of,
    preview_segment,
)
from customers.services.sources import edit_source, forget_unheard_profiles
from customers.services.suppressions import find_suppression, lift_suppressions, suppress, unsuppress

__all__ = [
    "allow_merge",
    "apply_retention",
    "cancel_order",
    "correct_contact_point",
    "correct_event",
    "count_reachable_members",
    "create_segment",
    "discard_events",
    "dismiss_candidate",
    "dispatch_events",
    "edit_note",
    "edit_segment",
    "edit_source",
    "engage_leads",
    "erase_customer",
    "exclude_customer",
    "explain_membership",
    "export_customer",
    "find_customer",
    "find_duplicates",
    "find_suppression",
    "forget_decision",
    "forget_unheard_profiles",
    "form_households",
    "include_customer",
    "keep_apart",
    "leave_source",
    "lift_suppressions",
    "lock_golden_value",
    "maintain_partitions",
    "merge_candidate",
    "merge_customers",
    "move_lead",
    "name_contact",
    "note_export",
    "object_to",
    "overlap_of",
    "pay_order",
    "pin_note",
    "preview_segment",
    "quarantine_event",
    "reachable_address",
    "record_consent",
    "record_consents",
    "record_event",
    "record_events",
    "record_external_consents",
    "record_external_events",
    "record_order",
    "record_orders",
    "record_return",
    "rectify_customer",
    "refresh_golden_records",
    "refresh_members",
    "refresh_rollups",
    "refresh_segment",
    "refresh_segments",
    "register_asset",
    "register_prospect",
    "release_processing",
    "remove_contact",
    "remove_note",
    "replace_members",
    "replay_events",
    "replay_ledger",
    "request_erasure",
    "request_export",
    "restrict_processing",
    "search_customers",
    "suppress",
    "tell_abandoned_carts",
    "undo_merge",
    "unlock_golden_value",
    "unsuppress",
    "upsert_customers",
    "upsert_product",
    "upsert_products",
    "upsert_store",
    "who_stays",
    "write_note",
]
