"""A way to look at a list, kept by name: it stays what it was, and shows nobody more than their own role does."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.audit import trail
from app.database import db, transaction
from app.models.account import Account
from app.models.saved_view import SavedView, ViewDefault
from app.models.staff import Staff
from tests import factories
from tests.desk import Desk, Page, staff
from tests.factories import NOON
from tests.queries import counted

LIST = "/admin/charges/"
FAILED = "status=failed&sort=created&dir=asc&cols=amount,id,created"


def _keep(
    desk: Desk, name: str = "Failed", asked: str = FAILED, *, of: str = "charges", expect: int = 303
) -> SavedView:
    factories.account()
    desk.get(f"/admin/{of}/")
    desk.post("/admin/views/new", {"list": of, "name": name, "asked": asked}, expect=expect)
    return db.session.scalars(select(SavedView).order_by(SavedView.created_at.desc(), SavedView.id)).first()  # type: ignore[return-value]


def _share(desk: Desk, view: SavedView, *roles: str, default: tuple[str, ...] = (), expect: int = 303) -> Page:
    desk.get(f"/admin/views/{view.id}")
    form: dict[str, Any] = {"name": view.name, "role": list(roles), "default": list(default)}
    return desk.post(f"/admin/views/{view.id}", form, expect=expect)


def _payments() -> None:
    factories.charge(id="ch_good", created_at=NOON)
    factories.charge(id="ch_bad2", created_at=NOON + timedelta(days=1), status="failed", paid=False, amount_captured=0)
    factories.charge(id="ch_bad1", created_at=NOON, status="failed", paid=False, amount_captured=0)


def _shown(page: Page) -> list[str]:
    return re.findall(r'<a class="row-link" href="/admin/charges/([^"]+)"', page.html)


def _headings(page: Page) -> list[str]:
    return [
        re.sub("<[^>]+>", "", heading).strip() for heading in re.findall(r"<th [^>]*>(.*?)</th>", page.html, re.DOTALL)
    ]


def _names(page: Page) -> list[str]:
    """The views in the menu of a list."""
    menu = re.search(r'<nav aria-label="Views">(.*?)</nav>', page.html, re.DOTALL)
    assert menu
    return [unescape(name) for name in re.findall(r'class="view-name">([^<]*)<', menu.group(1))]


def test_filters_order_and_columns_are_kept_and_found_again_at_one_address(app: Flask) -> None:
    _payments()
    support = staff(app, "support")

    view = _keep(support)
    page = support.get(f"{LIST}?view={view.id}")

    assert view.asked == {"status": "failed", "sort": "created", "dir": "asc", "cols": "amount,id,created"}
    assert _shown(page) == ["ch_bad1", "ch_bad2"]
    assert _headings(page) == ["Amount", "Payment", "Date"]
    assert _names(page) == ["All payments", "Failed"]
    assert "View “Failed”" in page.words
    assert "Changed from" not in page.words


def test_what_differs_from_the_view_is_said_and_saved_or_undone(app: Flask) -> None:
    _payments()
    support = staff(app, "support")
    view = _keep(support)
    page = support.get(f"{LIST}?based_on={view.id}&status=succeeded")

    assert "Changed from “Failed”." in page.words
    assert f"{LIST}?view={view.id}" in page.links
    support.post(f"/admin/views/{view.id}/as-shown", {"asked": "status=succeeded"})

    assert _shown(support.get(f"{LIST}?view={view.id}")) == ["ch_good"]
    newest = trail.of("view", str(view.id))[0]
    assert (newest.action, newest.after) == (
        "view.changed",
        {"name": "Failed", "list": "charges", "changed": ["cols", "dir", "sort", "status"]},
    )


def test_back_at_what_was_kept_the_address_is_the_views_own_again(app: Flask) -> None:
    support = staff(app, "support")
    _payments()
    view = _keep(support, asked="status=failed")

    page = support.get(f"{LIST}?based_on={view.id}&status=failed")

    assert "Changed from" not in page.words
    assert any(link.startswith(f"{LIST}?view={view.id}&size=") for link in page.links)


def test_paging_and_searching_stay_within_the_view(app: Flask) -> None:
    with transaction():
        account = factories.charge().account_id
    for number in range(30):
        factories.charge(
            id=f"ch_{number:02}", account_id=account, status="failed", paid=False, amount_captured=0,
            created_at=NOON + timedelta(minutes=number), last4="1111" if number == 7 else "4242",
        )  # fmt: skip
    support = staff(app, "support")
    view = _keep(support)

    first = support.get(f"{LIST}?view={view.id}&size=25")
    following = next(link for link in first.links if "cursor=" in link and "last" not in link)

    assert _shown(support.get(following)) == [f"ch_{number:02}" for number in range(25, 30)]
    assert _shown(support.get(f"{LIST}?view={view.id}&q=1111")) == ["ch_07"]


@pytest.mark.parametrize("end", ["csv", "jsonl"])
def test_a_download_of_a_view_is_what_the_view_shows(app: Flask, end: str) -> None:
    _payments()
    finance = staff(app, "finance")
    view = _keep(finance)

    lines = finance.client.get(f"{LIST}export.{end}?view={view.id}").get_data(as_text=True).splitlines()

    assert [re.search(r"ch_\w+", line).group() for line in lines if "ch_" in line] == ["ch_bad1", "ch_bad2"]  # type: ignore[union-attr]
    assert "Customer" not in lines[0]
    assert "customer" not in lines[0]


def test_a_private_view_is_its_owners_alone(app: Flask) -> None:
    ana, ben = staff(app, "support"), staff(app, "support")
    view = _keep(ana)

    assert _names(ben.get(LIST)) == ["All payments"]
    ben.get(f"{LIST}?view={view.id}", expect=404)
    ben.get(f"/admin/views/{view.id}", expect=404)
    assert "Failed" not in ben.get("/admin/views/").words.split("Nothing")[0].replace("Failed refunds", "")
    for path in ("", "/as-shown", "/open-with", "/delete"):
        ben.post(f"/admin/views/{view.id}{path}", {"name": "Mine now", "wanted": "yes"}, expect=404)
    db.session.expire_all()
    assert db.session.scalars(select(SavedView.name)).all() == ["Failed"]
    assert db.session.scalars(select(ViewDefault.holder)).all() == []


def test_a_shared_view_is_for_those_roles_as_long_as_they_have_them(app: Flask) -> None:
    ana, fin, dev = staff(app, "support"), staff(app, "finance"), staff(app, "developer")
    view = _keep(ana)
    _share(ana, view, "finance")

    assert _names(fin.get(LIST)) == ["All payments", "Failed"]
    assert _names(dev.get(LIST)) == ["All payments"]
    dev.get(f"{LIST}?view={view.id}", expect=404)
    fin.post(f"/admin/views/{view.id}/open-with", {"wanted": "yes"})
    assert "View “Failed”" in fin.get(LIST).words
    with transaction():
        db.session.execute(text("UPDATE staff SET role = 'developer' WHERE email = :email"), {"email": fin.email})

    # Another role now: the view is gone, and the list opens as it did before.
    assert _names(fin.get(LIST)) == ["All payments"]
    assert "View “Failed”" not in fin.get(LIST).words
    fin.get(f"{LIST}?view={view.id}", expect=404)


def test_who_only_sees_a_shared_view_cannot_change_it(app: Flask) -> None:
    ana, ben = staff(app, "support"), staff(app, "finance")
    view = _keep(ana)
    _share(ana, view, "finance")
    ben.get(f"/admin/views/{view.id}")

    ben.post(f"/admin/views/{view.id}", {"name": "Mine"}, expect=409)
    ben.post(f"/admin/views/{view.id}/as-shown", {"asked": ""})
    ben.post(f"/admin/views/{view.id}/delete")

    db.session.expire_all()
    kept = db.session.scalars(select(SavedView)).one()
    assert (kept.name, kept.asked["status"], kept.shared_with) == ("Failed", "failed", ["finance"])
    assert "somebody else’s" in ben.get(f"/admin/views/{view.id}").words


def test_of_somebody_who_left_the_shared_views_are_changed_by_who_makes_the_rules(app: Flask) -> None:
    ana, admin = staff(app, "support"), staff(app, "admin")
    view = _keep(ana)
    _share(ana, view, "admin")

    admin.get(f"/admin/views/{view.id}")
    admin.post(f"/admin/views/{view.id}/delete")

    assert db.session.scalars(select(SavedView)).all() == []


def test_a_view_shows_everybody_what_their_own_role_sees(app: Flask) -> None:
    mira = factories.customer(email="mira@example.com")
    factories.charge(customer_id=mira.id)
    ana, viewer = staff(app, "support"), staff(app, "view_only")
    view = _keep(ana, asked="cols=amount,customer")
    _share(ana, view, "view_only")

    assert "mira@example.com" in ana.get(f"{LIST}?view={view.id}").html
    seen = viewer.get(f"{LIST}?view={view.id}").html
    assert "m***@example.com" in seen
    assert "mira@" not in seen


def test_a_view_of_a_list_that_one_may_not_open_leads_nowhere(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app, "support")
    view = _keep(admin, "Ours", "", of="audit")
    _share(admin, view, "support")

    ana.get(f"/admin/views/{view.id}", expect=404)
    ana.get(f"/admin/audit/?view={view.id}", expect=403)
    assert "Ours" not in ana.get("/admin/views/").words
    ana.post("/admin/views/new", {"list": "audit", "name": "Mine", "asked": ""}, expect=400)


def test_before_anything_was_read_from_stripe_there_is_nothing_to_keep(app: Flask) -> None:
    support = staff(app, "support")
    support.get(LIST)

    support.post("/admin/views/new", {"list": "charges", "name": "Failed", "asked": "status=failed"})

    assert "once something was read from Stripe" in support.get(LIST).words


def test_an_address_somebody_is_filtered_by_is_not_shared(app: Flask) -> None:
    admin = staff(app, "admin")
    view = _keep(admin, "Ana", "actor=ana@shop.example", of="audit")

    page = _share(admin, view, "auditor", expect=400)

    assert "stays yours alone" in page.words
    db.session.expire_all()
    assert db.session.scalars(select(SavedView.shared_with)).one() == []


def test_a_search_is_not_kept(app: Flask) -> None:
    support = staff(app, "support")

    view = _keep(support, asked="q=mira@example.com&status=failed")

    assert view.asked == {"status": "failed"}


def test_a_list_opens_with_ones_own_default_before_the_roles(app: Flask) -> None:
    _payments()
    admin, ana = staff(app, "admin"), staff(app, "support")
    ours = _keep(admin, "Ours", "status=succeeded")
    _share(admin, ours, "support", default=("support",))

    assert _shown(ana.get(LIST)) == ["ch_good"]
    mine = _keep(ana, "Mine", "status=failed")
    ana.post(f"/admin/views/{mine.id}/open-with", {"wanted": "yes"})
    assert _shown(ana.get(LIST)) == ["ch_bad2", "ch_bad1"]
    # Everything is one link away, and stays while paging.
    whole = ana.get(f"{LIST}?view=all")
    assert len(_shown(whole)) == 3
    assert f"{LIST}?view=all" in ana.get(LIST).links
    # An address that says anything is answered as it is.
    assert _shown(ana.get(f"{LIST}?status=succeeded")) == ["ch_good"]
    ana.post(f"/admin/views/{mine.id}/open-with", {"wanted": "no"})
    assert _shown(ana.get(LIST)) == ["ch_good"]
    # A role that does not see it any more does not open with it.
    _share(admin, ours, "finance")
    assert len(_shown(ana.get(LIST))) == 3


def test_the_default_of_a_role_is_for_who_makes_the_rules(app: Flask) -> None:
    ana = staff(app, "support")
    view = _keep(ana)

    _share(ana, view, "support", default=("support",))

    assert db.session.scalars(select(ViewDefault.holder)).all() == []
    assert "opens with it for" not in ana.get(f"/admin/views/{view.id}").words.lower().split("next")[0]


def test_one_role_opens_with_one_view(app: Flask) -> None:
    admin = staff(app, "admin")
    first, second = _keep(admin, "First"), _keep(admin, "Second")
    _share(admin, first, "support", default=("support",))
    _share(admin, second, "support", default=("support",))

    rows = db.session.execute(select(ViewDefault.holder, ViewDefault.view_id)).all()

    assert rows == [("role:support", second.id)]
    _share(admin, second, "finance", default=("support",), expect=400)


def test_a_view_opens_though_the_list_has_changed_and_says_what_it_left_out(app: Flask) -> None:
    _payments()
    support = staff(app, "support")
    view = _keep(support)
    with transaction():
        view.asked = {
            "status": "vanished", "planet": "mars", "cols": "amount,phase,id", "sort": "moon", "dir": "asc", "amount_from": 7,
        }  # fmt: skip

    page = support.get(f"{LIST}?view={view.id}")

    assert len(_shown(page)) == 3
    assert _headings(page) == ["Amount", "Payment"]
    for lost in ("“Status”", "the filter “planet”", "the column “phase”", "the order by “moon”"):
        assert lost in page.words
    support.get(f"/admin/views/{view.id}")
    support.post(f"/admin/views/{view.id}/as-shown", {"asked": "cols=amount,id"})
    assert "left out" not in support.get(f"{LIST}?view={view.id}").words


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "Give the view a name."),
        ("   ", "Give the view a name."),
        ("x" * 10_000, "A name has at most 80 characters."),
        ("a\0b", "letters, digits and signs"),
        ("a\u202eb", "letters, digits and signs"),
    ],
)
def test_what_is_no_name_is_refused_in_words(app: Flask, name: str, says: str) -> None:
    support = staff(app, "support")
    support.get(LIST)

    support.post("/admin/views/new", {"list": "charges", "name": name, "asked": "status=failed"})

    assert says in support.get(LIST).words
    assert db.session.scalars(select(SavedView)).all() == []


def test_names_are_ones_own_and_differ_in_more_than_case(app: Flask) -> None:
    ana, ben = staff(app, "support"), staff(app, "support")
    _keep(ana, "Failed")
    _keep(ben, "Failed")
    _keep(ana, "  faILed ")

    assert "already" in ana.get(LIST).words
    assert db.session.scalars(select(SavedView.name)).all() == ["Failed", "Failed"]
    other = _keep(ana, "Other")
    ana.get(f"/admin/views/{other.id}")
    page = ana.post(f"/admin/views/{other.id}", {"name": "failed"}, expect=409)
    assert "already" in page.words
    _keep(ana, "<script>alert(1)</script>")
    assert "<script>alert" not in ana.get(LIST).html


@pytest.mark.parametrize(
    "asked", ["sort=salary", "status=nonsense", "cols=amount,secret", "created_from=yesterday", "q=" + "x" * 500]
)
def test_what_makes_no_sense_is_not_kept(app: Flask, asked: str) -> None:
    support = staff(app, "support")
    support.get(LIST)

    support.post("/admin/views/new", {"list": "charges", "name": "X", "asked": asked}, expect=400)
    support.post("/admin/views/new", {"list": "planets", "name": "X", "asked": ""}, expect=400)

    assert db.session.scalars(select(SavedView)).all() == []


@pytest.mark.parametrize("key", ["%00", "x" * 5_000, "1", "00000000-0000-0000-0000-000000000000", "' OR 1=1--"])
def test_an_unknown_view_is_said_to_be_unknown(app: Flask, key: str) -> None:
    support = staff(app, "support")

    assert "no such view" in support.get(f"{LIST}?view={key}", expect=404).words
    assert support.get(f"{LIST}?based_on={key}&status=failed").status == 200


def test_another_accounts_views_are_not_there(app: Flask) -> None:
    support = staff(app, "support")
    view = _keep(support)
    with transaction():
        other = Account(livemode=True, stripe_id="acct_live", created_at=clock.now())
        db.session.add(other)
        db.session.flush()
        view.account_id = other.id

    assert _names(support.get(LIST)) == ["All payments"]
    support.get(f"{LIST}?view={view.id}", expect=404)
    support.get(f"/admin/views/{view.id}", expect=404)


def test_every_act_on_a_view_is_one_entry_of_the_trail(app: Flask) -> None:
    admin = staff(app, "admin")
    view = _keep(admin)
    _share(admin, view, "support", default=("support",))
    admin.post(f"/admin/views/{view.id}/open-with", {"wanted": "yes"})
    admin.post(f"/admin/views/{view.id}/open-with", {"wanted": "no"})
    admin.post(f"/admin/views/{view.id}/as-shown", {"asked": ""})
    admin.post(f"/admin/views/{view.id}/delete")

    entries = trail.of("view", str(view.id))

    assert [entry.action for entry in reversed(entries)] == [
        "view.kept", "view.settled", "view.opens", "view.opens_no_more", "view.changed", "view.deleted",
    ]  # fmt: skip
    assert all(entry.actor == admin.email for entry in entries)
    assert entries[4].before == {"name": "Failed", "shared_with": [], "default_of": []}
    assert db.session.scalars(select(ViewDefault.holder)).all() == []


def test_columns_are_chosen_and_moved_without_a_script(app: Flask) -> None:
    factories.charge()
    support = staff(app, "support")

    chosen = support.get(f"{LIST}?pick=1&col=customer&col=created&col=id&status=succeeded", expect=302)
    assert chosen.location == f"{LIST}?cols=amount,customer,created,id&status=succeeded"
    moved = support.get(f"{LIST}?pick=1&col=customer&col=created&col=id&move=up:id", expect=302)
    page = support.get(moved.location or "")

    assert _headings(page) == ["Amount", "Customer", "Payment", "Date"]
    assert re.search(r'<details class="drop drop-columns"[^>]* open', page.html)
    # The first one stays; what the list shows anyway needs no word in the address.
    first = support.get(f"{LIST}?pick=1&col=customer&move=up:customer", expect=302)
    assert "cols=amount,customer" in (first.location or "")
    support.get(f"{LIST}?pick=1&col=secret", expect=400)
    support.get(f"{LIST}?cols=secret", expect=400)


def test_there_may_be_any_number_of_views(app: Flask) -> None:
    support = staff(app, "support")
    owner = db.session.scalars(select(Staff.id).where(Staff.email == support.email)).one()
    last = _keep(support, "Zzz", "status=failed")
    with transaction():
        db.session.add_all(
            SavedView(
                id=UUID(int=number), account_id=last.account_id, list_name="charges", owner_id=owner, name=f"No. {number:04}",
                asked={}, shared_with=[], created_at=NOON, changed_at=NOON,
            )
            for number in range(1, 1_001)
        )  # fmt: skip

    page = support.get(f"{LIST}?view={last.id}")

    # The menu has room for some; the one that is open is among them, and the page of views has them all.
    assert len(_names(page)) == 31
    assert "Zzz" in _names(page)
    assert "1,001 views" in support.get("/admin/views/?list=charges").words


def test_a_list_asks_one_question_for_its_views(app: Flask) -> None:
    _payments()
    support = staff(app, "support")
    for name in "ABC":
        _keep(support, name)
    support.get(LIST)

    with counted() as asked:
        support.get(LIST)

    assert len(asked) == 3
    assert sum("saved_views" in statement for statement in asked) == 1
