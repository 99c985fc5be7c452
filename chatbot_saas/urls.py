"""Every address of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from accounts import views as accounts
from chat import loader
from chat import views as chat
from chatbot_saas import health, pages
from knowledge import api as knowledge

urlpatterns = [
    # Visitors
    path("widget.js", loader.widget_js, name="widget_js"),
    path("api/widget/session", chat.session, name="widget_session"),
    path("api/chat", chat.ask, name="chat"),
    # Clients' programs
    path("api/documents", knowledge.documents, name="documents"),
    path("api/documents/<str:public_id>", knowledge.document, name="document"),
    path("api/search", knowledge.search, name="search"),
    # Pages
    path("", pages.landing, name="landing"),
    path("demo/", pages.demo, name="demo"),
    path("demo/help/<slug:article>/", pages.demo_article, name="demo_article"),
    path("app/", pages.overview, name="overview"),
    path("accounts/login/", accounts.login, name="login"),
    path("accounts/logout/", accounts.logout, name="logout"),
    path("admin/", admin.site.urls),
    # The operator
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler404 = "chatbot_saas.pages.not_found"
handler500 = "chatbot_saas.pages.server_error"
