"""From a file to a batch: choose, look, start."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from labeling.crowd.errors import CrowdError
from labeling.files import uploads
from labeling.files.rows import field_names
from labeling.files.uploads import Survey, Upload
from labeling.files.votes import UnusableFile
from labeling.managing import intake
from labeling.managing.intake import Wishes
from labeling.models import Annotator
from labeling.money.ledger import Refused
from labeling.people.access import Role, Visit, enter
from labeling.web.forms import FieldsForm, StartForm, UploadForm
from labeling.web.pages import show


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a file; it is kept for a day and looked at, nothing is written yet."""
    visit = enter(request, slug, Role.MANAGER)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            upload = uploads.keep(form.cleaned_data["file"], visit.project.pk, request.session)
            return redirect("import_preview", visit.project.slug, upload.token)
        except UnusableFile as error:
            form.add_error("file", str(error))
    status = 422 if form.errors else 200
    return show(
        request, "labeling/imports/import.html", {"visit": visit, "here": "overview", "form": form}, status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, slug: str, upload: uuid.UUID) -> HttpResponse:
    """Look at the first rows, choose the fields, start the batch."""
    visit = enter(request, slug, Role.MANAGER)
    found = uploads.find(str(upload), visit.project.pk, request.session)
    if found is None:
        messages.error(request, "That file is not here any more; choose it again.")
        return redirect("import", visit.project.slug)
    mapping = _mapping(request, visit, found)
    labels = visit.project.label_list()
    survey, error = _survey(found, mapping, [label.name for label in labels])
    form = StartForm(request.POST or None, initial=_wishes(visit, found, survey))
    if request.method == "POST" and not error and form.is_valid():
        error = _start(request, visit, found, mapping, form)
        if not error:
            return redirect("batch", visit.project.slug, request.session["started"][-1])
    context = {
        "visit": visit,
        "here": "overview",
        "upload": found,
        "mapping": mapping,
        "survey": survey,
        "error": error,
        "form": form,
        "labels": labels,
        "voters": visit.project.annotators.machines().filter(paused_at=None).count(),
        "outside": visit.project.annotators.filter(outside=True, paused_at=None),
    }
    return show(request, "labeling/imports/preview.html", context, status=422 if error or form.errors else 200)


def _mapping(request: HttpRequest, visit: Visit, upload: Upload) -> FieldsForm:
    """The fields as chosen, else as their names suggest."""
    names = field_names(str(upload.path))
    told = request.POST if request.method == "POST" else request.GET
    if "text" in told:
        return FieldsForm(told, names=names)
    fields = uploads.guess(names, visit.project.group_name)
    return FieldsForm(
        {"text": list(fields.text), "gold": fields.gold, "group": fields.group, "id": fields.id}, names=names
    )


def _survey(upload: Upload, mapping: FieldsForm, labels: list[str]) -> tuple[Survey, str]:
    if not mapping.is_valid():
        return Survey(), "Choose at least one field that holds the text, out of those the file has."
    try:
        return uploads.survey(upload, mapping.as_fields(), labels), ""
    except UnusableFile as error:
        return Survey(), str(error)


def _wishes(visit: Visit, upload: Upload, survey: Survey) -> dict[str, Any]:
    """What the form starts with."""
    return {
        "name": upload.name.rsplit(".", 1)[0].replace("_", " ")[:120],
        "labels": "\n".join(name for name, _ in survey.labels.most_common(intake.MOST_LABELS)),
        "validation": min(100, survey.gold // 2),
        "local_only": visit.project.local_only,
        "embedded_crowd": not visit.project.annotators.filter(kind=Annotator.Kind.MODEL).exists(),
    }


def _start(request: HttpRequest, visit: Visit, upload: Upload, mapping: FieldsForm, form: StartForm) -> str:
    """Start the batch and forget the file; or the sentence that says why not."""
    told = form.cleaned_data
    wishes = Wishes(
        told["name"],
        tuple(told["labels"].splitlines()),
        told["validation"],
        form.budget_microdollars(),
        told["local_only"],
        told["embedded_crowd"],
    )
    try:
        batch = intake.start(visit.project, upload, mapping.as_fields(), wishes, visit.user)
    except (UnusableFile, CrowdError, Refused) as error:
        return upload.told(UnusableFile(str(error)))
    uploads.forget(upload, request.session)
    request.session["started"] = [*request.session.get("started", [])[-9:], batch.pk]
    return ""
