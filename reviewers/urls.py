"""Addresses of people at work."""

from __future__ import annotations

from django.urls import path

from reviewers.views import annotate, cases, guide, leaving, mine

urlpatterns = [
    path("p/<slug:slug>/label/", annotate.page, name="annotate"),
    path("p/<slug:slug>/label/<int:assignment>/", annotate.submit, name="annotate_submit"),
    path("p/<slug:slug>/label/undo/", annotate.undo, name="annotate_undo"),
    path("p/<slug:slug>/label/pace/", annotate.pace, name="annotate_pace"),
    path("p/<slug:slug>/label/guide/", guide.page, name="guide"),
    path("p/<slug:slug>/keep/<int:assignment>/", annotate.keep, name="annotate_keep"),
    path("p/<slug:slug>/rest/", annotate.rest, name="annotate_rest"),
    path("p/<slug:slug>/people/<int:member>/remove/", leaving.page, name="member_remove"),
    path("p/<slug:slug>/mine/", mine.page, name="mine"),
    path("p/<slug:slug>/cases/", cases.page, name="cases"),
    path("p/<slug:slug>/cases/<int:assignment>/", cases.settle, name="case_settle"),
    path("p/<slug:slug>/cases/state/", cases.state, name="cases_state"),
]
