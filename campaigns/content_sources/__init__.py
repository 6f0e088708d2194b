"""What campaigns' own rows and those below give to mails (settings.CONTENT_SOURCES)."""

from campaigns.content_sources import occasions, people, tiers

SOURCES = [*people.SOURCES, *tiers.SOURCES, *occasions.SOURCES]
