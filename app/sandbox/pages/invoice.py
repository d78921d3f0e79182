"""An invoice as its customer sees it: what for, how much, and a way to pay what is open; also as PDF."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.sandbox.billing import lines as invoice_lines
from app.sandbox.billing import paying
from app.sandbox.billing.invoices import the_invoice
from app.sandbox.checkout.payer import Payer, mandate_data
from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.http import Reply
from app.sandbox.pages import checkout_form, pdf, rendering
from app.sandbox.pages.checkout_form import FORMS, Entry
from app.sandbox.pages.fills import FILLS, typed
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj, Params
from app.sandbox.resources.bank_accounts import DEBITS
from app.sandbox.resources.currencies import shown
from app.sandbox.resources.inside import call
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@dataclass(frozen=True)
class Bill:
    invoice: Obj
    lines: list[Obj]
    intent: Obj | None = None
    saved: list[Obj] = field(default_factory=list)

    @property
    def payable(self) -> bool:
        waits = self.intent is None or self.intent["status"] != "processing"
        return bool(self.invoice["status"] == "open" and self.invoice["amount_remaining"] > 0 and waits)

    @property
    def kinds(self) -> list[str]:
        types = self.intent["payment_method_types"] if self.intent else ["card"]
        return [kind for kind in FORMS if kind in types]

    @property
    def ways(self) -> list[str]:
        return [*(method["id"] for method in self.saved), *self.kinds]


@route("GET", "/invoice/{id}")
def show(visit: Visit, id: str) -> Reply:  # noqa: A002
    bill = act(visit, lambda tx: _bill(tx, id))
    kind = str(visit.asked.get("way", "card"))
    entry = Entry(typed(kind, str(visit.asked.get("fill", ""))) or {"way": next(iter(bill.ways), "")})
    if visit.asked.get("redirect_status") == "failed":
        error = (bill.intent or {}).get("last_payment_error")
        entry.wrong[""] = (
            error["message"] if error else "Your bank did not confirm it. Try again, or pay in another way."
        )
    return _page(bill, entry)


@route("POST", "/invoice/{id}")
def pay(visit: Visit, id: str) -> Reply:  # noqa: A002
    entry = Entry({name: str(value) for name, value in visit.form.items()})
    bill = act(visit, lambda tx: _bill(tx, id))
    if not bill.payable:
        return _page(bill, entry)
    checkout_form.check_way(entry, bill.ways)
    if entry.wrong:
        return _page(bill, entry)
    try:
        intent = act(visit, lambda tx: _pay(tx, visit, id, entry))
    except StripeError as refusal:
        entry.blame(refusal)
        return _page(act(visit, lambda tx: _bill(tx, id)), entry)
    action = intent["next_action"] or {}
    if "redirect_to_url" in action:
        return rendering.redirect(action["redirect_to_url"]["url"])
    return rendering.redirect(f"/invoice/{id}")


@route("GET", "/invoice/{id}/pdf")
def as_pdf(visit: Visit, id: str) -> Reply:  # noqa: A002
    bill = act(visit, lambda tx: _bill(tx, id))
    invoice, currency = bill.invoice, bill.invoice["currency"]
    number = invoice["number"] or invoice["id"]
    text = [
        f"Invoice {number}",
        "",
        *pdf.row(rendering.SHOP, rendering.day(invoice["effective_at"] or invoice["created"])),
    ]
    text += ["", "To", *[line for line in (invoice["customer_name"], invoice["customer_email"]) if line], ""]
    for line in bill.lines:
        text += pdf.row(line["description"] or "", shown(line["amount"], currency))
    text += ["", *pdf.row("Total", shown(invoice["total"], currency))]
    text += pdf.row("Paid", shown(invoice["amount_paid"], currency))
    text += pdf.row("Left to pay", shown(invoice["amount_remaining"], currency))
    text += ["", "Made by a sandbox: no real money is asked for."]
    headers = {
        "Content-Disposition": f'inline; filename="Invoice-{_file_name(number)}.pdf"',
        "Cache-Control": "no-store",
    }
    return Reply(200, pdf.document(f"Invoice {number}", text), headers, content_type="application/pdf")


def _file_name(number: str) -> str:
    """A shop may number its invoices with anything."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in number)


@route("GET", "/credit_note/{id}/pdf")
def credit_note(visit: Visit, id: str) -> Reply:  # noqa: A002
    note = act(visit, lambda tx: tx.require("credit_note", id, lock=False))
    text = [f"Credit note {note['number']}", "", *pdf.row(rendering.SHOP, rendering.day(note["created"])), ""]
    text += pdf.row(f"For invoice {note['invoice']}", shown(note["amount"], note["currency"]))
    text += ["", "Made by a sandbox: no real money is given back."]
    headers = {"Content-Disposition": "inline", "Cache-Control": "no-store"}
    return Reply(200, pdf.document(f"Credit note {note['number']}", text), headers, content_type="application/pdf")


def _pay(tx: Tx, visit: Visit, invoice_id: str, entry: Entry) -> Obj:
    invoice = the_invoice(tx, invoice_id)
    if invoice["status"] != "open" or not invoice["amount_remaining"]:
        raise invalid("This invoice is not open any more.")
    intent = paying.open_intent(tx, invoice)
    email = invoice["customer_email"]
    method = entry.way if entry.way not in FORMS else checkout_form.new_method(tx, entry, email)["id"]
    words: Params = {"payment_method": method, "return_url": tx.page(f"/invoice/{invoice_id}")}
    if tx.require("payment_method", method, lock=False)["type"] in DEBITS:
        words["mandate_data"] = mandate_data(tx, Payer(method, agent=visit.agent))
    return call(tx, "POST", f"/v1/payment_intents/{intent['id']}/confirm", words)


def _bill(tx: Tx, invoice_id: str) -> Bill:
    invoice = tx.get("invoice", invoice_id)
    if invoice is None or invoice["status"] == "draft":
        raise no_such("invoice", invoice_id)
    intents = [bond["payment"]["payment_intent"] for bond in paying.bonds(tx, invoice_id) if bond["is_default"]]
    intent = tx.get("payment_intent", intents[0]) if intents else None
    saved = tx.find("payment_method", customer=invoice["customer"], limit=20) if invoice["customer"] else []
    types = intent["payment_method_types"] if intent else []
    offered = [method for method in saved if method["type"] in types]
    return Bill(invoice, invoice_lines.all_of(tx, invoice), intent, offered)


def _page(bill: Bill, entry: Entry) -> Reply:
    name = bill.invoice["number"] or bill.invoice["id"]
    return rendering.page("invoice", title=f"Invoice {name}", bill=bill, invoice=bill.invoice, entry=entry, fills=FILLS)
