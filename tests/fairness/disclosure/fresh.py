"""The numbers of a datasheet once more, from the tables by plain SQL and sums of its own; no report is asked.

Formulas that other tests hold against references (coefficients, calibration, gaps) are taken from the pure rooms, on
arrays that are put together here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection
from statsmodels.stats.proportion import proportion_confint

from fairness import metrics
from fairness.gaps import Terms
from labeling.truth import agreement, calibration, dawid_skene, majority_vote
from labeling.truth.votes import Votes

Row = dict[str, Any]
STANDS = "NOT EXISTS (SELECT 1 FROM labeling_vote c WHERE c.corrects_id = v.id) AND NOT v.withdrawn"
MACHINES = ("model", "paid")


def rows(sql: str, *values: Any) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_number, row), strict=True)) for row in cursor.fetchall()]


def _number(value: Any) -> Any:
    """PostgreSQL adds integers up to a decimal."""
    return int(value) if isinstance(value, Decimal) else value


def one(sql: str, *values: Any) -> Any:
    return next(iter(rows(sql, *values)[0].values())) or 0


def wilson(part: float, whole: float) -> Row:
    low, high = proportion_confint(part, whole, method="wilson")
    return {"value": part / whole, "low": low, "high": high}


class Fresh:
    """One batch with one question of one label, read anew."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.tasks = rows("SELECT * FROM labeling_task WHERE batch_id = %s ORDER BY position", batch)
        groups = rows("SELECT id, groups FROM labeling_instance WHERE batch_id = %s", batch)
        self.groups = {row["id"]: _json(row["groups"]) for row in groups}
        self.labels = rows(
            "SELECT l.* FROM labeling_label l JOIN labeling_task t ON t.question_id = l.question_id "
            "WHERE t.id = %s ORDER BY l.position",
            self.tasks[0]["id"],
        )
        self.place = {row["id"]: row["position"] for row in self.labels}
        self.votes = rows(
            f"SELECT v.*, a.kind FROM labeling_vote v JOIN labeling_annotator a ON a.id = v.annotator_id "
            f"JOIN labeling_task t ON t.id = v.task_id WHERE t.batch_id = %s AND {STANDS} ORDER BY v.id",
            batch,
        )
        self.decisions = rows(
            "SELECT d.* FROM labeling_decision d JOIN labeling_task t ON t.id = d.task_id "
            "WHERE t.batch_id = %s ORDER BY d.id",
            batch,
        )
        self.now = {row["task_id"]: row for row in self.decisions if row["superseded_at"] is None}
        self.checks = self._checks()

    def _checks(self) -> dict[int, tuple[Row, int, int]]:
        """By task without gold: the decision as it stood, the answer's place, and whose it is."""
        drawn = rows(
            "SELECT e.task_id, e.checks_id, v.label_id, v.annotator_id FROM labeling_escalation e "
            "JOIN labeling_vote v ON v.id = e.vote_id JOIN labeling_task t ON t.id = e.task_id "
            "WHERE t.batch_id = %s AND e.reason = 'audit' AND t.gold_id IS NULL",
            self.batch,
        )
        by_id = {row["id"]: row for row in self.decisions}
        return {
            row["task_id"]: (by_id[row["checks_id"]], self.place[row["label_id"]], row["annotator_id"]) for row in drawn
        }

    def checked(self) -> list[tuple[int, int, int, str, str]]:
        """(task, label, truth or -1, who settled, group) of every settled task outside the slice."""
        found = []
        for task in self.tasks:
            made = self.checks[task["id"]][0] if task["id"] in self.checks else self.now.get(task["id"])
            if task["slice"] == "validation" or made is None:
                continue
            truth = self.place[task["gold_id"]] if task["gold_id"] else -1
            truth = self.checks[task["id"]][1] if task["id"] in self.checks else truth
            group = self.groups[task["instance_id"]].get("Group", "")
            found.append((task["id"], self.place[made["label_id"]], truth, made["decided_by"], group))
        return found

    def weights(self) -> list[float]:
        """Settled tasks that could be checked, by group, over those that were; 1 without a check."""
        found = self.checked()
        could = Counter(group for _, _, truth, by, group in found if by != "expert" or truth >= 0)
        were = Counter(group for _, _, truth, _, group in found if truth >= 0)
        return [could[group] / were[group] if truth >= 0 else 1.0 for _, _, truth, _, group in found]

    def share(self, of: Callable[[tuple[int, int, int, str, str]], bool]) -> Row:
        """The weighted share right among some checks, with Wilson's interval at the effective number of them."""
        mine = [
            (float(row[1] == row[2]), weight)
            for row, weight in zip(self.checked(), self.weights(), strict=True)
            if row[2] >= 0 and of(row)
        ]
        if len(mine) < 30:
            return {}
        x, w = np.array(mine).T
        mean = float(x @ w / w.sum())
        spread = float(((x - mean) ** 2) @ w / w.sum())
        variance = float((((x - mean) * w) ** 2).sum() / w.sum() ** 2)
        n = min(spread / variance if spread else w.sum() ** 2 / (w**2).sum(), len(x))
        return wilson(mean * n, n)

    # ---------------------------------------------------------------- sections

    def instances(self) -> Row:
        batch = rows("SELECT * FROM labeling_batch WHERE id = %s", self.batch)[0]
        told = {name: batch[name] for name in ("rows_read", "rows_new", "rows_duplicate", "rows_bad")}
        sizes = Counter(groups["Group"] for groups in self.groups.values())
        whole = len(self.groups)
        return {
            **told,
            "instances": whole,
            "with_text": whole,
            "with_pictures": 0,
            "local_only": 0,
            "groups": {"Group": dict(sizes)},
        }

    def annotator(self, pk: int) -> Row:
        mine = [row for row in self.votes if row["annotator_id"] == pk]
        silent = sum(row["label_id"] is None and row["marks"] is None for row in mine)
        money = (
            "SELECT SUM({}) FROM labeling_reservation r JOIN labeling_task t ON t.id = r.task_id "
            "WHERE t.batch_id = %s AND r.annotator_id = %s AND r.state {}"
        )
        price = one("SELECT price_microdollars FROM labeling_annotator WHERE id = %s", pk)
        told: Row = {
            "answers": len(mine),
            "refusals": silent,
            "refusal_rate": wilson(silent, len(mine)),
            "seconds_each": float(np.mean([row["seconds"] for row in mine])),
            "tokens_in": sum(row["input_tokens"] for row in mine),
            "tokens_out": sum(row["output_tokens"] for row in mine),
            "spent_usd": one(money.format("r.cost_microdollars", "= 'settled'"), self.batch, pk) / 1e6,
            "held_usd": one(money.format("r.reserved_microdollars", "IN ('held', 'unknown')"), self.batch, pk) / 1e6,
        }
        return told | ({"most_for_one_answer_usd": price / 1e6} if price else {})

    def question(self) -> Row:
        stages = Counter(task["stage"] for task in self.tasks)
        turn = rows("SELECT * FROM labeling_round WHERE batch_id = %s ORDER BY number", self.batch)
        found = self.checked()
        truths = Counter(truth for _, _, truth, _, _ in found if truth >= 0)
        weighed: Counter[int] = Counter()
        for row, weight in zip(found, self.weights(), strict=True):
            weighed[row[2]] += weight if row[2] >= 0 else 0  # type: ignore[assignment]
        common = max(truths, key=lambda place: weighed[place])
        right = {
            "share": self.share(lambda _: True),
            "settled": len(found),
            "checks": sum(row[2] >= 0 for row in found),
            "by_who_settled": {
                by: {"settled": n, "share": self.share(lambda row, by=by: row[3] == by)}  # type: ignore[misc]
                for by, n in Counter(row[3] for row in found).items()
            },
            "always_the_commonest": {"share": weighed[common] / sum(weighed[place] for place in truths)},
        }
        return {
            "number": 1,
            "tasks": len(self.tasks),
            "settled": stages["decided"],
            "open": stages["open"],
            "waiting": stages["waiting"],
            "not_asked": stages["not_asked"],
            "known_from_the_file": sum(task["gold_id"] is not None for task in self.tasks),
            "taught_from": sum(task["slice"] == "validation" for task in self.tasks),
            "drawn_for_a_check": sum(task["check_probability"] is not None for task in self.tasks),
            "aggregation": {"rounds": len(turn), "seed": 0, "parameters": _json(turn[-1]["parameters"])},
            "right": right,
            "cost": self.cost(right),
            "calibration": self.calibration(),
            "agreement": self.agreement(),
            "workers": self.workers(),
            "certificates": self.certificates(),
            "fairness": [self.fairness()],
        }

    def cost(self, right: Row) -> Row:
        spent = (
            one(
                "SELECT SUM(r.cost_microdollars) FROM labeling_reservation r JOIN labeling_task t ON t.id = r.task_id "
                "WHERE t.batch_id = %s AND r.state = 'settled'",
                self.batch,
            )
            / 1e6
        )
        each, share = spent / right["settled"], right["share"]
        per_right = {"value": each / share["value"], "low": each / share["high"], "high": each / share["low"]}
        return {"spent_usd": spent, "per_settled_usd": each, "per_right_usd": per_right}

    def calibration(self) -> Row:
        beliefs = rows(
            "SELECT b.* FROM labeling_belief b JOIN labeling_task t ON t.id = b.task_id WHERE t.batch_id = %s",
            self.batch,
        )
        first: dict[int, int] = {}
        for vote in self.votes:
            if vote["kind"] in ("person", "expert"):
                first.setdefault(vote["task_id"], vote["id"])
        base = {
            row["task_id"]: _json(row["base"])
            for row in beliefs
            if row["base_vote"] < first.get(row["task_id"], row["base_vote"] + 1)
        }
        tasks = sorted((row[0], row[2]) for row in self.checked() if row[2] >= 0 and row[0] in base)
        truth = np.array([true for _, true in tasks], dtype=np.int32)
        votes, order = self._of_models()
        views = {
            "shares_of_votes": majority_vote.infer(votes).belief,
            "dawid_skene_as_it_comes": dawid_skene.infer(votes).belief,
        }
        place = {task: at for at, task in enumerate(order)}
        before = {name: belief[[place[task] for task, _ in tasks]] for name, belief in views.items()}
        after = np.array([base[task] for task, _ in tasks])
        return {
            "checks": len(tasks),
            "after": {"belief": _errors(after, truth)},
            "before": {name: _errors(belief, truth) for name, belief in before.items()},
        }

    def _of_models(self) -> tuple[Votes, list[int]]:
        """Votes of the free models; an abstention is the symbol after the last label."""
        order = [task["id"] for task in self.tasks]
        place = {task: at for at, task in enumerate(order)}
        who = [row["id"] for row in rows("SELECT id FROM labeling_annotator ORDER BY id")]
        mine = [row for row in self.votes if row["kind"] == "model"]
        table = [
            (place[row["task_id"]], who.index(row["annotator_id"]), self.place.get(row["label_id"], len(self.labels)))
            for row in mine
        ]
        task, annotator, label = np.array(table, dtype=np.int32).T
        return Votes(task, annotator, label, len(order), len(who), len(self.labels)), order

    def agreement(self) -> Row:
        people, models = self._coefficients(("person",)), self._coefficients(MACHINES)
        names = ("raw", "alpha", "ac1", "fleiss")
        measures = [{"people": _of(getattr(people, name)), "models": _of(getattr(models, name))} for name in names]
        return {"tasks_people_share": people.tasks, "tasks_models_share": models.tasks, "measures": measures}

    def _coefficients(self, kinds: tuple[str, ...]) -> Any:
        """Of annotators of some kinds; tasks in the order of the first vote of anybody."""
        told = [row for row in self.votes if row["label_id"] is not None]
        order = {task: at for at, task in enumerate(dict.fromkeys(row["task_id"] for row in told))}
        who = [row["id"] for row in rows("SELECT id FROM labeling_annotator ORDER BY id")]
        table = [
            (order[row["task_id"]], who.index(row["annotator_id"]), self.place[row["label_id"]])
            for row in told
            if row["kind"] in kinds
        ]
        task, annotator, label = np.array(table, dtype=np.int32).reshape(-1, 3).T
        return agreement.summarise(Votes(task, annotator, label, len(order), len(who), len(self.labels)))

    def workers(self) -> list[Row]:
        truth = {task["id"]: self.place[task["gold_id"]] for task in self.tasks if task["gold_id"]}
        found = {task: answer for task, (_, answer, _) in self.checks.items()}
        out = []
        for pk in sorted({row["annotator_id"] for row in self.votes}):
            mine = [
                (truth.get(row["task_id"], found.get(row["task_id"])), self.place[row["label_id"]])
                for row in self.votes
                if row["annotator_id"] == pk
                and row["label_id"]
                and (row["task_id"] in truth or row["task_id"] in found)
                and self.checks.get(row["task_id"], (0, 0, 0))[2] != pk
            ]
            if mine:
                out.append(self._worker(mine))
        return out

    def _worker(self, mine: list[tuple[Any, int]]) -> Row:
        cells, totals = Counter(mine), Counter(true for true, _ in mine)
        right = sum(true == said for true, said in mine)
        return {
            "known": len(mine),
            "right": right,
            "share_right": wilson(right, len(mine)),
            "confusion": [
                {"count": n, "of": totals[true], "rate": wilson(n, totals[true])}
                for (true, _), n in sorted(cells.items())
            ],
        }

    def certificates(self) -> list[Row]:
        names = {"m": "checks", "x": "errors", "released": "accepted", "bound_as_all_stands": "stands"}
        names |= {name: name for name in ("alpha", "delta", "total", "threshold", "bound")}
        names |= {"number": "id", "further_checks": "further"}
        found = rows("SELECT * FROM labeling_certificate WHERE batch_id = %s ORDER BY id", self.batch)
        who = [{"checks": n} for n in Counter(who for _, _, who in self.checks.values()).values()]
        return [
            {told: row[column] for told, column in names.items() if row[column] is not None} | {"relative_to": who}
            for row in found
        ]

    def fairness(self) -> Row:
        found = self.checked()
        names = tuple(sorted({row[4] for row in found}))
        group = np.array([names.index(row[4]) for row in found], dtype=np.int32)
        label, truth = (np.array([row[at] for row in found], dtype=np.int32) for at in (1, 2))
        weight = np.array(self.weights())
        weights = None if np.allclose(weight[truth >= 0], weight[truth >= 0][0]) else weight
        parts = tuple(
            metrics.Labeled(
                (label == place).astype(np.int8),
                group,
                np.where(truth >= 0, truth == place, -1).astype(np.int8),
                ("no", "yes"),
                names,
                weights,
            )
            for place in range(len(self.labels))
        )
        whole = metrics.Labeled(
            np.where(truth >= 0, label == truth, 1).astype(np.int8),
            group,
            np.where(truth >= 0, 1, -1).astype(np.int8),
            ("wrong", "right"),
            names,
            weights,
        )
        traits = tuple(row["name"] for row in self.labels)
        return {"table": metrics.parts_table(parts, traits, whole, Terms(draws=2000, seed=0)), "names": names}

    def cooperation(self) -> Row:
        people = {row["task_id"] for row in self.votes if row["kind"] in ("person", "expert")}
        by = Counter(row["decided_by"] for row in self.now.values())
        led = Counter(
            "human" if row["decided_by"] in ("person", "expert") else "equal" if task in people else "model"
            for task, row in self.now.items()
        )
        handed = rows(
            "SELECT e.task_id, e.to, e.reason FROM labeling_escalation e JOIN labeling_task t ON t.id = e.task_id "
            "WHERE t.batch_id = %s AND e.reason <> 'audit' AND e.to IN ('person', 'expert') ORDER BY e.id DESC".replace(
                "e.to", 'e."to"'
            ),
            self.batch,
        )
        first = {row["task_id"]: row for row in handed}
        return {
            "tasks": len(self.tasks),
            "led_by": dict(led),
            "decided_by": dict(by),
            "undecided": len(self.tasks) - len(self.now),
            "handed_over": len(first),
            "handed_over_to": dict(Counter(row["to"] for row in first.values())),
            "handed_over_because": {"the crowd is torn": len(first)},
        }

    def events(self) -> Row:
        project = rows("SELECT p.* FROM labeling_project p JOIN labeling_batch b ON b.project_id = p.id")[0]
        alarms = rows("SELECT * FROM labeling_alarm WHERE batch_id = %s", self.batch)
        below = [
            row
            for row in self.now.values()
            if row["decided_by"] in ("crowd", "paid") and row["confidence"] < project["accept_confidence"]
        ]
        believed = {row["task_id"]: row["label_id"] for row in rows("SELECT * FROM labeling_belief")}
        against = [
            row
            for task, row in self.now.items()
            if row["decided_by"] in ("person", "expert") and believed[task] != row["label_id"]
        ]
        return {
            "alarms": [
                {"evidence": row["evidence"], "alarm_at": row["threshold"], "gap": row["gap"]} for row in alarms
            ],
            "accepted_from": project["accept_confidence"],
            "accepted_below_the_line": len(below),
            "superseded_decisions_by_who_made_them": dict(
                Counter(row["decided_by"] for row in self.decisions if row["superseded_at"] is not None)
            ),
            "last_word_differs_from_the_votes": len(against),
        }

    def money(self) -> Row:
        purse = rows("SELECT * FROM labeling_purse WHERE batch_id = %s", self.batch)[0]
        entries = rows("SELECT * FROM labeling_ledgerentry WHERE purse_id = %s", purse["id"])
        columns = {"cap": "cap", "spent": "spent", "held": "held", "overdrawn": "overdrawn"}
        kinds = Counter(row["kind"] for row in self.votes)
        spent, held = (self._by_kind(states) for states in ("= 'settled'", "IN ('held', 'unknown')"))
        return {
            **{f"{name}_usd": purse[f"{column}_microdollars"] / 1e6 for name, column in columns.items()},
            "outcome_unknown": one("SELECT COUNT(*) FROM labeling_reservation WHERE state = 'unknown'"),
            "movements": len({row["transaction"] for row in entries}),
            "entries_sum_usd": sum(row["microdollars"] for row in entries) / 1e6,
            "tokens_in": sum(row["input_tokens"] for row in self.votes),
            "tokens_out": sum(row["output_tokens"] for row in self.votes),
            "by_kind": {
                kind: {"answers": n, "spent_usd": spent.get(kind, 0), "held_usd": held.get(kind, 0)}
                for kind, n in kinds.items()
            },
        }

    def _by_kind(self, states: str) -> dict[str, float]:
        column = "cost" if "settled" in states else "reserved"
        found = rows(
            f"SELECT a.kind, SUM(r.{column}_microdollars) AS sum FROM labeling_reservation r "
            f"JOIN labeling_annotator a ON a.id = r.annotator_id WHERE r.state {states} GROUP BY a.kind"
        )
        return {row["kind"]: row["sum"] / 1e6 for row in found}


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _errors(belief: Any, truth: Any) -> Row:
    error = calibration.expected_calibration_error(belief, truth, bins=10)
    square = float(((belief - np.eye(belief.shape[1])[truth]) ** 2).sum(axis=1).mean())
    return {"expected_calibration_error": error, "brier": square}


def _of(found: Any) -> Row:
    if found.value is None or found.low is None:
        return {}
    return {"value": found.value, "low": found.low, "high": found.high}
