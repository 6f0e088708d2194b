"""What must not stand in a log, whoever writes the line."""

import logging
import re

import structlog

# Somebody typed it where a coupon's code belongs: in an address, but it is money all the same.
CARD_CODE = re.compile(
    r"(/(?:coupons|gift-cards)/|[?&](?:q|code)=)(?:[0-9A-Za-z](?:-|%20|\+)*){15}[0-9A-Za-z](?![0-9A-Za-z])"
)
# The pages of customers are opened by whoever holds the link: to refuse, to confirm, to answer in their name.
LINK = re.compile(r"((?:^|[\s\"'=(]|https?://[^/\s\"']+)/(?:[ceklmpsu]|join)/)[^\s\"'/?)]{8,}")


class CodelessFormatter(structlog.stdlib.ProcessorFormatter):
    """Writes lines without codes of gift cards and without keys of customers' links."""

    def format(self, record: logging.LogRecord) -> str:
        return LINK.sub(r"\1****", CARD_CODE.sub(r"\1****", super().format(record)))
