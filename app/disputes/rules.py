"""The page on which an account says what the dispute desk does by itself."""

from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.disputes import advice, last_chance
from app.errors import BadRequest, DomainError
from app.models.last_chance import MOST_FIELDS
from app.web import proof
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose
from app.web.permissions import Need, Permission
from app.web.sessions import current_actor

_USUAL_FIELDS = 5
_LONGEST_NUMBER = 3


class DisputeRulesView(StaffView):
    """/admin/dispute-rules"""

    permission: ClassVar[Need] = Permission.RULES_MANAGE
    endpoint = "dispute_rules"
    section_url = "/admin/dispute-rules"
    title = "Dispute rules"
    group = "Oversight"
    icon = "gavel"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """What is in force."""
        return self._page()

    @expose("/last-chance", methods=("POST",))
    def last_chance(self) -> ResponseReturnValue:
        """Switch it on or off."""
        is_on, typed = request.form.get("on") == "yes", request.form.get("fields", "")
        if ask := proof.missing(url_for(".index_view")):
            return ask
        try:
            last_chance.set_rule(current_account_id(), is_on=is_on, fields_needed=_whole(typed), actor=current_actor())
        except DomainError as refusal:
            chance = {"is_on": is_on, "fields_needed": typed, "error": str(refusal)}
            return make_response(self._page(chance=chance), refusal.status)
        flash(
            "Drafts are submitted by themselves from now on." if is_on else "Nothing is submitted by itself.", "success"
        )
        return redirect(url_for(".index_view"), 303)

    @expose("/costs", methods=("POST",))
    def costs(self) -> ResponseReturnValue:
        """Set what answering costs in one currency."""
        try:
            advice.set_cost(current_account_id(), request.form, actor=current_actor())
        except DomainError as refusal:
            typed = {name: request.form.get(name, "") for name in ("currency", "minute", "minutes", "counter_fee")}
            return make_response(self._page(cost=typed | {"error": str(refusal)}), refusal.status)
        flash("Advice is reckoned with it from now on.", "success")
        return redirect(url_for(".index_view"), 303)

    def _page(self, *, chance: dict[str, object] | None = None, cost: dict[str, str] | None = None) -> str:
        rule = last_chance.rule_of(current_account_id())
        return self.render(
            "disputes/rules.html",
            chance=chance
            or {"is_on": bool(rule and rule.is_on), "fields_needed": rule.fields_needed if rule else _USUAL_FIELDS},
            rule=rule,
            most_fields=MOST_FIELDS,
            costs=advice.costs(current_account_id()),
            cost=cost or {},
        )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise BadRequest("Write a whole number of fields.")
    return int(text)
