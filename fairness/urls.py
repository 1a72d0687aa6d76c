"""Addresses of the pages of numbers."""

from __future__ import annotations

from django.urls import path

from fairness import views
from fairness.agreement import views as agreement
from fairness.audit import views as audit
from fairness.disclosure import views as disclosure
from fairness.estimates import views as estimates
from fairness.mitigation import views as mitigation
from fairness.own_groups import views as own_groups
from fairness.watches import views as watches

urlpatterns = [
    path("p/<slug:slug>/", views.project, name="project"),
    path("p/<slug:slug>/batches/<int:batch>/", views.batch, name="batch"),
    path("p/<slug:slug>/batches/<int:batch>/datasheet/", disclosure.datasheet, name="datasheet"),
    path("p/<slug:slug>/batches/<int:batch>/datasheet/file/", disclosure.download, name="datasheet_file"),
    path("p/<slug:slug>/about-data/", disclosure.about_data, name="about_data"),
    path("p/<slug:slug>/batches/<int:batch>/checks/", views.check_more, name="check_more"),
    path("p/<slug:slug>/batches/<int:batch>/estimates/", estimates.estimates, name="estimates"),
    path("p/<slug:slug>/batches/<int:batch>/agreement/", agreement.agreement, name="agreement"),
    path("p/<slug:slug>/batches/<int:batch>/mitigation/", mitigation.mitigation, name="mitigation"),
    path("p/<slug:slug>/batches/<int:batch>/mitigation/policy/", mitigation.policy_file, name="policy_file"),
    path("p/<slug:slug>/about-me/", own_groups.about_me, name="about_me"),
    path("p/<slug:slug>/people-groups/", own_groups.people_groups, name="people_groups"),
    path("p/<slug:slug>/lineup/", audit.lineup, name="lineup"),
    path("p/<slug:slug>/audits/", audit.audits, name="audits"),
    path("p/<slug:slug>/audits/<int:audit>/", audit.audit, name="audit"),
    path("p/<slug:slug>/batches/<int:batch>/watch/", watches.watch, name="watch"),
    path("p/<slug:slug>/alarms/<int:alarm>/answer/", watches.answer, name="alarm_answer"),
]
