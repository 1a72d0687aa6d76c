"""Addresses: signing in, the pages of the three apps, the sockets of live pages."""

from __future__ import annotations

from django.contrib.auth import views as auth
from django.urls import include, path

from labeling.live.consumers import ProjectConsumer

urlpatterns = [
    path(
        "sign-in/", auth.LoginView.as_view(template_name="sign_in.html", redirect_authenticated_user=True), name="login"
    ),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("", include("labeling.web.urls")),
    path("", include("reviewers.urls")),
    path("", include("fairness.urls")),
]
handler500 = "config.wellformed.fault"
websocket_urlpatterns = [path("ws/projects/<slug:slug>/", ProjectConsumer.as_asgi())]
