"""What always holds about games."""

from django.utils.translation import gettext_lazy as _

from operations.invariants import Invariant

_ENTRIES = """
SELECT participant.id AS participant, participant.entries, coalesce(sum(entry.entries), 0) AS given
FROM loyalty_drawparticipant AS participant
LEFT JOIN loyalty_drawentry AS entry ON entry.draw_id = participant.draw_id
    AND entry.customer_id = participant.customer_id AND entry.withdrawn_at IS NULL
GROUP BY participant.id HAVING participant.entries <> coalesce(sum(entry.entries), 0)
ORDER BY participant.id
"""
_PLAYS = """
SELECT participant.id AS participant, participant.plays, count(play.id) AS made
FROM loyalty_drawparticipant AS participant
LEFT JOIN loyalty_drawplay AS play
    ON play.draw_id = participant.draw_id AND play.customer_id = participant.customer_id
GROUP BY participant.id HAVING participant.plays <> count(play.id)
ORDER BY participant.id
"""
_PRIZES = """
SELECT prize.id AS prize, prize.given, count(play.id) AS won
FROM loyalty_drawprize AS prize LEFT JOIN loyalty_drawplay AS play ON play.prize_id = prize.id AND play.won
GROUP BY prize.id HAVING prize.given <> count(play.id)
ORDER BY prize.id
"""
_LISTS = """
SELECT draw.id AS draw, draw.lines_count, count(line.id) AS lines,
       draw.entries_count, coalesce(sum(line.entries), 0) AS entries
FROM loyalty_draw AS draw LEFT JOIN loyalty_drawline AS line ON line.draw_id = draw.id
GROUP BY draw.id
HAVING draw.lines_count <> count(line.id) OR draw.entries_count <> coalesce(sum(line.entries), 0)
ORDER BY draw.id
"""
_CHANCES = """
SELECT prize.draw_id AS draw, sum(prize.probability) AS probabilities
FROM loyalty_drawprize AS prize JOIN loyalty_draw AS draw ON draw.id = prize.draw_id
WHERE draw.kind = 'INSTANT_WIN' GROUP BY 1 HAVING sum(prize.probability) <> 1
ORDER BY 1
"""
_REACHED = """
SELECT participant.id AS participant, participant.completions, count(completion.id) AS reached
FROM loyalty_challengeparticipant AS participant
LEFT JOIN loyalty_challengecompletion AS completion ON completion.challenge_id = participant.challenge_id
    AND completion.customer_id = participant.customer_id
GROUP BY participant.id HAVING participant.completions <> count(completion.id)
ORDER BY participant.id
"""
GAME_INVARIANTS = [
    Invariant("loyalty.draw_entries", _("Somebody has the entries they were given."), _ENTRIES),
    Invariant("loyalty.draw_plays", _("Somebody played as often as their plays say."), _PLAYS),
    Invariant("loyalty.draw_prizes", _("As many prizes are gone as were won."), _PRIZES),
    Invariant("loyalty.draw_lists", _("A frozen list is as long as it was when it was frozen."), _LISTS),
    Invariant("loyalty.draw_chances", _("What can come out of a play sums to certainty."), _CHANCES),
    Invariant("loyalty.challenges", _("Somebody reached a challenge as often as is written down."), _REACHED),
]
