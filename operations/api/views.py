from rest_framework.generics import RetrieveAPIView

from operations.api.serializers import JobOut
from operations.models import JobRun


class JobView(RetrieveAPIView):
    """How far a long job is, and what came out."""

    required_scope = "any"
    queryset = JobRun.objects.all()
    serializer_class = JobOut
