"""A row for every argument of every address: of our account, and of somebody else's."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar
from uuid import uuid4

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import Base, db, transaction
from app.models.act import Act
from app.models.alert import AlertChannel, AlertDelivery, AlertRule
from app.models.api_key import ApiKey
from app.models.approval import Approval
from app.models.audit_log import AuditLog
from app.models.block_list_item import BlockListItem
from app.models.charge import Charge
from app.models.credit_note import CreditNote
from app.models.customer import Customer
from app.models.debit_stop import DebitStop
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeFile
from app.models.drift import Drift
from app.models.early_fraud_warning import EarlyFraudWarning
from app.models.erasure import Erasure
from app.models.gateway_call import GatewayCall
from app.models.invitation import Invitation
from app.models.invoice import Invoice
from app.models.job_run import JobRun
from app.models.mail import Mail, MailAttachment
from app.models.mandate import Mandate
from app.models.payment_intent import PaymentIntent
from app.models.payment_link import PaymentLink
from app.models.payment_method import PaymentMethod
from app.models.payout import Payout
from app.models.refund import Refund
from app.models.refund_batch import RefundBatch
from app.models.refund_rules import RefundLimit
from app.models.remark import Note
from app.models.review import Review
from app.models.saved_view import SavedView
from app.models.staff import ROLES, Staff
from app.models.webhook_event import WebhookEvent
from tests import factories
from tests.disputes.papers import pdf
from tests.factories import NOON

Row = TypeVar("Row", bound=Base)
# Stands in everything that is made here, so that a page which shows it gives itself away.
MARK = "quetzal"


class Shop:
    """One row of each kind, of one account; each is made when it is first asked for."""

    def __init__(self, account_id: int) -> None:
        self._of: dict[str, Any] = {"account_id": account_id}
        self._name = f"{MARK} {account_id}"

    @cached_property
    def customer(self) -> Customer:
        made = factories.customer(email=f"{MARK}@example.com", name=self._name, **self._of)
        factories.payment_method(customer_id=made.id, fingerprint=f"{MARK}{made.id}", **self._of)
        return made

    @cached_property
    def other_customer(self) -> Customer:
        return factories.customer(email=f"{MARK}@example.com", name=self._name, **self._of)

    @cached_property
    def charge(self) -> Charge:
        return factories.charge(
            customer_id=self.customer.id, receipt_email=f"{MARK}@example.com", description=self._name, **self._of
        )

    @cached_property
    def refund(self) -> Refund:
        return factories.refund(self.charge, **self._of)

    @cached_property
    def intent(self) -> PaymentIntent:
        return factories.payment_intent(customer_id=self.customer.id, description=self._name, **self._of)

    @cached_property
    def review(self) -> Review:
        return factories.review(self.charge, **self._of)

    @cached_property
    def fraud_warning(self) -> EarlyFraudWarning:
        return factories.fraud_warning(self.charge, **self._of)

    @cached_property
    def dispute(self) -> Dispute:
        return factories.dispute(self.charge, **self._of)

    @cached_property
    def evidence_file(self) -> DisputeFile:
        return _added(
            DisputeFile(
                id=uuid4(), dispute_id=self.dispute.id, field="receipt", filename=f"{MARK}.pdf", kind="pdf", size=1_000,
                pages=1, sha256="0" * 64, content=pdf(), added_by="ana@shop.example", added_at=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def debit_stop(self) -> DebitStop:
        return _added(
            DebitStop(
                subject_type="customer", subject_id=self.customer.id, customer_id=self.customer.id, reason="by_hand",
                words=self._name, since=NOON, set_at=NOON, set_by="ana@shop.example", **self._of,
            )
        )  # fmt: skip

    @cached_property
    def coming(self) -> Invoice:
        """An invoice that Stripe will debit an account for."""
        account = factories.payment_method(type="sepa_debit", customer_id=self.customer.id, brand=None, **self._of)
        order = factories.subscription(customer_id=self.customer.id, default_payment_method_id=account.id, **self._of)
        return factories.open_invoice(
            customer_id=self.customer.id, subscription_id=order.id, number=self._name,
            next_payment_attempt_at=clock.now() + timedelta(days=9), **self._of,
        )  # fmt: skip

    @cached_property
    def method(self) -> PaymentMethod:
        return factories.payment_method(
            customer_id=self.customer.id, billing_details={"name": self._name}, brand=MARK, **self._of
        )

    @cached_property
    def mandate(self) -> Mandate:
        return factories.mandate(customer_id=self.customer.id, reference=self._name, **self._of)

    @cached_property
    def payout(self) -> Payout:
        return factories.payout(**self._of)

    @cached_property
    def event(self) -> WebhookEvent:
        return factories.event(**self._of)

    @cached_property
    def blocked(self) -> BlockListItem:
        return _added(
            BlockListItem(
                id=f"rsli_{self._of['account_id']}", list_id="rsl_1", item_type="email", value=f"{MARK}@example.com",
                created_at=NOON, read_at=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def mail(self) -> Mail:
        return _added(
            Mail(
                kind="receipt.copy", recipient=f"{MARK}@example.com", subject=self._name, text="x",
                asked_by="ana@shop.example", queued_at=NOON, not_before=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def attachment(self) -> MailAttachment:
        return _added(MailAttachment(mail_id=self.mail.id, name=f"{MARK}.txt", type="text/plain", content=b"x"))

    @cached_property
    def note(self) -> Note:
        return _added(
            Note(
                note_id=uuid4(), version=1, subject_type="charge", subject_id=self.charge.id, words=self._name,
                written_by="ana@shop.example", written_at=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def approval(self) -> Approval:
        now = clock.now()
        return _added(
            Approval(
                act="refund.create", object_type="charge", object_id=self.charge.id, payload={}, facts={},
                summary=self._name, asked_by_id=somebody().id, asked_by=somebody().email, asked_at=now, reason="Late",
                needed=1, state="waiting", expires_at=now.replace(year=now.year + 1), **self._of,
            )
        )  # fmt: skip

    @cached_property
    def saved_view(self) -> SavedView:
        return _added(
            SavedView(
                list_name="views", owner_id=somebody().id, name=self._name, asked={}, shared_with=list(ROLES),
                created_at=NOON, changed_at=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def credit_note(self) -> CreditNote:
        return factories.credit_note(memo=self._name, **self._of)

    @cached_property
    def batch(self) -> RefundBatch:
        return _added(
            RefundBatch(
                name=self._name, words="Recall", state="draft", made_by="ana@shop.example", made_at=NOON, **self._of
            )
        )

    @cached_property
    def erasure(self) -> Erasure:
        return _added(
            Erasure(
                id=uuid4(), customer_id=self.other_customer.id, state="done", asked_by="ana@shop.example", reason=self._name,
                obstacles=[], begun_at=NOON, done_at=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def act(self) -> Act:
        return factories.act(object_id=self.intent.id, reason_text=self._name, **self._of)

    @cached_property
    def alert(self) -> AlertRule:
        return _added(
            AlertRule(
                source="failed_refunds", more_than=0, window_hours=24, made_by="ana@shop.example", created_at=NOON,
                channels=[AlertChannel(kind="mail", shown=f"{MARK}@example.com")], **self._of,
            )
        )  # fmt: skip

    @cached_property
    def told(self) -> AlertDelivery:
        return _added(
            AlertDelivery(
                rule_id=self.alert.id, channel_id=self.alert.channels[0].id, kind="test", object_type="refund",
                object_id="re_1", text=self._name, dedup_key="test", raised_at=NOON, not_before=NOON, state="snoozed",
                **self._of,
            )
        )  # fmt: skip

    @cached_property
    def payment_link(self) -> PaymentLink:
        return _added(
            PaymentLink(
                token=uuid4().hex, title=self._name, amount=2_000, currency="eur", created_by="ana@shop.example",
                created_at=NOON, **self._of,
            )
        )  # fmt: skip

    @cached_property
    def drift(self) -> Drift:
        return _added(
            Drift(
                kind="charge", object_id=self.charge.id, field="amount", local="1", remote="2", found_at=NOON, seen_at=NOON,
                **self._of,
            )
        )  # fmt: skip

    @cached_property
    def api_key(self) -> ApiKey:
        return _added(
            ApiKey(
                name=self._name, prefix=f"cf_test_{uuid4().hex[:12]}", secret_hash=b"0" * 32, scopes=["sync"],
                created_by="ana@shop.example", owner_id=somebody().id, created_at=NOON, **self._of,
            )
        )  # fmt: skip


# Section and argument of an address → what stands there. A new route with an argument needs its line here.
ARGUMENTS: dict[str, Callable[[Shop], object]] = {
    "acts.key": lambda shop: shop.act.id,
    "alert_log.key": lambda shop: shop.told.id,
    "alerts.key": lambda shop: shop.alert.id,
    "api_keys.key": lambda shop: shop.api_key.id,
    "approvals.key": lambda shop: shop.approval.id,
    "block_list.key": lambda shop: shop.blocked.id,
    "charges.key": lambda shop: shop.charge.id,
    "credit_notes.key": lambda shop: shop.credit_note.id,
    "customers.fingerprint": lambda shop: f"{MARK}{shop.customer.id}",
    "customers.key": lambda shop: shop.customer.id,
    "debit_stops.key": lambda shop: shop.debit_stop.id,
    "debits_to_come.key": lambda shop: shop.coming.id,
    "disputes.field": lambda shop: shop.evidence_file.field,
    "disputes.key": lambda shop: shop.dispute.id,
    "erasures.customer_id": lambda shop: shop.customer.id,
    "erasures.key": lambda shop: shop.erasure.id,
    "expiring_cards.key": lambda shop: shop.method.id,
    "mandates.key": lambda shop: shop.mandate.id,
    "mails.key": lambda shop: shop.mail.id,
    "mails.number": lambda shop: shop.attachment.id,
    "methods.key": lambda shop: shop.method.id,
    "payment_links.key": lambda shop: shop.payment_link.id,
    "payments.key": lambda shop: shop.intent.id,
    "payouts.key": lambda shop: shop.payout.id,
    "receipts.key": lambda shop: shop.charge.id,
    "refund_batches.key": lambda shop: shop.batch.id,
    "refunds.key": lambda shop: shop.refund.id,
    "remarks.key": lambda shop: shop.charge.id,
    "remarks.kind": lambda _: "charge",
    "remarks.note_id": lambda shop: shop.note.note_id,
    "fraud_warnings.key": lambda shop: shop.fraud_warning.id,
    "reviews.key": lambda shop: shop.review.id,
    "views.key": lambda shop: shop.saved_view.id,
    "sync.key": lambda shop: shop.drift.id,
    "sync_api.object_id": lambda shop: shop.charge.id,
    "webhooks.event_id": lambda shop: shop.event.id,
}

# The same for what belongs to the house, whichever account it works for: there is no "somebody else's" of these.
OF_THE_HOUSE: dict[str, Callable[[], object]] = {
    "approval_rules.act": lambda: "refund.create",
    "audit.entry_id": lambda: _audit_entry().id,
    "evidence_words.kind": lambda: "refund",
    "gateway_calls.key": lambda: _call().id,
    "invitations.key": lambda: _invitation().id,
    "invitations.staff_id": lambda: somebody().id,
    "card.token": lambda: "unknown",
    "checkout.secret": lambda: "unknown",
    "checkout.token": lambda: "unknown",
    "job_runs.key": lambda: _run().id,
    "jobs.job": lambda: "keep_house",
    "links.token": lambda: "unknown",
    "networks.scope": lambda: "everybody",
    "refund_rules.code": lambda: "other",
    "refund_rules.number": lambda: _limit().id,
    "staff.role": lambda: "support",
    "staff.staff_id": lambda: somebody().id,
    "static.filename": lambda: "unknown",
}

# Ids that come in a form or a query instead of the address.
IN_FORMS: dict[str, Callable[[Shop], dict[str, object]]] = {
    "block_list.add_of_payment": lambda shop: {"charge": shop.charge.id},
    "block_list.new": lambda shop: {"charge": shop.charge.id},
    "customers.link": lambda shop: {"other": shop.other_customer.id},
    "customers.part": lambda shop: {"other": shop.other_customer.id},
    "debit_stops.create": lambda shop: {"customer": shop.customer.id, "words": "Wrote"},
    "refunds.create": lambda shop: {"charge": shop.charge.id},
    "refunds.new": lambda shop: {"charge": shop.charge.id},
}


def somebody() -> Staff:
    """A colleague whom no test is about."""
    email = f"{MARK}-colleague@shop.example"
    known = db.session.query(Staff).filter_by(email=email).first()
    return known or _added(Staff(email=email, name=MARK, role="support", created_at=NOON))


def _audit_entry() -> AuditLog:
    with transaction():
        return trail.record(Actor.command("tests"), "staff.added", "staff", f"{MARK}@example.com", after={})


def _call() -> GatewayCall:
    return _added(GatewayCall(at=NOON, method="POST", path="/v1/refunds", status=200, duration_ms=18))


def _invitation() -> Invitation:
    now = clock.now()
    later = now.replace(year=now.year + 1)
    return _added(
        Invitation(
            token_hash=b"0" * 32, email=f"{MARK}@example.com", role="support", invited_by="ana@shop.example",
            created_at=now, expires_at=later,
        )
    )  # fmt: skip


def _run() -> JobRun:
    return _added(
        JobRun(job="keep_house", due_at=clock.now(), state="failed", started_at=NOON, finished_at=NOON, error="x")
    )


def _limit() -> RefundLimit:
    return _added(RefundLimit(scope="role", name="support", currency="eur", per_day=1, set_at=NOON, set_by="ana"))


def _added(row: Row) -> Row:
    with transaction():
        db.session.add(row)
    return row
