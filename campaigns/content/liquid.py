"""Liquid as marketers write it: no files, no way around the escaping, bounded work."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import FilterArgumentError, LoopIterationLimitError

REMOVED_TAGS = ["include", "render"]
# `safe` switches the escaping off; the others undo an encoding after it.
REMOVED_FILTERS = [
    "safe", "escapejs", "base64_encode", "base64_decode", "base64_url_safe_encode",
    "base64_url_safe_decode", "url_decode",
]  # fmt: skip


# Filters and ranges work outside the limits of the environment: one `replace` after another would fill the
# memory, and one range joined, summed or searched would never end.
LONGEST_VALUE = 20_000
LARGEST_NUMBER_BITS = 1_000
LONGEST_RANGE = 10_000


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
    for name, filter_ in environment.filters.items():
        environment.filters[name] = _bounded(name, filter_)
    return environment


def _bounded(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that refuses values out of all proportion, and whatever else it cannot do, in words."""

    @wraps(filter_)
    def bounded(left: Any, *arguments: Any, **named: Any) -> Any:
        if any(_is_too_large(value) for value in (left, *arguments)) or _would_grow(name, left, arguments):
            raise FilterArgumentError(f"{name}: the value is too large", token=None)
        try:
            result = filter_(left, *arguments, **named)
        except (ArithmeticError, ValueError) as error:
            raise FilterArgumentError(f"{name}: impossible with this value", token=None) from error
        if isinstance(result, int) and result.bit_length() > LARGEST_NUMBER_BITS:
            raise FilterArgumentError(f"{name}: the number is too large", token=None)
        return result

    return bounded


def _is_too_large(value: Any) -> bool:
    return isinstance(value, str | list | tuple | range) and len(value) > LONGEST_VALUE


def _would_grow(name: str, left: Any, arguments: tuple[Any, ...]) -> bool:
    """Return whether a filter would put its argument into the value more often than fits."""
    if name == "join":
        times, inserted = len(left) if hasattr(left, "__len__") else 1, arguments[:1]
    elif name == "replace":
        times, inserted = str(left).count(str(arguments[0])) if arguments else 0, arguments[1:2]
    else:
        return False
    return times * sum(len(str(each)) for each in inserted) > LONGEST_VALUE


def _bounded_range(self: RangeLiteral, start: Any, stop: Any) -> range:
    found = _whole_range(self, start, stop)
    if found.stop - found.start > LONGEST_RANGE:
        raise LoopIterationLimitError("loop iteration limit reached", token=self.token)
    return found


_whole_range = RangeLiteral._make_range
RangeLiteral._make_range = _bounded_range


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
