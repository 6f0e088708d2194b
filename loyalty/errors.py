"""What can go wrong with points. Base tree: operations.errors; PointsExceeded is coupons'."""

from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict, NotFound, Refusal


class EarningRuleTaken(Conflict):
    message = _("There is an earning rule with this code already.")


class RewardNotFound(NotFound):
    message = _("There is no such reward.")


class RewardTaken(Conflict):
    message = _("There is a reward with this code already.")


class RewardNotAvailable(Refusal):
    key = "reward_not_available"
    message = _("This reward is not given to this customer now.")


class OutOfStock(Refusal):
    key = "out_of_stock"
    message = _("None of this reward is left.")


class GrantNotFound(NotFound):
    message = _("This reward was never given.")


class GrantMoveNotPossible(Refusal):
    key = "move_not_possible"
    message = _("A reward in this state cannot do that.")


class DrawNotOpen(Refusal):
    key = "draw_not_open"
    message = _("This contest cannot be entered now.")


class EntryLimitReached(Refusal):
    key = "entry_limit_reached"
    message = _("This person has as many entries as the contest allows.")


class NotInAudience(Refusal):
    key = "not_in_audience"
    message = _("This is not for this customer.")


class TierTaken(Conflict):
    message = _("There is a tier with this code or threshold already.")


class TierNotFound(NotFound):
    message = _("There is no such tier.")


class TierNotPossible(Refusal):
    key = "tier_not_possible"
    message = _("The customer cannot be given this tier.")


class PlanTaken(Conflict):
    message = _("There is a membership plan with this code already.")


class PlanNotFound(NotFound):
    message = _("There is no such membership plan.")


class PlanNotOffered(Refusal):
    key = "plan_not_offered"
    message = _("This membership plan is not offered any more.")


class MembershipNotFound(NotFound):
    message = _("There is no such membership.")


class MemberAlready(Conflict):
    key = "member_already"
    message = _("The customer has this membership already; report a payment instead.")


class MembershipEnded(Refusal):
    key = "membership_ended"
    message = _("This membership has ended.")


class NotAMember(Refusal):
    key = "not_a_member"
    message = _("Only a customer or a prospect can have a card.")


class CardUnknown(NotFound):
    message = _("There is no card with this number.")


class CardTaken(Conflict):
    message = _("This card belongs to somebody else.")


class CardBlocked(Refusal):
    key = "card_blocked"
    message = _("This card is blocked.")


class NoMoreCards(Refusal):
    key = "no_more_cards"
    message = _("This customer has as many cards as one may have; block one first.")


class JoinNotPossible(Refusal):
    key = "join_not_possible"
    message = _("Nobody can join with this address. Ask in the shop.")


class TransfersNotAllowed(Refusal):
    key = "transfers_not_allowed"
    message = _("In this programme points cannot be given to somebody else.")


class NotInHousehold(Refusal):
    key = "not_in_household"
    message = _("Points go to members of one's own household only.")


class NoTransferConsent(Refusal):
    key = "no_transfer_consent"
    message = _("Both have to agree to transfers first.")


class ContestNotFound(NotFound):
    message = _("There is no such contest.")


class ContestTaken(Conflict):
    message = _("There is a contest with this code already.")


class ContestMoveNotPossible(Refusal):
    key = "move_not_possible"
    message = _("A contest in this state cannot do that.")


class ContestTermsFixed(Refusal):
    key = "terms_fixed"
    message = _("Once a contest opened its terms are a promise: they cannot be changed.")


class ContestStillOpen(Refusal):
    key = "contest_still_open"
    message = _("It can still be entered; it is closed after its last instant.")


class ListWasChanged(Refusal):
    key = "list_was_changed"
    message = _("The frozen list does not give the digest that was published: nothing was drawn.")


class PlayLimitReached(Refusal):
    key = "play_limit_reached"
    message = _("That was the last play for now.")


class NoEntryLeft(Refusal):
    key = "no_entry_left"
    message = _("A play needs an entry, and there is none left.")


class ChallengeNotFound(NotFound):
    message = _("There is no such challenge.")


class ChallengeTaken(Conflict):
    message = _("There is a challenge with this code already.")


class ChallengeNotActive(Refusal):
    key = "challenge_not_active"
    message = _("Nobody can take part in this now.")


class ChallengeMoveNotPossible(Refusal):
    key = "move_not_possible"
    message = _("A challenge in this state cannot do that.")


class BadgeNotFound(NotFound):
    message = _("There is no such badge.")


class BadgeTaken(Conflict):
    message = _("There is a badge with this code already.")


class BadgeNotActive(Refusal):
    key = "badge_not_active"
    message = _("This badge is not given any more.")


class LeaderboardNotFound(NotFound):
    message = _("There is no such leaderboard.")


class LeaderboardTaken(Conflict):
    message = _("There is a leaderboard with this code already.")


class NicknameTaken(Conflict):
    key = "nickname_taken"
    message = _("Somebody goes by this name already: choose another.")


class MilestoneTaken(Conflict):
    message = _("There is a milestone with this code already.")


class MilestoneNotFound(NotFound):
    message = _("There is no such milestone.")


class PartnerNotActive(Refusal):
    key = "partner_not_active"
    message = _("This partner takes no part now.")


class PartnerCapReached(Refusal):
    key = "partner_cap_reached"
    message = _("With this partner no more points are given or burned for now.")


class PostingConflict(Conflict):
    message = _("Another posting has this number already.")


class PostingReversed(Conflict):
    key = "already_reversed"
    message = _("This posting was reversed already.")


class PostingNotFound(NotFound):
    message = _("There is no such posting.")


class PartnerNotFound(NotFound):
    message = _("There is no such partner.")


class MonthNotOver(Refusal):
    key = "month_not_over"
    message = _("A month is closed once it is over.")


class MonthSettled(Conflict):
    key = "month_settled"
    message = _("This month was closed already.")
