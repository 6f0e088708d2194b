#!/usr/bin/env python
"""Run an administrative command of Fidelio."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
