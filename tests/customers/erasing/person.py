"""A person whose every word is unusual, with a row of theirs in every table that can hold one."""
# ruff: noqa: E501 - a row a line

from typing import Any
from uuid import uuid4

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.mirror import kinds
from app.models.act import Act
from app.models.alert import AlertChannel, AlertDelivery, AlertRule, AlertTry
from app.models.block_list_item import BlockListItem
from app.models.dispute_draft import DisputeDraft, DisputeFile
from app.models.gateway_call import GatewayCall
from app.models.job_run import JobRun
from app.models.mail import Mail, MailAttachment
from app.models.refund import Refund
from app.models.refund_batch import RefundBatch, RefundBatchRow
from app.models.remark import CustomValue, Note, Tag
from app.models.staff import SignInAttempt
from app.models.wanted_object import WantedObject
from app.webhooks import inbox
from app.webhooks.envelope import of
from tests import factories
from tests.factories import NOON
from tests.objects import told
from tests.webhooks.signing import event

T = 1_790_000_000
ANA = Actor("staff", "ana@shop.example", ip="203.0.113.7")


class Person:
    """`mark` stands in every word about the person; `key` in the ids."""

    def __init__(self, key: str, mark: str) -> None:
        self.key, self.mark = key, mark
        self.customer_id = f"cus_{key}"
        self.mail = f"{mark}.{mark}@{mark}.example"
        self.name = f"{mark.title()} van {mark.title()}"
        self.account_id = factories.account().id

    @property
    def address(self) -> dict[str, str]:
        mark = self.mark
        return {
            "line1": f"{mark} street 7",
            "line2": mark,
            "city": mark,
            "postal_code": mark,
            "state": mark,
            "country": "DE",
        }

    @property
    def metadata(self) -> dict[str, str]:
        return {"who": self.mark, self.mark: "1"}

    def objects(self, *, second: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Everything at Stripe, parents first."""
        key, mark, mail, address = self.key, self.mark, self.mail, self.address
        billing = {
            "name": self.name,
            "email": mail,
            "phone": f"+49 170 55{len(mark)}1234",
            "address": address,
            "tax_id": mark,
        }
        common = {"created": T + second, "metadata": self.metadata, "customer": self.customer_id}
        card = {
            "brand": "visa",
            "country": "DE",
            "last4": mark,
            "fingerprint": mark,
            "exp_month": 4,
            "exp_year": 2031,
            "name": mark,
        }
        return [
            ("customer", {"id": self.customer_id, "object": "customer", "email": mail, "name": self.name, "phone": billing["phone"],
                "description": mark, "address": address, "shipping": {"name": mark, "address": address, "phone": mark},
                "balance": -300, "currency": "eur", "invoice_settings": {"footer": mark, "default_payment_method": f"pm_{key}"},
                "created": T, "metadata": self.metadata, "delinquent": False, "tax_exempt": "none"}),
            ("payment_method", {**common, "id": f"pm_{key}", "object": "payment_method", "type": "card", "billing_details": billing,
                "card": card}),
            ("mandate", {"id": f"mandate_{key}", "object": "mandate", "status": "active", "type": "multi_use",
                "payment_method": f"pm_{key}", "payment_method_details": {"type": "sepa_debit", "sepa_debit": {"url": mark}},
                "customer_acceptance": {"type": "online", "accepted_at": T, "online": {"ip_address": mark, "user_agent": mark}}}),
            ("setup_intent", {**common, "id": f"seti_{key}", "object": "setup_intent", "status": "succeeded", "description": mark,
                "last_setup_error": {"code": "card_declined", "message": mark}}),
            ("payment_intent", {**common, "id": f"pi_{key}", "object": "payment_intent", "amount": 5000, "amount_received": 5000,
                "currency": "eur", "status": "succeeded", "description": mark, "receipt_email": mail, "statement_descriptor": mark,
                "shipping": {"name": mark, "address": address}, "last_payment_error": {"code": "x", "message": mark}}),
            ("charge", {**common, "id": f"ch_{key}", "object": "charge", "amount": 5000, "amount_captured": 5000,
                "amount_refunded": 1000, "currency": "eur", "status": "succeeded", "paid": True, "captured": True,
                "description": mark, "receipt_email": mail, "receipt_url": f"https://x/{mark}", "billing_details": billing,
                "shipping": {"name": mark, "address": address}, "calculated_statement_descriptor": mark.upper(),
                "statement_descriptor_suffix": mark, "payment_intent": f"pi_{key}", "payment_method": f"pm_{key}",
                "failure_message": mark, "fraud_details": {"user_report": mark}, "balance_transaction": f"txn_{key}",
                "outcome": {"type": "authorized", "risk_level": "normal", "seller_message": mark},
                "payment_method_details": {"type": "card", "card": card}, "level3": {"merchant_reference": mark}}),
            ("balance_transaction", {"id": f"txn_{key}", "object": "balance_transaction", "created": T, "amount": 5000, "fee": 175,
                "net": 4825, "currency": "eur", "type": "charge", "reporting_category": "charge", "status": "available",
                "source": f"ch_{key}", "description": mark}),
            ("refund", {"id": f"re_{key}", "object": "refund", "created": T, "amount": 1000, "currency": "eur",
                "status": "succeeded", "charge": f"ch_{key}", "metadata": self.metadata, "description": mark,
                "instructions_email": mail, "destination_details": {"type": "card", "card": {"reference": "74951"}}}),
            ("dispute", {"id": f"dp_{key}", "object": "dispute", "created": T, "amount": 5000, "currency": "eur", "status": "lost",
                "reason": "fraudulent", "charge": f"ch_{key}", "metadata": self.metadata,
                "evidence": {"customer_name": mark, "customer_email_address": mail, "uncategorized_text": mark}}),
            ("radar.early_fraud_warning", {"id": f"issfr_{key}", "object": "radar.early_fraud_warning", "created": T,
                "charge": f"ch_{key}", "actionable": False, "fraud_type": "misc", "note": mark}),
            ("review", {"id": f"prv_{key}", "object": "review", "created": T, "charge": f"ch_{key}", "open": False,
                "billing_zip": mark, "ip_address": mark, "ip_address_location": {"city": mark, "country": "DE", "latitude": 1.5}}),
            ("subscription", {**common, "id": f"sub_{key}", "object": "subscription", "status": "canceled", "currency": "eur",
                "description": mark, "cancellation_details": {"comment": mark, "feedback": "unused"},
                "items": {"data": [{"id": f"si_{key}", "price": {"id": "price_gold", "nickname": mark}, "quantity": 1,
                                    "metadata": self.metadata}]}}),
            ("invoice", {**common, "id": f"in_{key}", "object": "invoice", "number": f"A-{len(key)}", "currency": "eur",
                "status": "paid", "total": 5000, "amount_due": 5000, "amount_paid": 5000, "customer_email": mail,
                "customer_name": self.name, "customer_address": address, "customer_phone": mark, "description": mark,
                "footer": mark, "custom_fields": [{"name": mark, "value": mark}], "hosted_invoice_url": mark, "invoice_pdf": mark,
                "customer_tax_ids": [{"value": mark}], "total_taxes": [{"amount": 7, "taxability_reason": "standard_rated"}],
                "lines": {"data": [{"id": f"il_{key}", "amount": 5000, "currency": "eur", "description": mark,
                                    "metadata": self.metadata}]}}),
            ("invoice_payment", {"id": f"inpay_{key}", "object": "invoice_payment", "created": T, "invoice": f"in_{key}",
                "amount_paid": 5000, "currency": "eur", "status": "paid",
                "payment": {"type": "payment_intent", "payment_intent": f"pi_{key}"}, "note": mark}),
            ("credit_note", {**common, "id": f"cn_{key}", "object": "credit_note", "number": f"A-{len(key)}-CN", "status": "issued",
                "currency": "eur", "total": 1000, "invoice": f"in_{key}", "memo": mark, "pdf": mark,
                "refunds": [{"refund": f"re_{key}", "amount_refunded": 1000}]}),
            ("checkout.session", {**common, "id": f"cs_test_{key}", "object": "checkout.session", "mode": "payment",
                "status": "complete", "payment_status": "paid", "amount_total": 5000, "currency": "eur", "url": mark,
                "customer_details": {"email": mail, "name": self.name, "address": address}, "client_reference_id": mark,
                "custom_fields": [{"key": mark, "text": {"value": mark}}], "payment_intent": f"pi_{key}"}),
        ]  # fmt: skip

    def events(self, *, second: int = 0) -> list[dict[str, Any]]:
        """What Stripe would tell of it, each once."""
        types = {"customer": "customer.updated", "radar.early_fraud_warning": "radar.early_fraud_warning.updated",
                 "dispute": "charge.dispute.updated", "subscription": "customer.subscription.updated", "refund": "refund.updated",
                 "review": "review.closed"}  # fmt: skip
        said = []
        for number, (kind, obj) in enumerate(self.objects(second=second)):
            name = types.get(kind, f"{kind}.updated")
            one = event(name, obj, id=f"evt_{self.key}{second}x{number}", created=T + second)
            one["data"]["previous_attributes"] = {"description": self.mark, "metadata": self.metadata}
            one["request"] = {"id": "req_1", "idempotency_key": self.mark}
            said.append(one)
        return said

    def arrive(self) -> None:
        """All of it comes in by webhook, and what has no event by a read."""
        with transaction():
            for kind, obj in self.objects():
                kinds.save_all(kind, [obj], told(self.account_id))
        inbox.take_in(
            [of(one) for one in self.events(second=5) if one["data"]["object"]["object"] != "balance_transaction"]
        )

    def be_worked_on(self) -> None:
        """What staff wrote, and what was done."""
        key, mark, account_id = self.key, self.mark, self.account_id
        charge_id, dispute_id = f"ch_{key}", f"dp_{key}"
        batch_id, rule_id, channel_id, told_id = uuid4(), uuid4(), uuid4(), uuid4()
        with transaction():
            refund = db.session.query(Refund).filter_by(stripe_id=f"re_{key}").one()
            refund.reason_text, refund.requested_by, refund.requested_at = mark, ANA.name, NOON
            refund.closed_words, refund.refusal = mark, mark
            letter = Mail(account_id=account_id, kind="receipt.copy", recipient=self.mail, subject=mark, text=mark, html=mark,
                          customer_id=self.customer_id, dedup_key=f"receipt:{self.mail}", asked_by=ANA.name, queued_at=NOON,
                          not_before=NOON, about_type="charge", about_id=charge_id)  # fmt: skip
            to_staff = Mail(account_id=account_id, kind="approval.asked", recipient="ben@shop.example",
                            subject=f"About {self.name}", text=f"{self.mail.upper()} wrote again; order 7", asked_by="approvals",
                            queued_at=NOON, not_before=NOON)  # fmt: skip
            db.session.add_all([letter, to_staff])
            db.session.flush()
            db.session.add_all(
                [
                    MailAttachment(mail_id=letter.id, name=f"{mark}.pdf", type="application/pdf", content=mark.encode()),
                    Note(note_id=uuid4(), version=1, account_id=account_id, subject_type="customer", subject_id=self.customer_id,
                         words=mark, written_by=ANA.name, written_at=NOON),
                    Note(note_id=uuid4(), version=1, account_id=account_id, subject_type="payout", subject_id="po_1",
                         words=f"Ask {self.name} about it, or {self.mail}.", written_by=ANA.name, written_at=NOON),
                    Tag(account_id=account_id, subject_type="charge", subject_id=charge_id, tag=mark, added_by=ANA.name, added_at=NOON),
                    CustomValue(account_id=account_id, subject_type="customer", subject_id=self.customer_id, name=mark, value=mark,
                                set_by=ANA.name, set_at=NOON),
                    Act(id=uuid4(), account_id=account_id, kind="dispute.submit", lock=f"dispute:{dispute_id}", object_type="dispute",
                        object_id=dispute_id, method="POST", path=f"/v1/disputes/{dispute_id}",
                        form={"evidence": {"customer_name": mark}, "amount": 5}, status="done", reason_text=mark,
                        requested_by=ANA.name, requested_at=NOON, result_id=dispute_id, result={"status": "lost", "note": mark},
                        refusal=mark),
                    DisputeDraft(account_id=account_id, dispute_id=dispute_id, number=1, texts={"customer_name": mark},
                                 enhanced={"who": mark}, appeal=mark, saved_by=ANA.name, saved_at=NOON),
                    DisputeFile(id=uuid4(), account_id=account_id, dispute_id=dispute_id, field="receipt", filename=f"{mark}.pdf",
                                kind="pdf", size=3, pages=1, sha256="00", content=mark.encode(), added_by=ANA.name, added_at=NOON),
                    GatewayCall(at=NOON, method="POST", path="/v1/refunds", idempotency_key=f"refund:{refund.id}", object_id=None,
                                duration_ms=1, parameters=mark, error=mark),
                    GatewayCall(at=NOON, method="POST", path="/v1/customers", idempotency_key="k", object_id="cus_new", duration_ms=1,
                                parameters=f'{{"email": "{self.mail}"}}', error=None),
                    AlertRule(id=rule_id, account_id=account_id, source="x", more_than=0, window_hours=1, made_by=ANA.name,
                              created_at=NOON, snooze_remark=f"{self.mail} knows", trouble=self.mail),
                    AlertChannel(id=channel_id, rule_id=rule_id, kind="mail", shown=self.mail),
                    RefundBatch(id=batch_id, account_id=account_id, name=f"For {self.name}", words=f"{self.mail} asked", state="draft",
                                made_by=ANA.name, made_at=NOON),
                    SignInAttempt(at=NOON, email=self.mail, ip="203.0.113.9", succeeded=False),
                    BlockListItem(id=f"rsli_{key}", account_id=account_id, list_id="rsl_1", item_type="email", value=self.mail,
                                  read_at=NOON),
                    JobRun(job=f"x_{key}", due_at=NOON, state="failed", error=f"ValueError: {self.mail}"),
                    WantedObject(account_id=account_id, kind="charge", id=charge_id, wanted_at=NOON, next_try_at=NOON, error=mark),
                ]
            )  # fmt: skip
            db.session.flush()
            db.session.add_all(
                [
                    AlertDelivery(id=told_id, account_id=account_id, rule_id=rule_id, channel_id=channel_id, kind="x",
                                  object_type="charge", object_id=charge_id,
                                  text=mark, dedup_key=charge_id, raised_at=NOON, not_before=NOON, state="sent", answer=mark),
                    AlertTry(delivery_id=told_id, at=NOON, answer=mark),
                    RefundBatchRow(batch_id=batch_id, number=1, given=mark, charge_id=charge_id, amount=5, currency="eur",
                                   reason="duplicate", words=mark, state="refused", why_not=mark),
                    RefundBatchRow(batch_id=batch_id, number=2, given=self.mail, state="bad", why_not=f"{self.mail} is no payment"),
                ]
            )  # fmt: skip
        self._trail(refund.id)

    def _trail(self, refund_id: object) -> None:
        mark = self.mark
        for action, kind, key, reason, after in (
            (
                "refund.requested",
                "refund",
                str(refund_id),
                mark,
                {"amount": "10.00 EUR", "charge": f"ch_{self.key}", "to": mark},
            ),
            ("tag.added", "charge", f"ch_{self.key}", None, {"tags": [mark]}),
            ("personal.read", "customer", self.customer_id, None, None),
            ("list.exported", "list", "customers", None, {"filters": [f"Search: {self.mail}"], "rows": 3}),
            ("staff.sign_in_failed", "staff", self.mail, None, {"network": "x"}),
            ("object.synced", "payout", "po_1", f"{self.name.upper()} called", {"status": "paid"}),
        ):
            with transaction():
                trail.record(ANA, action, kind, key, account_id=self.account_id, reason=reason, after=after)
