"""The page where an admin says how much somebody may give back alone, and why money is given back."""

from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form, RadioField, SelectField, StringField, ValidationError, validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app.currencies import CURRENCIES
from app.errors import BadAmount, DomainError, Unknown
from app.models.refund_rules import EVERY, STRIPE_REASONS, RefundLimit
from app.money import MinorUnits, Money
from app.refunds import allowances, reasons
from app.web import proof
from app.web.admin import StaffView, expose
from app.web.permissions import ROLE_NAMES, Permission
from app.web.roles import roles_with
from app.web.sessions import current_actor

_SCOPES = [SelectChoice("role", "A role"), SelectChoice("person", "One person")]
_STRIPE = [
    SelectChoice("", "Nothing"),
    *(SelectChoice(code, code.replace("_", " ").capitalize()) for code in STRIPE_REASONS),
]


def _roles() -> list[SelectChoice]:
    """Those that may give money back in this shop, asked anew for every form: a shop changes what its roles may."""
    return [SelectChoice(role, ROLE_NAMES[role]) for role in roles_with(Permission.REFUND_CREATE)]


class LimitForm(Form):
    """An empty amount is no limit. The currency `*` is counted with two decimals."""

    scope = RadioField("Whose", choices=_SCOPES, default="role")
    role = SelectField("Role", choices=_roles)
    person = StringField("E-mail address")
    currency = StringField("Currency", [validators.InputRequired("Write a currency, or * for every other.")])
    approval_from = StringField("Another person from")
    per_day = StringField("At most a day")

    @property
    def name(self) -> str:
        return (self.role.data if self.scope.data == "role" else self.person.data) or ""

    def minor(self, field: StringField) -> MinorUnits | None:
        text = (field.data or "").strip()
        code = (self.currency.data or "").strip().lower()
        return Money.parse(text, "xxx" if code == EVERY else code).minor if text else None

    def validate_currency(self, field: StringField) -> None:
        if (field.data or "").strip().lower() not in {EVERY, *CURRENCIES}:
            raise ValidationError("There is no such currency. Write one like EUR, or * for every other.")

    def validate_approval_from(self, field: StringField) -> None:
        self._check(field)

    def validate_per_day(self, field: StringField) -> None:
        self._check(field)

    def _check(self, field: StringField) -> None:
        try:
            self.minor(field)
        except BadAmount as error:
            raise ValidationError(str(error)) from error


class ReasonForm(Form):
    """A reason to be offered."""

    words = StringField("Reason", [validators.InputRequired("Write the reason.")])
    stripe = SelectField("Told to Stripe as", choices=_STRIPE)


class RefundRulesView(StaffView):
    """/admin/refund-rules"""

    permission: ClassVar = Permission.RULES_MANAGE
    endpoint = "refund_rules"
    section_url = "/admin/refund-rules"
    title = "Refund rules"
    icon = "adjustments-horizontal"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        return self._page(LimitForm(), ReasonForm())

    @expose("/limits", methods=("POST",))
    def set_limit(self) -> ResponseReturnValue:
        """Set, or replace, the limit of a role or a person in one currency."""
        form = LimitForm(request.form)
        if not form.validate():
            return self._page(form, ReasonForm(), status=400)
        if ask := proof.missing(url_for(".index_view")):
            return ask
        try:
            allowances.set_limit(
                form.scope.data,
                form.name,
                form.currency.data or "",
                approval_from=form.minor(form.approval_from),
                per_day=form.minor(form.per_day),
                actor=current_actor(),
            )
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
            return self._page(form, ReasonForm(), status=refusal.status)
        return self._done("This limit holds from now on.")

    @expose("/limits/<number>/remove", methods=("POST",))
    def remove_limit(self, number: str) -> ResponseReturnValue:
        if not (number.isascii() and number.isdigit() and len(number) < len(str(2**63 - 1))):
            raise Unknown("There is no such limit.")
        if ask := proof.missing(url_for(".index_view")):
            return ask
        allowances.remove_limit(int(number), actor=current_actor())
        return self._done("The limit is removed.")

    @expose("/reasons", methods=("POST",))
    def add_reason(self) -> ResponseReturnValue:
        form = ReasonForm(request.form)
        if not form.validate():
            return self._page(LimitForm(), form, status=400)
        try:
            reasons.add(form.words.data or "", stripe=form.stripe.data or None, actor=current_actor())
        except DomainError as refusal:
            form.words.errors = [*form.words.errors, str(refusal)]
            return self._page(LimitForm(), form, status=refusal.status)
        return self._done("The reason can be chosen now.")

    @expose("/reasons/<code>/retire", methods=("POST",))
    def retire_reason(self, code: str) -> ResponseReturnValue:
        try:
            reasons.retire(code, actor=current_actor())
        except Unknown:
            raise
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(url_for(".index_view"), 303)
        return self._done("The reason is not offered any more. Refunds that have it keep it.")

    @expose("/reasons/<code>/restore", methods=("POST",))
    def restore_reason(self, code: str) -> ResponseReturnValue:
        reasons.restore(code, actor=current_actor())
        return self._done("The reason can be chosen again.")

    def _done(self, words: str) -> ResponseReturnValue:
        flash(words, "success")
        return redirect(url_for(".index_view"), 303)

    def _page(self, limit: LimitForm, reason: ReasonForm, *, status: int = 200) -> ResponseReturnValue:
        page = self.render(
            "refunds/rules.html",
            breadcrumbs=[("Refunds", url_for("refunds.index_view"))],
            limits=allowances.every(),
            reasons=reasons.every(),
            limit=limit,
            reason=reason,
            role_names=ROLE_NAMES,
            amount=_amount,
        )
        return make_response(page, status)


def _amount(limit: RefundLimit, minor: MinorUnits | None) -> str | None:
    """As the form takes it; `*` with two decimals."""
    if minor is None:
        return None
    return Money(minor, "xxx" if limit.currency == EVERY else limit.currency).grouped
