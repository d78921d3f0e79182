"""The lists of networks: what may be written, what is refused, and that nobody shuts themselves out."""

import threading

import pytest
from flask import Flask
from sqlalchemy import select

from app.actor import Actor
from app.database import db
from app.models.allowed_network import AllowedNetwork
from app.models.audit_log import AuditLog
from app.staff.commands import staff as staff_commands
from app.staff.networks import operations, queries, written
from tests.desk import Desk, Page, staff

LISTS = "/admin/networks/"
HERE = "127.0.0.0/8 This machine"


def test_a_list_holds_for_everybody_from_the_next_page_on(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app)
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert ana.client.get("/admin/charges/", environ_overrides=elsewhere).status_code == 200

    done = _save(admin, "everybody", f"{HERE}\n2001:db8::/48")

    assert done.location == LISTS
    assert ana.client.get("/admin/charges/", environ_overrides=elsewhere).status_code == 403
    assert ana.client.get("/admin/charges/", environ_overrides={"REMOTE_ADDR": "2001:db8::7"}).status_code == 200
    ana.get("/admin/charges/")
    assert "2001:db8::/48" in admin.get(LISTS).words


def test_the_list_of_a_role_concerns_nobody_else_and_adds_to_the_one_of_everybody(app: Flask) -> None:
    admin, finance, support = staff(app, "admin"), staff(app, "finance"), staff(app)

    _save(admin, "finance", "203.0.113.0/24 Back office")

    assert "You may not work here from this network." in finance.get("/admin/charges/", expect=403).words
    support.get("/admin/charges/")
    _save(admin, "everybody", HERE)
    finance.get("/admin/charges/")


@pytest.mark.parametrize("scope", ["everybody", "admin"])
def test_a_list_that_shuts_out_who_saves_it_is_refused_and_says_so(app: Flask, scope: str) -> None:
    admin = staff(app, "admin")

    refused = _save(admin, scope, "203.0.113.0/24", expect=409)

    assert "With this list you could not come in any more: you are at 127.0.0.1" in refused.words
    assert "203.0.113.0/24</textarea>" in refused.html
    assert db.session.query(AllowedNetwork).count() == 0
    assert "networks.changed" not in _actions()


def test_taking_the_network_one_sits_in_out_of_a_list_is_refused_and_emptying_it_is_not(app: Flask) -> None:
    admin = staff(app, "admin")
    _save(admin, "everybody", f"{HERE}\n203.0.113.0/24")

    _save(admin, "everybody", "203.0.113.0/24", expect=409)
    _save(admin, "everybody", "")

    assert db.session.query(AllowedNetwork).count() == 0
    assert db.session.scalars(select(AuditLog.before["taken"]).where(AuditLog.action == "networks.changed")).all() == [
        [],
        ["127.0.0.0/8", "203.0.113.0/24"],
    ]


def test_who_is_shut_out_now_is_counted_when_a_list_is_saved(app: Flask) -> None:
    admin = staff(app, "admin")
    away = Desk(app, staff(app).email)
    away.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    away.sign_in()

    _save(admin, "everybody", HERE)

    assert "One person who is signed in now comes from elsewhere, and is shut out." in admin.get(LISTS).words


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("office", "“office” is no network. Write it like 203.0.113.0/24"),
        ("203.0.113.7/24", "Write 203.0.113.0/24 for the network, or 203.0.113.7 for that address alone."),
        ("203.0.113.0/33", "is no network"),
        ("2001:db8::/129", "is no network"),
        ("fe80::1%eth0", "names a network card"),
        ("::ffff:203.0.113.0/120", "Write it as IPv4."),
        ("203.0.113.0/24\n203.0.113.0/24 again", "203.0.113.0/24 stands there twice."),
        ("203.0.113.0/24 " + "x" * 101, "is too long: at most 100 characters"),
        ("\n".join(f"10.0.{n}.0/24" for n in range(200)), "These are 201 networks; at most 200"),
        ("x" * 20_001, "This list is too long"),
        ("\0", "is no network"),
    ],
)
def test_what_is_no_network_is_refused_in_words_and_nothing_changes(app: Flask, line: str, said: str) -> None:
    admin = staff(app, "admin")

    refused = _save(admin, "everybody", f"{HERE}\n{line}", expect=400)

    assert said in refused.words
    assert db.session.query(AllowedNetwork).count() == 0


def test_a_note_is_kept_as_words_and_a_single_address_is_a_network(app: Flask) -> None:
    admin = staff(app, "admin")

    _save(admin, "everybody", f"{HERE}\n  203.0.113.7   <b>Ben's\thome</b>  \r\n\r\n")

    page = admin.get(LISTS)
    assert "203.0.113.7/32 <b>Ben's home</b>" in page.words
    assert "203.0.113.7/32 &lt;b&gt;" in admin.get(f"{LISTS}everybody").html


def test_a_list_that_somebody_else_changed_meanwhile_is_not_overwritten(app: Flask) -> None:
    first, second = staff(app, "admin"), staff(app, "admin")
    version = _version(second, "everybody")
    _save(first, "everybody", HERE)

    refused = second.post(f"{LISTS}everybody", {"lines": "127.0.0.1", "version": version}, expect=409)

    assert "Somebody else changed this list since you opened it." in refused.words
    assert db.session.scalars(select(AllowedNetwork.network)).all() == ["127.0.0.0/8"]


def test_only_who_manages_staff_changes_a_list_and_a_list_that_is_none_is_unknown(app: Flask) -> None:
    lead, admin = staff(app, "support_lead"), staff(app, "admin")

    lead.get(LISTS)
    lead.get(f"{LISTS}everybody", expect=403)
    admin.get(f"{LISTS}root", expect=404)


def test_of_two_lists_saved_at_once_the_second_is_looked_at_with_the_first(committed: Flask) -> None:
    """Each alone leaves both admins inside; together they would leave out who sits in neither."""
    both = "10.0.0.0/8\n192.0.2.0/24"
    operations.save(None, both, version=written.version_of([]), own_role="admin", address="10.0.0.1", actor=_by("a"))
    version = written.version_of(queries.networks_of(None))
    db.session.rollback()
    ends: list[str] = []
    start = threading.Barrier(2)

    def save(address: str, network: str) -> None:
        with committed.app_context():
            start.wait()
            try:
                operations.save(None, network, version=version, own_role="admin", address=address, actor=_by(network))
                ends.append("saved")
            except operations.Conflict as refusal:
                ends.append(type(refusal).__name__)

    threads = [
        threading.Thread(target=save, args=each) for each in (("10.0.0.1", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.0/24"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["Conflict", "saved"]
    assert len(queries.networks_of(None)) == 1


def test_whoever_runs_the_installation_opens_every_network_again(app: Flask) -> None:
    admin = staff(app, "admin")
    _save(admin, "everybody", HERE)

    outcome = app.test_cli_runner().invoke(staff_commands, ["allow-all-networks"])

    assert outcome.output == "1 networks forgotten: everybody may come from anywhere again.\n"
    assert queries.every() == {}
    assert _actions()[-1] == "networks.forgotten"


def _save(desk: Desk, scope: str, lines: str, *, expect: int = 303) -> Page:
    return desk.post(f"{LISTS}{scope}", {"lines": lines, "version": _version(desk, scope)}, expect=expect)


def _version(desk: Desk, scope: str) -> str:
    page = desk.get(f"{LISTS}{scope}")
    return next(form["version"] for form in page.forms if "version" in form)


def _by(name: str) -> Actor:
    return Actor.command(name)


def _actions() -> list[str]:
    return list(db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))
