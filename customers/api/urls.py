from django.urls import path

from customers.api.assets import AssetsView, AssetView, CustomerAssetsView
from customers.api.catalogue import ProductsView, ProductView, StoresView, StoreView
from customers.api.consents import ConsentsView
from customers.api.contacts import ContactsView, ContactView
from customers.api.customers import CustomerSearchView, CustomersView, CustomerView, TimelineView
from customers.api.duplicates import DismissView, DuplicatesView
from customers.api.event_types import EventTypesView
from customers.api.events import EventsView
from customers.api.imports import ImportErrorsView, ImportsView, ImportView
from customers.api.merges import MergesView, MergeView, UndoView
from customers.api.orders import CancelView, OrdersView, OrderView, PayView, ReturnsView
from customers.api.prospects import ProspectStageView, ProspectsView, ProspectView
from customers.api.rights import ErasureView, ExportView

urlpatterns = [
    path("customers", CustomersView.as_view(), name="customers"),
    path("customers/search", CustomerSearchView.as_view(), name="customer_search"),
    path("customers/merges", MergesView.as_view(), name="merges"),
    path("customers/merges/<int:pk>", MergeView.as_view(), name="merge"),
    path("customers/merges/<int:pk>/undo", UndoView.as_view(), name="merge_undo"),
    path("customers/duplicates", DuplicatesView.as_view(), name="duplicates"),
    path("customers/duplicates/<int:pk>/dismiss", DismissView.as_view(), name="duplicate_dismiss"),
    path("customers/<str:public_id>", CustomerView.as_view(), name="customer"),
    path("customers/<str:public_id>/timeline", TimelineView.as_view(), name="customer_timeline"),
    path("customers/<str:public_id>/erasure", ErasureView.as_view(), name="customer_erasure"),
    path("customers/<str:public_id>/export", ExportView.as_view(), name="customer_export"),
    path("consents", ConsentsView.as_view(), name="consents"),
    path("products", ProductsView.as_view(), name="products"),
    path("products/<int:pk>", ProductView.as_view(), name="product"),
    path("stores", StoresView.as_view(), name="stores"),
    path("stores/<int:pk>", StoreView.as_view(), name="store"),
    path("orders", OrdersView.as_view(), name="orders"),
    path("orders/<int:pk>", OrderView.as_view(), name="order"),
    path("orders/<int:pk>/returns", ReturnsView.as_view(), name="order_returns"),
    path("orders/<int:pk>/cancel", CancelView.as_view(), name="order_cancel"),
    path("orders/<int:pk>/pay", PayView.as_view(), name="order_pay"),
    path("events", EventsView.as_view(), name="events"),
    path("assets", AssetsView.as_view(), name="assets"),
    path("assets/<str:serial>", AssetView.as_view(), name="asset"),
    path("customers/<str:public_id>/assets", CustomerAssetsView.as_view(), name="customer_assets"),
    path("customers/<str:public_id>/contacts", ContactsView.as_view(), name="customer_contacts"),
    path(
        "customers/<str:public_id>/contacts/<str:person_id>", ContactView.as_view(), name="customer_contact"
    ),
    path("prospects", ProspectsView.as_view(), name="prospects"),
    path("prospects/<str:public_id>", ProspectView.as_view(), name="prospect"),
    path("prospects/<str:public_id>/stage", ProspectStageView.as_view(), name="prospect_stage"),
    path("imports", ImportsView.as_view(), name="imports"),
    path("imports/<int:pk>", ImportView.as_view(), name="import"),
    path("imports/<int:pk>/errors", ImportErrorsView.as_view(), name="import_errors"),
    path("event-types", EventTypesView.as_view(), name="event_types"),
]
