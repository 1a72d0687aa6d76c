"""The page from which answers, votes and the ledger leave as files, also for other programs."""

from __future__ import annotations

import tempfile

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from labeling.files import leaving
from labeling.files.foreign.settled import Told
from labeling.files.tables import UnusableFile
from labeling.people.access import Role, Visit, enter
from labeling.web.export_forms import ExportForm
from labeling.web.pages import show
from labeling.web.views import streams

IN_MEMORY = 10_000_000


@require_safe
def export(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Choose what leaves; with a choice that can be served, the file."""
    visit = enter(request, slug, Role.EXPERT)
    form = ExportForm(request.GET if "what" in request.GET else None, project=visit.project)
    if form.is_bound and form.is_valid():
        try:
            return _file(visit, form)
        except UnusableFile as error:
            form.add_error("format", str(error).replace("--question", "the question"))
    status = 422 if form.errors else 200
    return show(request, "labeling/projects/export.html", {"visit": visit, "form": form}, status=status)


def _file(visit: Visit, form: ExportForm) -> HttpResponseBase:
    """The file to save. Raises UnusableFile where the format has no form for what was chosen."""
    told, scope = form.cleaned_data, form.scope
    what, name, number = told["what"], told["format"], told["question"]
    if what == leaving.LEDGER and not visit.may(Role.MANAGER):
        raise PermissionDenied("The ledger is for managers.")
    called = (
        f"{visit.project.slug}-{what}" if scope == visit.project else f"{visit.project.slug}-batch-{scope.pk}-{what}"
    )
    leaving.check(what, name)
    if form.plain:
        return streams.attachment(leaving.lines(scope, what, name, number, Told()), called, name)
    packed = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115, closed once it is sent
    try:
        leaving.as_zip(scope, name, number, packed)
    except UnusableFile:
        packed.close()
        raise
    packed.seek(0)
    return StreamingHttpResponse(
        streams.pieces(packed),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{called}-{name}.zip"',
            "X-Content-Type-Options": "nosniff",
        },
    )
