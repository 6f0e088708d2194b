"""What campaigns' own rows and those below give to mails (settings.CONTENT_SOURCES)."""

from campaigns.content_sources import occasions, people, rewards, tiers

SOURCES = [*people.SOURCES, *tiers.SOURCES, *rewards.SOURCES, *occasions.SOURCES]
