"""Invitations: mailed once, good for one address, one time, one week."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import AuditEvent, Client, Invitation, Membership, OutboxEmail, User
from accounts.roles import Role
from tests.accounts.conftest import signed_in
from tests.everything import Everything

PAGE = "/app/settings/members/"
LINK = re.compile(r"https?://\S+?(/accounts/invitation/[\w-]{43}/)")
NEW = "colleague@acme.example"


def invite(browser: Browser, email: str = NEW, role: str = "editor") -> str:
    """Send an invitation; the path of its link."""
    response = browser.post(f"{PAGE}invite/", {"email": email, "role": role})
    assert response.status_code == 302, response.content.decode()
    return link_to(email)


def link_to(email: str) -> str:
    found = LINK.search(OutboxEmail.objects.filter(recipient=email).latest("pk").text)
    assert found
    return found.group(1)


def person(email: str = NEW) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_user(email))
    return browser


def test_a_colleague_is_invited_and_joins(owner: Browser, acme: Everything) -> None:
    link = invite(owner)
    colleague = person()
    assert colleague.get(link).status_code == 200
    assert colleague.post(link)["Location"] == "/app/"
    membership = Membership.objects.get(client=acme.client, user__email=NEW)
    assert membership.role == Role.EDITOR
    assert colleague.get("/app/").context["request"].client == acme.client
    noted = AuditEvent.objects.for_client(acme.client).values_list("action", flat=True)
    assert {"member.invited", "member.joined"} <= set(noted)


def many_invitations(acme: Everything, count: int, *, expired: bool = False) -> None:
    ends = timezone.now() + timedelta(days=-1 if expired else 1)
    Invitation.objects.bulk_create(
        Invitation(
            client=acme.client,
            email=f"{'old' if expired else 'new'}{number}@acme.example",
            digest=f"{expired}{number}",
            expires_at=ends,
        )
        for number in range(count)
    )


def invited_on(browser: Browser, **query: str | int) -> list[str]:
    page = browser.get(PAGE, query)
    return [one.email for one in page.context["invitations"] if one.email in page.content.decode()]


def test_all_that_are_open_can_be_seen_and_taken_back(owner: Browser, acme: Everything) -> None:
    many_invitations(acme, 120)
    seen = [email for number in (1, 2, 3) for email in invited_on(owner, invited=number)]
    assert len(set(seen)) == len(seen) == 121
    assert seen[-1] == acme.invitation.email
    assert "invited=2" in owner.get(PAGE).content.decode()
    assert invited_on(owner, q="new77@") == ["new77@acme.example"]
    for email in (seen[0], seen[-1]):
        one = Invitation.objects.get(email=email)
        owner.post(f"/app/settings/invitations/{one.public_id}/revoke/")
    assert Invitation.objects.for_client(acme.client).open().count() == 119


def test_those_that_expired_stand_after_those_that_work(owner: Browser, acme: Everything) -> None:
    many_invitations(acme, 120, expired=True)
    assert invited_on(owner)[0] == acme.invitation.email
    assert "old0@acme.example" in invited_on(owner, invited=3)


def test_the_page_of_many_invitations_makes_no_more_queries(
    owner: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    many_invitations(acme, 120)
    owner.get(PAGE)
    with django_assert_max_num_queries(10):
        owner.get(PAGE)


def test_a_mistyped_address_leads_back_to_pages_that_exist(
    owner: Browser, acme: Everything
) -> None:
    many_invitations(acme, 60)
    page = owner.post(f"{PAGE}invite/", {"email": "no address", "role": "editor"})
    assert page.status_code == 422
    assert f'href="{PAGE}?invited=2"' in page.content.decode()


def test_only_the_hash_of_the_link_is_kept(owner: Browser, acme: Everything) -> None:
    token = invite(owner).split("/")[-2]
    row = Invitation.objects.get(email=NEW)
    assert token not in str(row.__dict__)


def test_who_is_not_signed_in_is_led_to_sign_up_and_back(owner: Browser) -> None:
    link = invite(owner)
    page = Browser().get(link).content.decode()
    assert f"/accounts/signup/?next={link}" in page
    assert f"/accounts/login/?next={link}" in page
    assert Browser().post(link).status_code == 200
    assert not Membership.objects.filter(user__email=NEW).exists()


def test_looking_at_it_accepts_nothing(owner: Browser) -> None:
    link, colleague = invite(owner), person()
    for _ in range(3):
        colleague.get(link)
    assert not Membership.objects.filter(user__email=NEW).exists()


def test_it_is_worth_nothing_to_another_address(owner: Browser, rival: Everything) -> None:
    link = invite(owner)
    thief = signed_in(rival, Role.OWNER)
    assert thief.post(link).status_code == 403
    assert Invitation.objects.usable().filter(email=NEW).exists()


def test_capitals_in_an_address_do_not_matter(owner: Browser, acme: Everything) -> None:
    link = invite(owner, "Colleague@Acme.example")
    assert person("colleague@acme.example").post(link).status_code == 302


def test_it_can_be_used_once(owner: Browser) -> None:
    link, colleague = invite(owner), person()
    assert colleague.post(link).status_code == 302
    assert colleague.post(link).status_code == 410
    Membership.objects.filter(user__email=NEW).delete()
    assert colleague.post(link).status_code == 410


def test_it_expires(owner: Browser) -> None:
    link = invite(owner)
    Invitation.objects.filter(email=NEW).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert person().post(link).status_code == 410


def test_it_can_be_taken_back(owner: Browser, acme: Everything) -> None:
    link = invite(owner)
    row = Invitation.objects.get(email=NEW)
    assert owner.post(f"/app/settings/invitations/{row.public_id}/revoke/").status_code == 302
    assert person().post(link).status_code == 410
    assert AuditEvent.objects.for_client(acme.client).latest("pk").action == "invitation.revoked"


def test_a_tampered_link_is_unknown(owner: Browser) -> None:
    link = invite(owner)
    bent = link[:-2] + ("A" if link[-2] != "A" else "B") + "/"
    assert Browser().get(bent).status_code == 404


def test_sending_it_again_ends_the_old_link(owner: Browser) -> None:
    old = invite(owner)
    row = Invitation.objects.get(email=NEW)
    assert owner.post(f"/app/settings/invitations/{row.public_id}/again/").status_code == 302
    new, colleague = link_to(NEW), person()
    assert new != old
    assert colleague.post(old).status_code == 404
    assert colleague.post(new).status_code == 302


def test_inviting_the_same_address_again_replaces_the_invitation(owner: Browser) -> None:
    old, new = invite(owner, role="viewer"), invite(owner, NEW.upper(), role="admin")
    assert Invitation.objects.open().filter(email__iexact=NEW).count() == 1
    colleague = person()
    assert colleague.post(old).status_code == 410
    assert colleague.post(new).status_code == 302
    assert Membership.objects.get(user__email=NEW).role == Role.ADMIN


def test_a_member_is_not_invited_again(owner: Browser, acme: Everything) -> None:
    email = acme.people[Role.VIEWER].email.upper()
    response = owner.post(f"{PAGE}invite/", {"email": email, "role": "admin"})
    assert response.status_code == 409
    assert acme.membership(Role.VIEWER).role == Role.VIEWER


def test_an_invitation_never_lowers_or_raises_a_member(owner: Browser, acme: Everything) -> None:
    """Invited, joined in another way, then the link: the role stays what it is."""
    link, colleague = invite(owner, role="admin"), person()
    user = User.objects.get(email=NEW)
    Membership.objects.create(client=acme.client, user=user, role=Role.VIEWER)
    assert colleague.post(link).status_code == 302
    assert Membership.objects.get(user=user).role == Role.VIEWER


def test_only_owners_invite_owners(acme: Everything) -> None:
    admin = signed_in(acme, Role.ADMIN)
    form = {"email": NEW, "role": "owner"}
    assert admin.post(f"{PAGE}invite/", form).status_code == 422
    assert signed_in(acme, Role.OWNER).post(f"{PAGE}invite/", form).status_code == 302


@pytest.mark.parametrize(
    "form",
    [
        {"email": "", "role": "editor"},
        {"email": "nobody", "role": "editor"},
        {"email": "a@b.example\r\nBcc: all@evil.example", "role": "editor"},
        {"email": f"{'x' * 250}@b.example", "role": "editor"},
        {"email": NEW, "role": "king"},
        {"email": NEW},
    ],
)
def test_bad_input_invites_nobody(owner: Browser, acme: Everything, form: dict) -> None:
    before = Invitation.objects.count()
    assert owner.post(f"{PAGE}invite/", form).status_code == 422
    assert (Invitation.objects.count(), OutboxEmail.objects.count()) == (before, 0)


def test_a_company_cannot_mail_without_end(owner: Browser, settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "invitation_client": "2/d"}
    for number in range(2):
        invite(owner, f"p{number}@acme.example")
    form = {"email": "p3@acme.example", "role": "viewer"}
    response = owner.post(f"{PAGE}invite/", form)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0


def test_the_name_of_a_company_cannot_write_headers(owner: Browser, acme: Everything) -> None:
    """Even if a line break came into the database by another way."""
    Client.objects.filter(pk=acme.client.pk).update(name="Acme\r\nBcc: all@evil.example")
    invite(owner)
    subject = OutboxEmail.objects.get(recipient=NEW).subject
    assert "\n" not in subject
    assert "\r" not in subject


def test_invitations_of_others_do_not_exist(owner: Browser, rival: Everything) -> None:
    for step in ("again", "revoke"):
        path = f"/app/settings/invitations/{rival.invitation.public_id}/{step}/"
        assert owner.post(path).status_code == 404
        assert owner.get(path).status_code == 405
    assert Invitation.objects.open().filter(pk=rival.invitation.pk).exists()


def test_who_has_no_company_sees_waiting_invitations(owner: Browser, acme: Everything) -> None:
    invite(owner)
    colleague = person()
    page = colleague.get("/app/start/").content.decode()
    assert acme.client.name in page
    row = Invitation.objects.get(email=NEW)
    assert colleague.post(f"/app/start/join/{row.public_id}/")["Location"] == "/app/"
    assert Membership.objects.filter(client=acme.client, user__email=NEW).exists()


def test_somebody_elses_invitation_cannot_be_joined_by_its_name(
    owner: Browser, acme: Everything, rival: Everything
) -> None:
    invite(owner)
    row = Invitation.objects.get(email=NEW)
    thief = signed_in(rival, Role.OWNER)
    assert thief.post(f"/app/start/join/{row.public_id}/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_invitations(
    owner: Browser, acme: Everything, django_assert_max_num_queries
) -> None:
    Invitation.objects.bulk_create(
        Invitation(
            client=acme.client,
            email=f"p{number}@a.example",
            digest=f"{number}",
            expires_at=timezone.now(),
        )
        for number in range(60)
    )
    owner.get(PAGE)
    with django_assert_max_num_queries(12):
        owner.get(PAGE)
