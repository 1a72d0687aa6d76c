"""Pictures of instances, large and small: for members alone, and kept by their browsers."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from labeling import jobs
from labeling.files import picture_store
from labeling.models import Instance
from labeling.people.access import Visit, enter
from labeling.web.views.streams import pieces

YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, slug: str, instance: int, index: int) -> HttpResponseBase:
    """A picture as it was kept."""
    name = _name(enter(request, slug), instance, index)
    return _served(request, name, picture_store.media_type(name))


@require_safe
def thumbnail(request: HttpRequest, slug: str, instance: int, index: int) -> HttpResponseBase:
    """The small one; where a worker has yet to make it, the large one in its place, which no browser keeps."""
    name = _name(enter(request, slug), instance, index)
    small = picture_store.small_name(name)
    if picture_store.storage().exists(small):
        return _served(request, small, picture_store.SMALL_TYPE)
    jobs.make_thumbnail.enqueue(name)
    answer = _served(request, name, picture_store.media_type(name))
    answer["Cache-Control"] = "private, no-store"
    return answer


def _name(visit: Visit, instance: int, index: int) -> str:
    """Where the picture is kept. Raises Http404 for one that this project does not have."""
    images = Instance.objects.filter(project=visit.project, pk=instance).values_list("images", flat=True).first()
    if not images or index >= len(images):
        raise Http404("There is no such picture in this project.")
    return str(images[index]["file"])


def _served(request: HttpRequest, name: str, media_type: str) -> HttpResponseBase:
    """The file, or that the browser has it already: under one name there is only ever one picture."""
    etag = f'"{name.rpartition("/")[2]}"'
    answer: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if answer is None:
        try:
            stream = picture_store.storage().open(name, "rb")
        except FileNotFoundError:
            raise Http404("The picture is gone.") from None
        answer = StreamingHttpResponse(pieces(stream), content_type=media_type)
        answer["Content-Length"] = str(stream.size)
    answer["ETag"] = etag
    answer["Cache-Control"] = f"private, max-age={YEAR}, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
