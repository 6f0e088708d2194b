from django.urls import path

from campaigns.api import pages, views
from campaigns.api.journeys import JourneyView
from campaigns.api.placements import RenderPlacementView
from campaigns.api.push import PushKeyView, PushSubscriptionsView
from campaigns.api.recipes import RecipesView, RecipeView, SendCampaignView
from campaigns.api.results import ResultsView

urlpatterns = [
    path("campaigns", views.CampaignsView.as_view()),
    path("campaigns/<str:reference>", views.CampaignView.as_view()),
    path("campaigns/<str:reference>/start", views.StartCampaignView.as_view()),
    path("campaigns/<str:reference>/pause", views.PauseCampaignView.as_view()),
    path("campaigns/<str:reference>/resume", views.ResumeCampaignView.as_view()),
    path("campaigns/<str:reference>/stop", views.StopCampaignView.as_view()),
    path("campaigns/<str:reference>/results", ResultsView.as_view()),
    path("campaigns/<str:reference>/journey", JourneyView.as_view()),
    path("campaigns/<str:reference>/messages", views.MessagesView.as_view()),
    path("push-key", PushKeyView.as_view()),
    path("push-subscriptions", PushSubscriptionsView.as_view()),
    path("campaigns/<str:reference>/send", SendCampaignView.as_view()),
    path("campaign-recipes", RecipesView.as_view()),
    path("campaign-recipes/<slug:code>", RecipeView.as_view()),
    path("placements", pages.PlacementsView.as_view()),
    path("placements/<slug:code>", pages.PlacementView.as_view()),
    path("placements/<slug:code>/activate", pages.ActivatePlacementView.as_view()),
    path("placements/<slug:code>/pause", pages.PausePlacementView.as_view()),
    path("placements/<slug:code>/stop", pages.StopPlacementView.as_view()),
    path("landing-pages", pages.LandingPagesView.as_view()),
    path("landing-pages/<slug:code>", pages.LandingPageView.as_view()),
    path("landing-pages/<slug:code>/open", pages.OpenLandingPageView.as_view()),
    path("landing-pages/<slug:code>/close", pages.CloseLandingPageView.as_view()),
    path("placements/<str:slot>/render", RenderPlacementView.as_view()),
]
