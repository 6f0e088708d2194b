from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import RetrieveAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from operations.api.serializers import JobOut
from operations.errors import NotFound
from operations.models import JobRun


class JobView(RetrieveAPIView):
    """How far a long job is that this client asked for, and what came out."""

    required_scope = "any"
    open_to_partners = True
    queryset = JobRun.objects.all()
    serializer_class = JobOut

    def get_queryset(self) -> QuerySet[JobRun]:
        return super().get_queryset().filter(client=self.request.auth)


@extend_schema(exclude=True)
class UnknownPathView(APIView):
    """Answer paths that do not exist in the one error format, with or without a key."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def initial(self, request: Request, *args: str, **kwargs: str) -> None:
        raise NotFound("There is no such path in this API.")
