"""Liquid as marketers write it: no files, no way around the escaping, bounded work."""

from functools import lru_cache

from liquid import BoundTemplate, Environment, StrictUndefined

REMOVED_TAGS = ["include", "render"]
# `safe` switches the escaping off; the others undo an encoding after it.
REMOVED_FILTERS = [
    "safe", "escapejs", "base64_encode", "base64_decode", "base64_url_safe_encode",
    "base64_url_safe_decode", "url_decode",
]  # fmt: skip


class MailEnvironment(Environment):
    """Every limit stands here: the library's own default to none."""

    loop_iteration_limit = 1_000
    output_stream_limit = 500_000
    local_namespace_limit = 100_000
    context_depth_limit = 10


def _environment(*, autoescape: bool) -> MailEnvironment:
    environment = MailEnvironment(autoescape=autoescape, undefined=StrictUndefined)
    for tag in REMOVED_TAGS:
        environment.tags.pop(tag)
    for name in REMOVED_FILTERS:
        environment.filters.pop(name)
    return environment


HTML = _environment(autoescape=True)
PLAIN = _environment(autoescape=False)


@lru_cache(maxsize=64)
def html_template(source: str) -> BoundTemplate:
    """Return the template of an HTML part: values are escaped."""
    return HTML.from_string(source)


@lru_cache(maxsize=128)
def plain_template(source: str) -> BoundTemplate:
    """Return the template of a subject or a plain-text part."""
    return PLAIN.from_string(source)
