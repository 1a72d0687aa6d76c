"""From a file to a batch: choose, look, start."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from labeling import known
from labeling.crowd.errors import CrowdError
from labeling.files import guesses, known_answers, surveys, uploads
from labeling.files.delimiters import DELIMITERS
from labeling.files.own_labels import IMAGES, is_labels
from labeling.files.picture_store import SMALL_TYPE
from labeling.files.pictures import UnusablePicture, thumbnail
from labeling.files.row_pictures import source_at
from labeling.files.rows import LISTS
from labeling.files.surveys import Survey
from labeling.files.tables import UnusableFile
from labeling.files.uploads import Upload
from labeling.managing import intake, label_sets
from labeling.managing.intake import Wishes
from labeling.models import Annotator, Label
from labeling.money.ledger import Refused
from labeling.people.access import Role, Visit, enter
from labeling.web.import_forms import FieldsForm, StartForm, UploadForm, VotesForm
from labeling.web.pages import show

NO_TEXT = "Choose at least one field that holds the text or a picture, out of those the file has."


@dataclass(frozen=True, slots=True)
class Look:
    """A file as its mapping reads it. `there`, `clashes`: of the first rows, how many the project has already, and how
    many have the id of another text in it."""

    mapping: FieldsForm
    survey: Survey
    error: str
    labels: list[Label]
    delimiter: str
    there: int = 0
    clashes: int = 0

    @property
    def cut_by(self) -> str:
        """What stands between the fields of a CSV, in words."""
        return DELIMITERS.get(self.delimiter, "")

    @property
    def known(self) -> list[tuple[int, int]]:
        """How many rows have a known answer to each question, where answers are not one label alone."""
        counts = dict(self.survey.known)
        if counts and self.survey.labels:
            counts[1] = sum(self.survey.labels.values())
        return sorted(counts.items())

    @property
    def offered(self) -> str:
        """The labels that the known ones suggest, one on each line."""
        names = [name for name, _ in self.survey.labels.most_common(label_sets.MOST_LABELS)]
        return "\n".join(names or self.survey.offered)

    @property
    def offered_validation(self) -> int:
        return min(100, self.survey.gold // 2)


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a file; it is kept for a day and looked at, nothing is written yet."""
    visit = enter(request, slug, Role.MANAGER)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            upload = uploads.keep(told["file"], visit.project.pk, request.session, told["pictures"])
            return redirect("import_preview", visit.project.slug, upload.token)
        except UnusableFile as error:
            form.add_error("file", str(error))
    status = 422 if form.errors else 200
    return show(
        request,
        "labeling/imports/import.html",
        {"visit": visit, "here": "overview", "form": form, "votes": VotesForm()},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, slug: str, upload: uuid.UUID) -> HttpResponse:
    """Look at the first rows, choose the fields, start the batch with what is chosen."""
    visit = enter(request, slug, Role.MANAGER)
    batch = intake.started(visit.project, str(upload))
    if batch is not None:
        return redirect(batch)
    found = uploads.find(str(upload), visit.project.pk, request.session)
    if found is None:
        messages.error(request, "That file is not here any more; choose it again.")
        return redirect("import", visit.project.slug)
    look = _look(request, visit, found)
    starts = request.method == "POST" and request.POST.get("act") != "look" and not _cut_anew(request)
    form = StartForm(_with_offers(request, look) if starts else None, initial=_wishes(request, visit, found, look))
    error = look.error
    if starts and not error and form.is_valid():
        try:
            return redirect(_start(request, visit, found, look, form))
        except (UnusableFile, CrowdError, Refused) as refusal:
            error = found.told(UnusableFile(str(refusal)))
    context = {
        "visit": visit,
        "here": "overview",
        "upload": found,
        "look": look,
        "error": error,
        "form": form,
        "known_before": known.tasks(visit.project.pk).count(),
        "voters": visit.project.annotators.crowd().filter(paused_at=None).count(),
        "paid": visit.project.annotators.paid().filter(paused_at=None).count(),
        "outside": visit.project.annotators.filter(outside=True, paused_at=None),
    }
    refused = (error or form.errors) and (starts or request.method != "POST")
    return show(request, "labeling/imports/preview.html", context, status=422 if refused else 200)


@require_safe
def preview_picture(request: HttpRequest, slug: str, upload: uuid.UUID) -> HttpResponse:
    """A picture of a file that is looked at, small; nothing is kept."""
    visit = enter(request, slug, Role.MANAGER)
    found = uploads.find(str(upload), visit.project.pk, request.session)
    if found is None or not found.packed:
        raise Http404("That file is not here any more.")
    try:
        with source_at(str(found.pictures), found.beside) as source:
            assert source is not None
            small = thumbnail(source.read(request.GET.get("path", "")))
    except (UnusablePicture, UnusableFile) as error:
        raise Http404(str(error)) from error
    return HttpResponse(small, content_type=SMALL_TYPE, headers={"Cache-Control": "private, max-age=600"})


def _cut_anew(request: HttpRequest) -> bool:
    """Whether another delimiter was chosen than the one under which the fields on the page were found."""
    return "cut" in request.POST and request.POST["cut"] != request.POST.get("delimiter", "")


def _look(request: HttpRequest, visit: Visit, upload: Upload) -> Look:
    """The fields as chosen, else as names and contents suggest, and what the rows hold under them."""
    told = request.POST if request.method == "POST" else request.GET
    wished = told.get("delimiter", "")
    labels = visit.project.label_list()
    count = visit.project.questions.count()
    try:
        delimiter = upload.form(wished if wished in DELIMITERS else "").delimiter
        names = upload.field_names(delimiter)
    except UnusableFile as error:
        return Look(FieldsForm({}, names=[]), Survey(), str(error), labels, wished)
    own = is_labels(names) and IMAGES in names
    if ("text" in told or "images" in told or "act" in told) and not _cut_anew(request):
        mapping = FieldsForm(
            {"same_id": "skip", **told.dict(), **_lists(told), "delimiter": delimiter},
            names=names,
            pictures=upload.packed or own,
            questions=count,
        )
    else:
        allowed = [label.name for label in labels]
        fields = guesses.guess(
            *(str(upload.path), names, visit.project.group_name, delimiter, allowed),
            with_pictures=upload.packed,
            questions=count,
        )
        mapping = FieldsForm(FieldsForm.data_of(fields), names=names, pictures=upload.packed or own, questions=count)
    survey, wrong = _survey(visit, upload, mapping, [label.name for label in labels])
    there, clashes = intake.already_there(visit.project, survey.keys)
    return Look(mapping, survey, wrong, labels, delimiter, there, clashes)


def _lists(told: Any) -> dict[str, list[str]]:
    return {name: told.getlist(name) for name in LISTS}


def _survey(visit: Visit, upload: Upload, mapping: FieldsForm, labels: list[str]) -> tuple[Survey, str]:
    if not mapping.is_valid():
        others = [str(error) for name, errors in mapping.errors.items() if name != "text" for error in errors]
        return Survey(), NO_TEXT if "text" in mapping.errors else others[0]
    try:
        fields = upload.placed(mapping.as_fields())
        names = labels or known_answers.label_names(visit.project, str(upload.path), fields)
        survey = surveys.survey(upload, fields, labels, known_answers.readers(visit.project, fields, names))
        if not labels and not survey.labels:
            survey.offered = names
        return survey, ""
    except UnusableFile as error:
        return Survey(), str(error)


def _wishes(request: HttpRequest, visit: Visit, upload: Upload, look: Look) -> dict[str, Any]:
    """What the form starts with: what was written so far, else what the file suggests."""
    start = {
        "name": upload.name.rsplit(".", 1)[0].replace("_", " ")[:120],
        "labels": look.offered,
        "validation": look.offered_validation,
        "budget": 0,
        "local_only": visit.project.local_only,
        "embedded_crowd": not visit.project.annotators.filter(kind=Annotator.Kind.MODEL).exists(),
    }
    if request.method != "POST":
        return start
    told = _with_offers(request, look)
    checks = {name: name in told for name in ("local_only", "embedded_crowd")}
    return start | {name: told[name] for name in ("name", "labels", "validation", "budget") if name in told} | checks


def _with_offers(request: HttpRequest, look: Look) -> dict[str, Any]:
    """What was sent, with the suggestions of the fields chosen now where those of before were left as they were."""
    told: dict[str, Any] = request.POST.dict()
    for name, offer in (("labels", look.offered), ("validation", str(look.offered_validation))):
        before = told.get(f"offered_{name}")
        if before is not None and told.get(name, "").split() == before.split():
            told[name] = offer
    return told


def _start(request: HttpRequest, visit: Visit, upload: Upload, look: Look, form: StartForm) -> Any:
    """Start the batch and forget the file. Raises UnusableFile, CrowdError or Refused."""
    told = form.cleaned_data
    wishes = Wishes(
        told["name"],
        tuple(told["labels"].splitlines()),
        told["validation"],
        form.budget_microdollars(),
        told["local_only"],
        told["embedded_crowd"],
    )
    batch = intake.start(visit.project, upload, upload.placed(look.mapping.as_fields()), wishes, visit.user)
    uploads.forget(upload, request.session)
    return batch
