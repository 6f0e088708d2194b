from django.urls import path

from operations.api import webhooks
from operations.api.views import JobView

urlpatterns = [
    path("jobs/<int:pk>", JobView.as_view(), name="job"),
    path("webhooks", webhooks.WebhooksView.as_view()),
    path("webhooks/<int:pk>", webhooks.WebhookView.as_view()),
    path("webhooks/<int:pk>/secret", webhooks.WebhookSecretView.as_view()),
    path("webhooks/<int:pk>/deliveries", webhooks.DeliveriesView.as_view()),
    path("webhooks/<int:pk>/deliveries/<str:message_id>/resend", webhooks.ResendView.as_view()),
]
