"""What campaigns' own rows and those below give to mails (settings.CONTENT_SOURCES)."""

from campaigns.content_sources import occasions, people

SOURCES = [*people.SOURCES, *occasions.SOURCES]
