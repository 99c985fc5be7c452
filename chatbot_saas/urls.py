"""Every address of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from accounts.views import (
    api_keys,
    audit,
    company,
    invitations,
    key_links,
    members,
    security,
    sessions,
)
from billing import orders, webhook
from billing import views as billing
from chat import hosted, loader
from chat import views as chat
from chat.dashboard import analytics, conversations, playground, retrieval, widget
from chat.dashboard import documents as document_pages
from chatbot_saas import csp_reports, health, pages
from chatbot_saas.data import views as data
from knowledge import api as knowledge_api
from knowledge import direct_api, faqs_api, websites_api
from knowledge import faq_views as faqs
from knowledge import search_model_views as search_models
from knowledge import views as knowledge
from knowledge import website_views as websites

visitors = [
    path("widget.js", loader.widget_js, name="widget_js"),
    path("api/widget/session", chat.session, name="widget_session"),
    path("api/chat", chat.ask, name="chat"),
    path("c/<str:public_id>/", hosted.hosted_chat, name="hosted_chat"),
    path("c/<str:public_id>/preview/", hosted.hosted_preview, name="hosted_preview"),
]

programs = [
    path("api/documents", knowledge_api.documents, name="documents"),
    path("api/documents/<str:public_id>", knowledge_api.document, name="document"),
    path("api/uploads", direct_api.direct_uploads, name="direct_uploads"),
    path("api/uploads/<str:public_id>", direct_api.direct_upload, name="direct_upload"),
    path("api/uploads/<str:public_id>/finish", direct_api.finish_upload, name="finish_upload"),
    path(
        "api/documents/<str:public_id>/sync", knowledge_api.sync_document, name="document_sync_api"
    ),
    path("api/pages", websites_api.website_list, name="website_list"),
    path("api/pages/<str:public_id>", websites_api.website, name="website_api"),
    path("api/pages/<str:public_id>/sync", websites_api.sync_website, name="website_sync_api"),
    path("api/pages/<str:public_id>/stop", websites_api.stop_website, name="website_stop_api"),
    path("api/faqs", faqs_api.faq_list, name="faq_list"),
    path("api/faqs/<str:public_id>", faqs_api.faq, name="faq_api"),
    path("api/search", knowledge_api.search, name="search"),
    path("api/resend-api-key", key_links.resend_api_key, name="resend_api_key"),
]

site = [
    path("", pages.landing, name="landing"),
    path("pricing/", billing.pricing, name="pricing"),
    path("demo/", pages.demo, name="demo"),
    path("demo/help/<slug:article>/", pages.demo_article, name="demo_article"),
]

people = [
    path("accounts/invitation/<str:token>/", invitations.invitation, name="invitation"),
    path("accounts/key-link/<str:token>/", key_links.key_link, name="key_link"),
    # In the place of allauth's own list, under its name.
    path("accounts/sessions/", sessions.session_list, name="usersessions_list"),
    path("accounts/sessions/end/", sessions.end_session, name="end_session"),
    path("accounts/", include("allauth.urls")),
    path("app/start/", pages.start, name="start"),
    path("app/start/join/<str:public_id>/", pages.join, name="join"),
    path("app/switch/", company.switch_client, name="switch_client"),
]

dashboard = [
    path("app/", pages.overview, name="overview"),
    path("app/knowledge/", knowledge.knowledge, name="knowledge"),
    path("app/knowledge/upload/", knowledge.upload_sources, name="upload_sources"),
    path("app/knowledge/write/", knowledge.write_source, name="write_source"),
    path("app/knowledge/model/", search_models.models, name="search_models"),
    path(
        "app/knowledge/model/<str:public_id>/change/",
        search_models.change_model,
        name="change_model",
    ),
    path("app/knowledge/model/<str:public_id>/keep/", search_models.keep_model, name="keep_model"),
    path("app/knowledge/faqs/", faqs.faqs, name="faqs"),
    path("app/knowledge/faqs/new/", faqs.add_faq, name="add_faq"),
    path("app/knowledge/faqs/csv/", faqs.export_faqs, name="export_faqs"),
    path("app/knowledge/faqs/import/", faqs.import_faqs, name="import_faqs"),
    path("app/knowledge/faqs/<str:public_id>/", faqs.faq, name="faq"),
    path("app/knowledge/faqs/<str:public_id>/save/", faqs.save_faq, name="save_faq"),
    path("app/knowledge/faqs/<str:public_id>/retry/", faqs.retry_faq, name="retry_faq"),
    path("app/knowledge/faqs/<str:public_id>/delete/", faqs.delete_faq, name="delete_faq"),
    path("app/knowledge/websites/add/", websites.add_website, name="add_website"),
    path("app/knowledge/websites/<str:public_id>/", websites.website, name="website"),
    path(
        "app/knowledge/websites/<str:public_id>/take/", websites.take_website, name="take_website"
    ),
    path(
        "app/knowledge/websites/<str:public_id>/stop/", websites.stop_website, name="stop_website"
    ),
    path(
        "app/knowledge/websites/<str:public_id>/sync/", websites.sync_website, name="sync_website"
    ),
    path(
        "app/knowledge/websites/<str:public_id>/delete/",
        websites.delete_website,
        name="delete_website",
    ),
    path("app/knowledge/search/", retrieval.retrieval, name="retrieval"),
    path("app/knowledge/<str:public_id>/", document_pages.source, name="source"),
    path("app/knowledge/<str:public_id>/replace/", knowledge.replace_source, name="replace_source"),
    path("app/knowledge/<str:public_id>/retry/", knowledge.retry_source, name="retry_source"),
    path("app/knowledge/<str:public_id>/delete/", knowledge.delete_source, name="delete_source"),
    path("app/playground/", playground.playground, name="playground"),
    path("app/playground/ask", playground.ask, name="playground_ask"),
    path("app/widget/", widget.widget, name="widget"),
    path("app/widget/save/", widget.save_widget, name="save_widget"),
    path("app/widget/allow/", widget.allow_website, name="allow_website"),
    path("app/conversations/", conversations.conversations, name="conversations"),
    path("app/conversations/<str:public_id>/", conversations.conversation, name="conversation"),
    path(
        "app/conversations/<str:public_id>/delete/",
        conversations.delete_conversation,
        name="delete_conversation",
    ),
    path("app/analytics/", analytics.analytics, name="analytics"),
    path("app/analytics/csv/", analytics.analytics_csv, name="analytics_csv"),
    path("app/billing/", billing.billing, name="billing"),
    path("app/billing/return/", billing.billing_return, name="billing_return"),
    path("app/billing/waiting/", billing.billing_waiting, name="billing_waiting"),
    path("app/billing/buy/", orders.buy, name="billing_buy"),
    path("app/billing/change/", orders.change_plan, name="billing_change"),
    path("app/billing/keep/", orders.keep_plan, name="billing_keep"),
    path("app/billing/cancel/", orders.cancel, name="billing_cancel"),
    path("app/billing/resume/", orders.resume, name="billing_resume"),
    path("app/billing/portal/", orders.portal, name="billing_portal"),
    path("app/billing/overage/", orders.set_overage, name="billing_overage"),
]

settings = [
    path("app/settings/", company.settings, name="settings"),
    path("app/settings/company/", company.company, name="company"),
    path("app/settings/company/save/", company.change_company, name="change_company"),
    path("app/settings/members/", members.members, name="members"),
    path("app/settings/members/invite/", invitations.invite, name="invite"),
    path("app/settings/members/leave/", members.leave, name="leave"),
    path("app/settings/members/<str:public_id>/", members.member, name="member"),
    path(
        "app/settings/members/<str:public_id>/remove/", members.remove_member, name="remove_member"
    ),
    path("app/settings/members/<str:public_id>/hand-over/", members.hand_over, name="hand_over"),
    path(
        "app/settings/invitations/<str:public_id>/again/",
        invitations.send_invitation_again,
        name="send_invitation_again",
    ),
    path(
        "app/settings/invitations/<str:public_id>/revoke/",
        invitations.revoke_invitation,
        name="revoke_invitation",
    ),
    path("app/settings/keys/", api_keys.api_keys, name="api_keys"),
    path("app/settings/keys/<str:public_id>/rotate/", api_keys.rotate_key, name="rotate_key"),
    path("app/settings/keys/<str:public_id>/revoke/", api_keys.revoke_key, name="revoke_key"),
    path("app/settings/account/", security.security, name="security"),
    path("app/settings/account/name/", security.save_name, name="save_name"),
    path("app/settings/audit/", audit.audit_log, name="audit_log"),
    path("app/settings/audit/csv/", audit.audit_csv, name="audit_csv"),
    path("app/settings/data/", data.data, name="data"),
    path("app/settings/data/retention/", data.set_retention, name="set_retention"),
    path("app/settings/data/export/", data.start_export, name="start_export"),
    path("app/settings/data/exports/<str:public_id>/", data.download_export, name="export"),
    path("app/settings/data/close/", data.close_client, name="close_client"),
    path("app/settings/data/keep/", data.keep_client, name="keep_client"),
]

staff = [
    path("admin/", admin.site.urls),
    path("hijack/", include("hijack.urls")),
]

operator = [
    path("api/webhooks/stripe", webhook.stripe_webhook, name="stripe_webhook"),
    path("csp-report", csp_reports.csp_report, name="csp_report"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

urlpatterns = [
    *visitors,
    *programs,
    *site,
    *people,
    *dashboard,
    *settings,
    *staff,
    *operator,
]

handler403 = "chatbot_saas.pages.forbidden"
handler404 = "chatbot_saas.pages.not_found"
handler500 = "chatbot_saas.pages.server_error"
