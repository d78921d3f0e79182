"""The desk of early fraud warnings: a list of what waits, one page for each, and the rule that suggests."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_

from app.audit import trail
from app.audit.masked import as_entry
from app.errors import DomainError
from app.models.charge import Charge
from app.models.early_fraud_warning import BY_PERSONS, OPEN, RESOLUTIONS, SETTLING, EarlyFraudWarning
from app.models.fraud_rule import LEVELS, MOST_DAYS
from app.risk import fraud_rules, fraud_warnings
from app.risk.warned import Warned, with_payments
from app.web import columns, history
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose, may
from app.web.filters import ChoiceFilter, Chosen, DateFilter, Filter, TextFilter, equals, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import Need, Permission, needs
from app.web.sessions import current_actor

_WARNING = EarlyFraudWarning
_STATES = {
    OPEN: _WARNING.to_work(),
    SETTLING: _WARNING.resolution.is_(None) & _WARNING.actionable.is_(False),
    "resolved": _WARNING.resolution.is_not(None),
    **{name: _WARNING.resolution == name for name in RESOLUTIONS},
    "all": _WARNING.id.is_not(None),
}
_LABELS = {OPEN: "To decide", SETTLING: "Over at Stripe", "resolved": "Resolved", **RESOLUTIONS, "all": "All"}
_BOX = Markup(
    '<label class="row-choice"><input class="form-check-input" type="checkbox" name="charge" value="{0}" form="choose"{1}>'
    '<span class="heard">Choose {0}</span></label>'
)


def _choice(line: Warned) -> Markup | str:
    """A box to tick, of the form on top of the list; ticked already where the rule suggests a refund."""
    if not line.can_be_chosen or line.charge is None or not may(Permission.REFUND_CREATE):
        return ""
    return _BOX.format(line.charge.id, Markup(" checked") if line.suggestion.what == "refund" else "")


class _Queue(ChoiceFilter):
    """Without any other wish, the list is what waits for a person."""

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        quiet = not any(arguments.get(name) for name in _WISHES)
        return super().read({self.name: OPEN} if quiet else arguments)


class FraudWarningsView(ListView[EarlyFraudWarning, Warned]):
    """/admin/fraud-warnings"""

    permission = Permission.RISK_READ
    endpoint = "fraud_warnings"
    section_url = "/admin/fraud-warnings"
    title = "Fraud warnings"
    group = "Risk"
    icon = "alert-triangle"
    model = EarlyFraudWarning
    noun = ("warning", "warnings")
    lead = "Payments that a card network calls stolen, before anybody disputes them."
    search_hint = "Warning, payment or payment intent id"
    order = "warned"
    template = "risk/warnings.html"
    empty_title = "No warning to decide"
    empty_text = "When a card network warns of a payment, it appears here."
    filters: ClassVar[Sequence[Filter]] = (
        _Queue(name="state", label="State", options=[(name, _LABELS[name]) for name in _STATES], match=one_of(_STATES)),
        TextFilter(name="type", label="Kind of fraud", match=lambda text: equals(_WARNING.fraud_type)(_code(text))),
        DateFilter(name="warned", label="Day (UTC)", column=_WARNING.created_at),
        TextFilter(name="by", label="Resolved by", match=lambda text: _WARNING.resolved_by == text.lower()),
    )
    columns = (
        columns.amount("amount", "Amount", lambda line: line.charge.total if line.charge else None),
        columns.status("state", "State", "fraud_warning", lambda line: line.warning.state),
        columns.Column(name="choose", label="Tick", show=_choice, exports=(), priority=1),
        columns.text("advice", "The rule suggests", lambda line: line.advice, priority=1),
        columns.amount("cost", "A dispute would take", lambda line: line.cost if line.advice else None, priority=2),
        columns.text("risk", "Risk", lambda line: line.risk, priority=2),
        columns.text("age", "Paid", lambda line: _days_ago(line.days), priority=3),
        columns.text("type", "The network says", lambda line: line.warning.says, priority=3),
        columns.instant("warned", "Warned", lambda line: line.warning.created_at, sort=_WARNING.created_at, priority=2),
        columns.code("charge", "Payment", lambda line: line.warning.charge_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(_WARNING.id == text, _WARNING.charge_id == text, _WARNING.payment_intent_id == text)

    def lines(self, rows: Sequence[EarlyFraudWarning]) -> Sequence[Warned]:
        return with_payments(rows)

    def line_url(self, line: Warned) -> str | None:
        return url_for(".details", key=line.warning.id)

    def render(self, template: str, **values: object) -> str:
        """Every page of the desk says by what it suggests."""
        rule = fraud_rules.in_words(fraud_rules.holding(current_account_id()))
        return super().render(template, rule=rule, may_rule=may(Permission.RULES_MANAGE), **values)

    @expose("/<key>", methods=("GET",))
    def details(self, key: str) -> ResponseReturnValue:
        """One warning: what it is about, what a dispute would take, and what can be done."""
        return self._page(find(EarlyFraudWarning, key, what="fraud warning"))

    @expose("/<key>", methods=("POST",))
    @needs(Permission.FRAUD_RESOLVE)
    def resolve(self, key: str) -> ResponseReturnValue:
        """Say what became of it, for good."""
        warning = find(EarlyFraudWarning, key, what="fraud warning")
        resolution, words = request.form.get("resolution", ""), request.form.get("words", "")
        try:
            fraud_warnings.resolve(
                warning.id, resolution, account_id=warning.account_id, words=words, actor=current_actor()
            )
        except DomainError as refusal:
            again = find(EarlyFraudWarning, key, what="fraud warning")
            return self._page(again, chosen=resolution, words=words, error=str(refusal), status=refusal.status)
        flash("Resolved, for good.", "success")
        return redirect(url_for(".index_view"), 303)

    def _page(
        self, warning: EarlyFraudWarning, *, chosen: str = "", words: str = "", error: str = "", status: int = 200
    ) -> ResponseReturnValue:
        [line] = with_payments([warning])
        of = line.charge.customer_id if line.charge else None
        page = self.render(
            "risk/warning.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            line=line,
            warning=warning,
            charge=line.charge,
            said=visible(warning.resolved_words, of=of),
            resolution=RESOLUTIONS.get(warning.resolution or ""),
            choices=[(name, RESOLUTIONS[name]) for name in BY_PERSONS if _is_possible(name, line.charge)],
            chosen=chosen,
            words=words,
            error=error,
            may_resolve=may(Permission.FRAUD_RESOLVE),
            may_refund=may(Permission.REFUND_CREATE),
            may_block=may(Permission.RISK_DECIDE),
            timeline=history.newest_first(
                [as_entry(entry, of=of) for entry in trail.of("fraud_warning", warning.id)],
                history.told([warning.id]),
            ),
        )
        return make_response(page, status)


class FraudRulesView(StaffView):
    """/admin/fraud-rules"""

    permission: ClassVar[Need] = Permission.RULES_MANAGE
    endpoint = "fraud_rules"
    section_url = "/admin/fraud-rules"
    title = "Fraud warning rule"
    group = "Oversight"
    icon = "alert-triangle"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """What holds, and what held before."""
        return self._page()

    @expose("/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """Set another rule; it holds from now on."""
        typed = {name: request.form.get(name, "") for name in ("days", "from_risk", "counts_blocked")}
        try:
            fraud_rules.set_rule(current_account_id(), typed, actor=current_actor())
        except DomainError as refusal:
            return make_response(self._page(typed=typed, error=str(refusal)), refusal.status)
        flash("Fraud warnings suggest by this rule from now on.", "success")
        return redirect(url_for(".index_view"), 303)

    def _page(self, *, typed: Mapping[str, str] | None = None, error: str = "") -> str:
        rules, rule = fraud_rules.all_of(current_account_id()), fraud_rules.holding(current_account_id())
        holds = {
            "days": str(rule.days),
            "from_risk": rule.from_risk,
            "counts_blocked": "yes" if rule.counts_blocked else "",
        }
        return self.render(
            "risk/warning_rule.html",
            rule=fraud_rules.in_words(rule),
            rules=[(one, fraud_rules.in_words(one)) for one in rules],
            levels=list(LEVELS.items()),
            most_days=MOST_DAYS,
            typed=typed or holds,
            error=error,
        )


_WISHES = ("q", *(name for filter_ in FraudWarningsView.filters for name in filter_.parameters))


def _is_possible(resolution: str, charge: Charge | None) -> bool:
    return resolution != "refunded_in_part" or fraud_warnings.refunded_in_part(charge)


def _days_ago(days: int | None) -> str | None:
    return None if days is None else "Today" if days <= 0 else f"{days} {'day' if days == 1 else 'days'} ago"


def _code(text: str) -> str:
    return text.lower().replace(" ", "_")
