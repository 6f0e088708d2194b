from rest_framework import serializers

from operations.models import JobRun


class JobOut(serializers.ModelSerializer):
    """A long job, as `GET /jobs/{id}` answers it."""

    id = serializers.CharField()

    class Meta:
        model = JobRun
        fields = ["id", "kind", "status", "done", "total", "result", "error"]


class MistakeOut(serializers.Serializer):
    pointer = serializers.CharField()
    message = serializers.CharField()


class ProblemOut(serializers.Serializer):
    """How every error is answered."""

    key = serializers.CharField()
    message = serializers.CharField()
    details = MistakeOut(many=True)
    request_id = serializers.CharField()
