"""Flask-Admin, as far as we use it: the blueprint of a section, its menu entry, and nothing that writes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import flask_admin
from flask import Flask, abort, g, redirect
from flask.typing import ResponseReturnValue
from flask_admin import Admin, BaseView

from app.web import theme
from app.web.headers import csp_nonce
from app.web.permissions import SIGNED_IN, Need, Permission
from app.web.sessions import current_person

View = TypeVar("View", bound=Callable[..., Any])

# The order of the groups in the rail.
GROUPS = ("Money", "Risk", "People", "Machinery", "Oversight")


def expose(url: str = "/", methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Flask-Admin's decorator, with types: this method answers `url` below its section's address."""
    decorate: Callable[[View], View] = flask_admin.expose(url, methods)
    return decorate


class StaffView(BaseView):  # type: ignore[misc] # Flask-Admin has no types
    """A section of the staff pages. Subclasses say what they are in class attributes.

    permission: what everybody needs who opens any page of the section; `@needs(…)` on a method comes on top.
    endpoint, url: `charges` and `/admin/charges`; the url defaults to that.
    menu_keys: a keyboard shortcut like "g c"; see templates/admin/layout.html.
    """

    permission: ClassVar[Need]
    title: ClassVar[str]
    endpoint: str
    group: ClassVar[str | None] = None
    icon: ClassVar[str] = "point"
    section_url: ClassVar[str | None] = None
    in_menu: ClassVar[bool] = True
    menu_keys: ClassVar[str] = ""

    def __init__(self) -> None:
        endpoint = type(self).endpoint
        super().__init__(
            name=self.title,
            category=self.group,
            endpoint=endpoint,
            url=self.section_url or f"/admin/{endpoint}",
            menu_icon_value=self.icon,
        )

    def is_accessible(self) -> bool:
        """For the menu; every request was already answered for by the guard."""
        person = current_person()
        return person is not None and person.may(self.permission)

    def is_visible(self) -> bool:
        return self.in_menu

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:  # noqa: ARG002 - Flask-Admin's signature
        abort(403)

    def render(self, template: str, **context: Any) -> str:
        """The page, with what Flask-Admin's base template wants to know."""
        page: str = super().render(template, **context)
        return page

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the view once. Flask-Admin's own calls it again after any TypeError: an act would happen twice."""
        return fn(self, *args, **kwargs)


class HomeView(StaffView):
    """The section at /admin/ itself, `admin.index` in url_for. A feature puts its page there; without one it leads on."""

    endpoint = "admin"
    section_url = "/admin"
    title = "Today"
    icon = "home"
    permission: ClassVar[Need] = SIGNED_IN

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The first section this person may open."""
        first = next(self.sections(), None)
        if first is None:
            abort(403)
        return redirect(first.get_url(), 303)

    def sections(self) -> Iterator[Any]:
        """The menu entries this person may open, but this one."""
        for item in self.admin.menu():
            for entry in item.get_children() if item.is_category() else [item]:
                if entry._view is not self and entry.is_accessible() and entry.is_visible():
                    yield entry


def start_desk(app: Flask, home: HomeView, sections: Iterable[StaffView]) -> Admin:
    """Register the start page and every section, in the order of the menu."""
    desk = Admin(
        app,
        name="Counterfoil",
        url="/admin",
        endpoint="admin",
        index_view=home,
        theme=theme.theme,
        csp_nonce_generator=csp_nonce,
    )
    for group in GROUPS:
        desk.add_category(group)
    for section in sections:
        desk.add_view(section)
    return desk


def may(permission: Permission) -> bool:
    """For templates and columns: whether the person of this request has this permission. Asked for every cell, so it is quick."""
    if "permissions" not in g:
        person = current_person()
        g.permissions = person.permissions if person else frozenset()
    return permission in g.permissions


def sees(customer_id: str | None = None) -> bool:
    """Whether e-mail addresses, phone numbers and the like are shown in full.

    To roles that may see everybody's; and of this one customer to a person who gave a reason, for ten minutes. Without a
    customer, where nobody can say whose data it is, only the role counts.
    """
    if may(Permission.PERSONAL_READ):
        return True
    if "unmasked" not in g:
        person = current_person()
        allowed = person is not None and person.seen_as is None and may(Permission.PERSONAL_UNMASK)
        g.unmasked = frozenset().union(*(shown.ids for shown in person.unmasked)) if person and allowed else frozenset()
    return customer_id in g.unmasked
