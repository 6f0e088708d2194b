from customers.models.asset import Asset, AssetOwnership
from customers.models.catalogue import BusinessUnit, Product, ProductPrice, SalesChannel, Store
from customers.models.consent import Channel, Consent, ConsentRecord, ConsentText, Purpose, Suppression
from customers.models.contact import CompanyContact
from customers.models.customer import Customer
from customers.models.duplicate import (
    DuplicateCandidate,
    DuplicateSearch,
    Evidence,
    MatchWeight,
    SurnameCount,
)
from customers.models.event import Event, EventConflict, EventKey, PendingEvent, QuarantinedEvent
from customers.models.golden import GoldenRule, GoldenValue, LockedValue
from customers.models.household import Household
from customers.models.identity import BlockedValue, Identity, IdentityNamespace, Namespace, Strength
from customers.models.imports import ImportedRow, ImportMapping, ImportRun
from customers.models.lead import Lead, LeadStage
from customers.models.merge import DoNotMerge, MergedRow, MergeOperation
from customers.models.note import CustomerNote, NoteTopic
from customers.models.order import Order, OrderLine, Return, ReturnLine
from customers.models.purchase_change import PurchaseChange
from customers.models.rights import RightsRequest
from customers.models.rollup import MonthlyRollup, Rollup, RollupScope, ScopedRollup, StaleScope
from customers.models.season import Season
from customers.models.segment import (
    Because,
    ChangedCustomers,
    Segment,
    SegmentMembership,
    SegmentOverride,
)
from customers.models.source import Source, SourceProfile
from customers.models.trait import Trait

__all__ = [
    "Asset",
    "AssetOwnership",
    "Because",
    "BlockedValue",
    "BusinessUnit",
    "ChangedCustomers",
    "Channel",
    "CompanyContact",
    "Consent",
    "ConsentRecord",
    "ConsentText",
    "Customer",
    "CustomerNote",
    "DoNotMerge",
    "DuplicateCandidate",
    "DuplicateSearch",
    "Event",
    "EventConflict",
    "EventKey",
    "Evidence",
    "GoldenRule",
    "GoldenValue",
    "Household",
    "Identity",
    "IdentityNamespace",
    "ImportMapping",
    "ImportRun",
    "ImportedRow",
    "Lead",
    "LeadStage",
    "LockedValue",
    "MatchWeight",
    "MergeOperation",
    "MergedRow",
    "MonthlyRollup",
    "Namespace",
    "NoteTopic",
    "Order",
    "OrderLine",
    "PendingEvent",
    "Product",
    "ProductPrice",
    "PurchaseChange",
    "Purpose",
    "QuarantinedEvent",
    "Return",
    "ReturnLine",
    "RightsRequest",
    "Rollup",
    "RollupScope",
    "SalesChannel",
    "ScopedRollup",
    "Season",
    "Segment",
    "SegmentMembership",
    "SegmentOverride",
    "Source",
    "SourceProfile",
    "StaleScope",
    "Store",
    "Strength",
    "Suppression",
    "SurnameCount",
    "Trait",
]
