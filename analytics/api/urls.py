from django.urls import path

from analytics.api import clusters, kpis, objectives, personal_offers, predictions, rfm, segment_maps, surveys

urlpatterns = [
    path("rfm-models", rfm.RfmModelsView.as_view()),
    path("rfm-models/preview", rfm.RfmPreviewView.as_view()),
    path("rfm-models/<str:reference>", rfm.RfmModelView.as_view()),
    path("rfm-models/<str:reference>/runs", rfm.RfmRunsView.as_view()),
    path("rfm-models/<str:reference>/runs/<int:pk>", rfm.RfmRunView.as_view()),
    path("rfm-models/<str:reference>/scores", rfm.RfmScoresView.as_view()),
    path("rfm-models/<str:reference>/migration", rfm.RfmMigrationView.as_view()),
    path("segment-maps", segment_maps.SegmentMapsView.as_view()),
    path("segment-maps/<str:reference>", segment_maps.SegmentMapView.as_view()),
    path("clusters", clusters.ClustersView.as_view()),
    path("objectives", objectives.ObjectivesView.as_view()),
    path("objectives/<str:code>", objectives.ObjectiveView.as_view()),
    path("customers/<str:public_id>/prediction", predictions.CustomerPrediction.as_view()),
    path("customers/<str:public_id>/offers", personal_offers.CustomerOffers.as_view()),
    path("value-model", predictions.ValueModelView.as_view()),
    path("value-model/runs", predictions.ValueRunsView.as_view()),
    path("value-model/runs/<int:pk>", predictions.ValueRunView.as_view()),
    path("kpis", kpis.KpisView.as_view()),
    path("kpis/<str:code>", kpis.MetricView.as_view()),
    path("cohorts", kpis.CohortsView.as_view()),
    path("surveys", surveys.SurveysView.as_view()),
    path("surveys/<str:reference>", surveys.SurveyDetail.as_view()),
    path("surveys/<str:reference>/open", surveys.SurveyOpening.as_view()),
    path("surveys/<str:reference>/close", surveys.SurveyClosing.as_view()),
    path("surveys/<str:reference>/links", surveys.SurveyLinks.as_view()),
    path("surveys/<str:reference>/answers", surveys.SurveyAnswers.as_view()),
    path("surveys/<str:reference>/results", surveys.SurveyResultsView.as_view()),
]
