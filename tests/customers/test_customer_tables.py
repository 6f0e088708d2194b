"""The registry that merge, export and erasure read."""

from customers.registry import CustomerTable, OnMerge, customer_tables, foreign_keys_to_customer


def test_every_foreign_key_to_a_customer_is_in_the_registry_once():
    declared = [(table.label, table.field) for table in customer_tables()]

    assert sorted(declared) == sorted(foreign_keys_to_customer())


def test_what_an_erasure_blanks_and_an_export_hides_are_fields_of_the_table():
    for table in customer_tables():
        names = {field.name for field in table.model._meta.concrete_fields}

        assert set(table.blank) | table.hidden <= names, table.label


def test_a_table_moves_its_rows_unless_it_says_otherwise():
    assert CustomerTable("customers.Order").on_merge is OnMerge.MOVE
