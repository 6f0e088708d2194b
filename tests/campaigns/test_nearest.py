import pytest

from campaigns.nearest import (
    Place,
    customers_near,
    distance_km,
    located,
    nearest_store_by_customer,
    nearest_stores,
    place_of_customer,
)
from tests.factories import CustomerFactory, StoreFactory

MILANO = Place("IT", city="Milano", latitude=45.4643, longitude=9.1895)


def test_milano_and_roma_are_477_kilometres_apart():
    assert distance_km(MILANO, located(Place("IT", city="Roma"))) == pytest.approx(477, abs=3)


def test_a_city_is_found_under_the_name_people_use():
    assert located(Place("IT", city="Milano")).is_located
    assert located(Place("DE", city="MÜNCHEN")).is_located
    assert not located(Place("IT", city="Nowhere at all")).is_located


def test_a_store_with_coordinates_of_its_own_may_be_nearer_than_its_city(db):
    centre = StoreFactory(code="duomo", city="Milano", country="IT")
    airport = StoreFactory(code="linate", city="Milano", country="IT", latitude=45.4451, longitude=9.2767)
    far = StoreFactory(code="roma", city="Roma", country="IT")
    somebody = Place("IT", city="Segrate", latitude=45.45, longitude=9.28)

    near = nearest_stores(somebody, [centre, airport, far])

    assert [each.store.code for each in near] == ["linate", "duomo", "roma"]
    assert near[0].distance_km == pytest.approx(0.6, abs=0.2)


def test_within_a_town_that_is_only_named_no_distance_is_told(db):
    stores = [
        StoreFactory(code="a", city="Milano", country="IT"),
        StoreFactory(code="b", city="Milano", country="IT", latitude=45.4451, longitude=9.2767),
        StoreFactory(code="c", city="Roma", country="IT"),
    ]

    near = nearest_stores(Place("IT", city="Milano"), stores)

    assert [each.store.code for each in near] == ["a", "b", "c"]
    assert [each.distance_km and round(each.distance_km) for each in near] == [None, 7, 479]


def test_who_stands_at_a_store_is_not_away_from_it(db):
    store = StoreFactory(code="a", city="Milano", country="IT", latitude=45.4643, longitude=9.1895)

    assert nearest_stores(MILANO, [store])[0].distance_km == 0


def test_without_coordinates_the_postcode_decides_then_city_and_region(db):
    stores = [
        StoreFactory(code="a", city="", postcode="20121", country="IT", region="Lombardia"),
        StoreFactory(code="b", city="", postcode="20900", country="IT", region="Lombardia"),
        StoreFactory(code="c", city="", postcode="", country="IT", region="Lombardia"),
        StoreFactory(code="d", city="", postcode="20121", country="FR"),
    ]

    near = nearest_stores(Place("IT", "Lombardia", "", "20124"), stores)

    assert [(each.store.code, each.distance_km) for each in near] == [("a", None), ("b", None), ("c", None)]


def test_nothing_near_is_nothing(db):
    assert nearest_stores(Place(), [StoreFactory(city="", country="")]) == []


def test_many_customers_at_once_get_what_each_alone_would(db):
    stores = [
        StoreFactory(code="mi", city="Milano", country="IT"),
        StoreFactory(code="rm", city="Roma", country="IT"),
    ]
    people = [CustomerFactory(city=city) for city in ("Monza", "Napoli", "Torino", "Milano")]

    found = nearest_store_by_customer([person.pk for person in people])

    assert [found[person.pk].store.code for person in people] == ["mi", "rm", "mi", "mi"]
    for person in people:
        assert found[person.pk] == nearest_stores(place_of_customer(person), stores, limit=1)[0]


def test_people_around_a_place_are_found_by_coordinates_or_city(db):
    inside = CustomerFactory(city="Monza")
    exact = CustomerFactory(city="Roma", attributes={"latitude": 45.5, "longitude": 9.2})
    CustomerFactory(city="Roma")
    CustomerFactory(city="Monza", attributes={"latitude": 41.9, "longitude": 12.5})
    CustomerFactory(city="Milano", attributes={"latitude": "far", "longitude": None})
    CustomerFactory(city="Monza", status="ANONYMOUS")

    assert sorted(customers_near([MILANO], radius_km=25)) == [inside.pk, exact.pk]
