"""Two pages: where people say what they like of themselves, and where managers ask and read sums."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from fairness.models import OwnGroup, PeopleAttribute
from fairness.own_groups import sums
from labeling.models.grouping import Grouping
from labeling.models.keys import whole
from labeling.people.access import Role, Visit, enter
from labeling.web.once import once
from labeling.web.pages import show
from labeling.web.questions import asked

MOST, MOST_OPTIONS = 8, 20


@require_http_methods(["GET", "HEAD", "POST"])
def about_me(request: HttpRequest, slug: str) -> HttpResponse:
    """What a member says of themselves; each answer may be left out, changed and taken back."""
    visit = enter(request, slug)
    wanted = list(PeopleAttribute.objects.filter(project=visit.project))
    if request.method == "POST":
        _save(visit, wanted, request)
        messages.success(request, "Kept. Only sums of ten people or more are ever shown.")
        return redirect("about_me", slug)
    mine = dict(
        OwnGroup.objects.filter(attribute__in=wanted, membership=visit.membership).values_list("attribute_id", "value")
    )
    rows = [(one, mine.get(one.pk, "")) for one in wanted]
    return show(request, "fairness/about_me.html", {"visit": visit, "here": "annotate", "rows": rows})


@transaction.atomic
def _save(visit: Visit, wanted: list[PeopleAttribute], request: HttpRequest) -> None:
    """An answer that is among the options is kept, any other one is taken back."""
    for one in wanted:
        value = request.POST.get(f"attribute-{one.pk}", "")
        if value in one.options:
            OwnGroup.objects.update_or_create(attribute=one, membership=visit.membership, defaults={"value": value})
        else:
            OwnGroup.objects.filter(attribute=one, membership=visit.membership).delete()


@require_http_methods(["GET", "HEAD", "POST"])
@once
def people_groups(request: HttpRequest, slug: str) -> HttpResponse:
    """What people are asked about themselves, and how large groups of them differ on groups of tasks."""
    visit = enter(request, slug, Role.MANAGER)
    if request.method == "POST":
        refusal = _change(visit, request)
        if refusal:
            messages.error(request, refusal)
        return redirect("people_groups", slug)
    about, grouped = asked(visit.project, request), Grouping.of(visit.project, request.GET.get("by", ""))
    labels = [label.name for label in about.question.label_list()] if about.question.votes_are_enough else []
    label = request.GET.get("label", "")
    label = label if label in labels else labels[0] if labels else ""
    wanted = PeopleAttribute.objects.filter(project=visit.project)
    context = {
        "visit": visit,
        "here": "crowd",
        "asked": about,
        "manages": True,
        "grouping": grouped,
        "labels": labels,
        "label": label,
        "sums": [sums.of(one, about.question, grouped.by, label) for one in wanted],
    }
    return show(request, "fairness/people_groups.html", context)


def _change(visit: Visit, request: HttpRequest) -> str:
    """Ask about one thing more, or no longer; why not, or nothing."""
    mine = PeopleAttribute.objects.filter(project=visit.project)
    if request.POST.get("act") == "remove":
        mine.filter(pk=whole(request.POST.get("attribute", "")) or 0).delete()
        return ""
    name = request.POST.get("name", "").strip()[:60]
    options = list(dict.fromkeys(part.strip()[:60] for part in request.POST.get("options", "").split(",")))
    options = [part for part in options if part]
    if not name or not 2 <= len(options) <= MOST_OPTIONS:
        return f"Give what you ask for a name, and 2 to {MOST_OPTIONS} groups with commas between."
    if mine.filter(name__iexact=name).exists():
        return f"People are asked for {name} already; stop asking first."
    if mine.count() >= MOST:
        return f"People are asked for {MOST} things already; stop asking for one of them first."
    PeopleAttribute.objects.create(project=visit.project, name=name, options=options)
    return ""
