"""Migrating an empty database makes the same database, however few models are made anew on the way."""

import os
import re
import subprocess
import sys

import pytest
from django.db.migrations.loader import MigrationLoader

from operations.migration_states import narrow_reloads
from tests.embedded import REPOSITORY, _program, database_url, drop_database, execute


def made_anew(app: str, model: str) -> set[str]:
    state = MigrationLoader(None).project_state()
    with narrow_reloads():
        return {name for _app, name in state._find_reload_model(app, model)}


def test_a_model_to_which_nothing_points_is_made_anew_alone():
    assert made_anew("loyalty", "rewardgrant") >= {"rewardgrant"}
    assert "customer" not in made_anew("loyalty", "rewardgrant")


def test_models_that_point_to_a_changed_one_are_made_anew_with_those_that_point_to_them():
    assert {"customer", "account", "ledgerentry", "lot"} <= made_anew("customers", "customer")


@pytest.mark.slow
def test_a_database_migrated_in_the_usual_way_is_the_same():
    schemas = []
    for module in ("django.core.management.commands.migrate", "operations.management.commands.migrate"):
        name = "migrated_twice"
        execute(f'DROP DATABASE IF EXISTS "{name}"')
        execute(f'CREATE DATABASE "{name}"')
        program = (
            "import django; django.setup()\n"
            "from django.core.management import call_command\n"
            f"from {module} import Command\n"
            "call_command(Command(), interactive=False, verbosity=0)\n"
        )
        environment = os.environ | {"DATABASE_URL": database_url(name)}
        subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment, check=True)
        command = [_program("pg_dump"), "--schema-only", "--dbname", database_url(name)]
        dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        schemas.append(re.sub(r"\\(un)?restrict \S+", "", dumped))
        drop_database(name)

    assert schemas[0] == schemas[1]
