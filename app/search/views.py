"""Find anything: the page behind the search box, and what the palette asks while somebody types."""

from typing import Any, ClassVar

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import BadRequest
from app.search import language, queries
from app.search.kinds import BY_NAME, Hit
from app.search.queries import Group
from app.web.admin import StaffView, expose, may
from app.web.permissions import SIGNED_IN, Need
from app.web.straight import straight_to

PAGE_SIZE = 10
PALETTE_SIZE = 4
EXAMPLES = (
    "status:failed amount:>5000 brand:visa",
    "email:anna@example.com",
    "last4:4242 created:7d",
    "in:disputes status:needs_response",
)


class SearchView(StaffView):
    """/admin/search. Everybody who works here may ask; what is found depends on the role."""

    permission: ClassVar[Need] = SIGNED_IN
    endpoint = "search"
    title = "Search"
    icon = "search"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        typed = request.args.get("q", "")
        if page_of_id := straight_to(typed):
            return redirect(page_of_id)
        try:
            wanted = language.read(typed, BY_NAME)
            found = queries.groups(wanted, size=PAGE_SIZE)
        except BadRequest as refusal:
            return self._page(typed, [], refusal=str(refusal)), refusal.status
        return self._page(typed, found)

    @expose("/suggest")
    def suggest(self) -> ResponseReturnValue:
        """The same as JSON, shorter, with the pages of the menu; addresses of requests stand in no log."""
        typed = request.args.get("q", "")
        try:
            wanted = language.read(typed, BY_NAME)
            straight = straight_to(typed)
            found = [] if straight else queries.groups(wanted, size=PALETTE_SIZE)
        except BadRequest as refusal:
            return jsonify(error=str(refusal), groups=[]), refusal.status
        groups = [_as_json(group) for group in found]
        if straight:
            groups.append(
                {"label": "Go to", "hits": [{"title": typed.strip(), "detail": "Open its page", "url": straight}]}
            )
        groups += self._pages(typed)
        if typed.strip():
            every = {
                "title": f"Search for “{typed.strip()}”",
                "detail": "All hits",
                "url": url_for(".index_view", q=typed),
            }
            groups.append({"label": "Search", "hits": [every]})
        return jsonify(groups=groups)

    def _page(self, typed: str, found: list[Group], refusal: str = "") -> str:
        return self.render(
            "search/index.html",
            typed=typed.strip(),
            groups=found,
            refusal=refusal,
            keys=language.KEYS,
            examples=EXAMPLES,
            kinds=[kind for kind in BY_NAME.values() if may(kind.permission)],
        )

    def _pages(self, typed: str) -> list[dict[str, Any]]:
        """Entries of the menu this person may open, called like this."""
        wanted = typed.strip().lower()
        hits = [
            {"title": entry.name, "detail": "", "url": entry.get_url()}
            for item in self.admin.menu()
            for entry in (item.get_children() if item.is_category() else [item])
            if entry.is_accessible() and entry.is_visible() and wanted in entry.name.lower()
        ]
        return [{"label": "Pages", "hits": hits}] if hits else []


def _as_json(group: Group) -> dict[str, Any]:
    hits = [_hit_as_json(hit) for hit in group.hits]
    note = "This would take too long. Say when, with created:7d." if group.gave_up else ""
    return {"label": group.kind.label, "hits": hits, "note": note}


def _hit_as_json(hit: Hit) -> dict[str, str]:
    status = hit.status[1].replace("_", " ") if hit.status else ""
    amount = str(hit.money) if hit.money is not None else ""
    detail = " · ".join(part for part in (amount, status, hit.detail) if part)
    return {"title": hit.title, "detail": detail, "url": hit.url}
