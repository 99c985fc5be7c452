"""Whom each address is for, said here and not read from the views: a decorator that was chosen
badly would otherwise be its own judge (tests/test_tenancy.py compares the two).

A new address gets a line in one of these tables.
"""

from __future__ import annotations

from accounts.roles import Act

# Pages of members, and what a role must allow before one is shown.
ACTS: dict[str, Act] = {
    "overview": Act.VIEW,
    "knowledge": Act.VIEW,
    "upload_sources": Act.EDIT_KNOWLEDGE,
    "write_source": Act.EDIT_KNOWLEDGE,
    "source": Act.VIEW,
    "retrieval": Act.EDIT_KNOWLEDGE,
    "replace_source": Act.EDIT_KNOWLEDGE,
    "retry_source": Act.EDIT_KNOWLEDGE,
    "delete_source": Act.EDIT_KNOWLEDGE,
    "add_website": Act.EDIT_KNOWLEDGE,
    "website": Act.VIEW,
    "take_website": Act.EDIT_KNOWLEDGE,
    "stop_website": Act.EDIT_KNOWLEDGE,
    "sync_website": Act.EDIT_KNOWLEDGE,
    "delete_website": Act.EDIT_KNOWLEDGE,
    "search_models": Act.CHOOSE_MODEL,
    "change_model": Act.CHOOSE_MODEL,
    "keep_model": Act.CHOOSE_MODEL,
    "playground": Act.TRY,
    "playground_ask": Act.TRY,
    "widget": Act.VIEW,
    "save_widget": Act.EDIT_WIDGET,
    "allow_website": Act.EDIT_WIDGET,
    "conversations": Act.VIEW,
    "conversation": Act.VIEW,
    "delete_conversation": Act.DELETE_CONVERSATIONS,
    "analytics": Act.VIEW,
    "analytics_csv": Act.VIEW,
    "billing": Act.VIEW,
    "billing_return": Act.MANAGE_BILLING,
    "billing_waiting": Act.MANAGE_BILLING,
    "billing_buy": Act.MANAGE_BILLING,
    "billing_change": Act.MANAGE_BILLING,
    "billing_keep": Act.MANAGE_BILLING,
    "billing_cancel": Act.MANAGE_BILLING,
    "billing_resume": Act.MANAGE_BILLING,
    "billing_portal": Act.MANAGE_BILLING,
    "billing_overage": Act.MANAGE_BILLING,
    "settings": Act.VIEW,
    "company": Act.VIEW,
    "change_company": Act.EDIT_COMPANY,
    "members": Act.VIEW,
    "invite": Act.MANAGE_MEMBERS,
    "leave": Act.VIEW,
    "member": Act.MANAGE_MEMBERS,
    "remove_member": Act.MANAGE_MEMBERS,
    "hand_over": Act.MANAGE_OWNERS,
    "send_invitation_again": Act.MANAGE_MEMBERS,
    "revoke_invitation": Act.MANAGE_MEMBERS,
    "api_keys": Act.MANAGE_KEYS,
    "rotate_key": Act.MANAGE_KEYS,
    "revoke_key": Act.MANAGE_KEYS,
    "security": Act.VIEW,
    "save_name": Act.VIEW,
    "audit_log": Act.SEE_AUDIT,
    "audit_csv": Act.SEE_AUDIT,
    "data": Act.MANAGE_DATA,
    "set_retention": Act.MANAGE_DATA,
    "start_export": Act.MANAGE_DATA,
    "export": Act.MANAGE_DATA,
    "close_client": Act.MANAGE_DATA,
    "keep_client": Act.MANAGE_DATA,
}

# Whoever has a key, or is a member in a browser.
PROGRAMS = {
    "documents",
    "document",
    "direct_uploads",
    "direct_upload",
    "finish_upload",
    "document_sync_api",
    "search",
    "faq_list",
    "faq_api",
    "website_list",
    "website_api",
    "website_sync_api",
    "website_stop_api",
}

# Whoever is signed in, of a client or of none.
PERSONS = {"start", "join", "switch_client", "key_link", "usersessions_list", "end_session"}

# allauth's: pages of somebody's own account, shown to nobody else.
OF_ACCOUNTS = {
    "account_email",
    "account_change_password",
    "account_set_password",
    "account_reauthenticate",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_reauthenticate_webauthn",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
    "socialaccount_connections",
    "usersessions_list",
}

# allauth's: the ways in. They know nothing but what whoever asks has typed or brought along.
WAYS_IN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "account_email_verification_sent",
    "account_request_login_code",
    "account_confirm_login_code",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "socialaccount_signup",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
    "github_login",
    "github_callback",
    "google_login",
    "google_callback",
    "google_login_by_token",
    # Addresses of older versions of allauth, which lead to those of today.
    "accounts/social/login/cancelled/",
    "accounts/social/login/error/",
    "accounts/social/signup/",
    "accounts/social/connections/",
}

# The staff's: each model has a list and pages of its rows.
STAFF_MODELS = {
    "account_emailaddress",
    "accounts_apikey",
    "accounts_auditevent",
    "accounts_client",
    "accounts_cspreport",
    "accounts_export",
    "accounts_invitation",
    "accounts_membership",
    "accounts_outboxemail",
    "accounts_user",
    "auth_group",
    "billing_billingstate",
    "billing_checkout",
    "billing_stripeobject",
    "billing_syncrequest",
    "billing_usagecounter",
    "chat_bot",
    "chat_conversation",
    "chat_sighting",
    "knowledge_faq",
    "knowledge_knowledgebase",
    "knowledge_source",
    "knowledge_website",
    "mfa_authenticator",
    "socialaccount_socialaccount",
    "usersessions_usersession",
}
STAFF_PAGES = {"changelist", "add", "history", "delete", "change"}
OF_STAFF = {
    *(f"{model}_{page}" for model in STAFF_MODELS for page in STAFF_PAGES),
    *(f"admin/{model.replace('_', '/')}/<path:object_id>/" for model in STAFF_MODELS),
    "accounts_client_step",
    "billing_revenue",
    "index",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "app_list",
    "admin/(?P<url>.*)$",
}

# What comes with other people's code, by where it is included. Names, or routes without a name.
FOREIGN = {
    "accounts/": OF_ACCOUNTS | WAYS_IN,
    "admin/": OF_STAFF,
    "hijack/": {"acquire", "release"},
}
