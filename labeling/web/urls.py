"""Addresses of projects, batches, tasks and the crowd."""

from __future__ import annotations

from django.urls import path

from labeling.web.views import (
    alarms,
    archives,
    batches,
    certificates,
    crowd,
    imports,
    money,
    people,
    projects,
    settings,
    tasks,
    votes,
)

urlpatterns = [
    path("", projects.projects, name="projects"),
    path("account/", projects.account, name="account"),
    path("new/", projects.new, name="project_new"),
    path("p/<slug:slug>/alarms/<int:alarm>/clear/", alarms.clear, name="alarm_clear"),
    path("p/<slug:slug>/import/", imports.choose, name="import"),
    path("p/<slug:slug>/import/<uuid:upload>/", imports.preview, name="import_preview"),
    path("p/<slug:slug>/batches/<int:batch>/control/", batches.control, name="batch_control"),
    path("p/<slug:slug>/batches/<int:batch>/rows/", batches.rows, name="batch_rows"),
    path("p/<slug:slug>/batches/<int:batch>/rounds/", batches.rounds, name="rounds"),
    path("p/<slug:slug>/batches/<int:batch>/certificate/", certificates.certificate, name="certificate"),
    path(
        "p/<slug:slug>/batches/<int:batch>/certificate/<int:number>.json",
        certificates.certificate_file,
        name="certificate_file",
    ),
    path("p/<slug:slug>/batches/<int:batch>/replay/", batches.replay, name="replay"),
    path("p/<slug:slug>/batches/<int:batch>/methods/", batches.methods, name="batch_methods"),
    path("p/<slug:slug>/batches/<int:batch>/labels.<str:kind>", batches.export, name="batch_export"),
    path("p/<slug:slug>/labels.<str:kind>", batches.export_project, name="project_export"),
    path("p/<slug:slug>/batches/<int:batch>/votes.<str:kind>", votes.export, name="batch_votes"),
    path("p/<slug:slug>/votes.<str:kind>", votes.export_project, name="project_votes"),
    path("p/<slug:slug>/votes/", votes.take_in, name="votes_in"),
    path("p/<slug:slug>/tasks/", tasks.tasks, name="tasks"),
    path("p/<slug:slug>/tasks/<int:task>/", tasks.task, name="task"),
    path("p/<slug:slug>/tasks/<int:task>/mend/", tasks.mend, name="task_mend"),
    path("p/<slug:slug>/crowd/", crowd.crowd, name="crowd"),
    path("p/<slug:slug>/crowd/<int:voter>/", crowd.voter, name="voter"),
    path("p/<slug:slug>/money/", money.money, name="money"),
    path("p/<slug:slug>/money/caps/", money.caps, name="money_caps"),
    path("p/<slug:slug>/money/switch/", money.switch, name="money_switch"),
    path("p/<slug:slug>/money/policy/", money.policy, name="money_policy"),
    path("p/<slug:slug>/money/calls/", money.log, name="money_calls"),
    path("p/<slug:slug>/money/calls/<int:call>/", money.reconcile, name="money_reconcile"),
    path("p/<slug:slug>/money/ledger/", money.entries, name="money_ledger"),
    path("p/<slug:slug>/settings/", settings.settings, name="settings"),
    path("p/<slug:slug>/archive/", archives.archive, name="archive"),
    path("p/<slug:slug>/archive/project/", archives.archive_project, name="project_archive"),
    path("p/<slug:slug>/archive/batches/<int:batch>/", archives.archive_batch, name="batch_archive"),
    path("p/<slug:slug>/archive/voters/<int:voter>/", archives.archive_voter, name="voter_archive"),
    path("p/<slug:slug>/people/", people.people, name="people"),
    path("p/<slug:slug>/people/<int:member>/", people.member, name="member"),
]
