"""The media library: a page of pictures, and what the editor of contents asks it for."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.errors import PictureRefused
from campaigns.images import MOST_BYTES
from campaigns.models import Picture
from coupons.admin.forms import RefusalForm
from operations.errors import FidelioError

PER_PAGE = 24
MAY_ADD = "campaigns.add_picture"
MAY_CHANGE = "campaigns.change_picture"


class UploadForm(RefusalForm):
    """One picture and what it shows."""

    file = forms.FileField(
        label=gettext_lazy("Picture"),
        widget=forms.ClearableFileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text=gettext_lazy("PNG, JPEG, GIF or WebP, at most 5 MB. It is made at most 1,200 pixels wide."),
        error_messages={"required": gettext_lazy("Choose a picture.")},
    )
    alternative = forms.CharField(
        label=gettext_lazy("What it shows"),
        max_length=300,
        help_text=gettext_lazy("For who does not see pictures, and mail programs that hide them."),
        error_messages={"required": gettext_lazy("Say what the picture shows.")},
    )

    def save(self, *, by: Any) -> Picture | None:
        """Upload; what is wrong stands beside its field."""
        if not self.is_valid():
            return None
        file = self.cleaned_data["file"]
        try:
            return services.upload_picture(
                file.read(MOST_BYTES + 1),
                name=file.name,
                alternative=self.cleaned_data["alternative"],
                at=timezone.now(),
                by=by,
            )
        except PictureRefused as error:
            self.add_error("file", str(error.message))
        except FidelioError as error:
            self.show(error)
        return None


class AlternativeForm(forms.Form):
    alternative = forms.CharField(max_length=300)


class PicturesView(UnfoldModelAdminViewMixin, TemplateView):
    """Every picture, and the form to add one."""

    title = gettext_lazy("Media library")
    permission_required = "campaigns.view_picture"
    template_name = "campaigns/pictures.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        search = self.request.GET.get("q", "").strip()[:100]
        aside = self.request.GET.get("aside") == "1"
        pages = Paginator(found_pictures(search, aside=aside), PER_PAGE)
        kwargs.setdefault("form", UploadForm(label_suffix=""))
        return super().get_context_data(
            **kwargs,
            page=pages.get_page(self.request.GET.get("p")),
            search=search,
            aside=aside,
            may_add=self.request.user.has_perm(MAY_ADD),
            may_change=self.request.user.has_perm(MAY_CHANGE),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(MAY_ADD):
            return self.handle_no_permission()
        form = UploadForm(request.POST, request.FILES, label_suffix="")
        if form.save(by=request.user):
            messages.success(request, _("The picture is in the library."))
            return redirect("admin:campaigns_picture_changelist")
        return self.render_to_response(self.get_context_data(form=form))


class PictureMoveView(UnfoldModelAdminViewMixin, View):
    """Put a picture aside, take it back, or say better what it shows."""

    title = ""
    permission_required = MAY_CHANGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        picture = get_object_or_404(Picture, pk=pk)
        if move == "aside":
            services.put_picture_aside(picture, at=timezone.now())
            messages.success(request, _("The picture is offered no more; mails that show it keep it."))
        elif move == "back":
            services.take_picture_back(picture)
            messages.success(request, _("The picture is offered again."))
        else:
            form = AlternativeForm(request.POST)
            if form.is_valid():
                services.describe_picture(picture, alternative=form.cleaned_data["alternative"])
                messages.success(request, _("Saved."))
            else:
                messages.error(request, _("Say what the picture shows."))
        return redirect("admin:campaigns_picture_changelist")


class ChoosePictureView(UnfoldModelAdminViewMixin, View):
    """What the editor of contents asks for: a few pictures as JSON, and an upload from within it."""

    title = ""
    permission_required = "campaigns.view_picture"

    def get(self, request: HttpRequest) -> JsonResponse:
        pictures = found_pictures(request.GET.get("q", "").strip()[:100], aside=False)[:PER_PAGE]
        return JsonResponse({"pictures": [as_choice(picture) for picture in pictures]})

    def post(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(MAY_ADD):
            return self.handle_no_permission()
        form = UploadForm(request.POST, request.FILES)
        if picture := form.save(by=request.user):
            return JsonResponse({"picture": as_choice(picture)})
        mistakes = [str(mistake) for errors in form.errors.values() for mistake in errors]
        return JsonResponse({"mistakes": mistakes}, status=422)


def found_pictures(search: str, *, aside: bool):
    """Return the pictures whose name or description has the words."""
    pictures = Picture.objects.filter(put_aside_at__isnull=False) if aside else Picture.objects.offered()
    if search:
        pictures = pictures.filter(Q(name__icontains=search) | Q(alternative__icontains=search))
    return pictures.order_by("-id")


def as_choice(picture: Picture) -> dict[str, Any]:
    """Return what the editor needs of a picture."""
    return {
        "url": picture.url,
        "path": picture.path,
        "name": picture.name,
        "alternative": picture.alternative,
        "width": picture.width,
        "height": picture.height,
    }


@admin.register(Picture)
class PictureAdmin(ModelAdmin):
    """The library as one page; pictures are not deleted, mails that left show them."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return PicturesView.as_view(model_admin=self)(request)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("admin:campaigns_picture_changelist")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:campaigns_picture_changelist")

    def has_delete_permission(self, request: HttpRequest, obj: Picture | None = None) -> bool:
        return False

    def get_urls(self) -> list:
        def page(route: str, view: type, name: str):
            wrapped = self.admin_site.admin_view(view.as_view(model_admin=self))
            return path(route, wrapped, name=f"campaigns_picture_{name}")

        return [
            page("choose/", ChoosePictureView, "choose"),
            page("<int:pk>/move/<slug:move>/", PictureMoveView, "move"),
            *super().get_urls(),
        ]
