"""How each table of the schema forgets a person. A table that stands nowhere here fails a test, until somebody decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.mirror.door import Door
from app.mirror.kinds import KINDS

GONE = "'Erased'"


@dataclass(frozen=True, slots=True)
class About:
    """Rows that are about the person's things: `refers` finds them by :ids, `sets` is what their columns become.

    Only rows that would change are written, so that a second pass finds nothing. Without `sets` the row itself goes.
    """

    table: str
    refers: str
    sets: Mapping[str, str] | None = None


# Copies of Stripe's objects, each with its door.
MIRRORED: dict[str, Door] = {
    door.table.name: door
    for kind in KINDS.values()
    for door in (kind.door, *([kind.family.door] if kind.family else []))
    # Of these, no row is a customer's.
    if door.table.name not in {"products", "prices", "payouts"}
}

# Of what was sent and what came back: amounts, and words of Stripe's own lists.
_PLAIN = (
    "(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(t.{}) "
    "WHERE jsonb_typeof(value) IN ('number', 'boolean') OR key IN ('status', 'currency', 'cancellation_reason', 'number'))"
)
_MAILS = "(t.customer_id = ANY(:ids) OR t.about_id = ANY(:ids) OR lower(t.recipient) = ANY(:mails))"
_EVENTS = "(t.customer_id = ANY(:ids) OR t.object_id = ANY(:ids))"
# The request to erase keeps its reason: it says why there is nothing to see, and is looked through for words like any other.
_REQUESTS = "t.object_id = ANY(:ids) AND t.id <> CAST(:erasure_id AS uuid) AND t.state NOT IN ('waiting', 'approved')"

ABOUT: tuple[About, ...] = (
    About("notes", "t.subject_id = ANY(:ids)", {"words": GONE}),
    About("tags", "t.subject_id = ANY(:ids)"),
    About("custom_values", "t.subject_id = ANY(:ids)"),
    About("mail_attachments", f"t.mail_id IN (SELECT t.id FROM mails t WHERE {_MAILS})",
          {"name": GONE, "content": "''::bytea"}),
    About("mails", "t.dedup_key ILIKE ANY(:patterns)", {"dedup_key": "'erased:' || t.id"}),
    About("mails", _MAILS, {
        "recipient": "'erased@erased.invalid'", "subject": GONE, "text": GONE, "html": "NULL", "sealed": "NULL", "error": "NULL",
        "dedup_key": "CASE WHEN t.dedup_key IS NOT NULL THEN 'erased:' || t.id END",
        "state": "CASE WHEN t.state = 'queued' THEN 'canceled' ELSE t.state END"}),
    About("dispute_drafts", "t.dispute_id = ANY(:ids)", {"texts": "'{}'::jsonb", "enhanced": "NULL", "appeal": "NULL"}),
    About("dispute_files", "t.dispute_id = ANY(:ids)", {"filename": GONE, "sha256": "''", "content": "''::bytea"}),
    About("refunds", "t.charge_id = ANY(:ids) AND t.status <> 'requested'", {
        name: f"CASE WHEN t.{name} IS NOT NULL THEN {GONE} END" for name in ("reason_text", "refusal", "closed_words")}),
    About("refund_batch_rows", "t.charge_id = ANY(:ids)", {
        "given": "t.charge_id", **{name: f"CASE WHEN t.{name} IS NOT NULL THEN {GONE} END" for name in ("words", "why_not")}}),
    About("acts", "(t.object_id = ANY(:ids) OR t.result_id = ANY(:ids)) AND t.status <> 'requested'", {
        "reason_text": f"CASE WHEN t.reason_text IS NOT NULL THEN {GONE} END",
        "refusal": f"CASE WHEN t.refusal IS NOT NULL THEN {GONE} END",
        "form": _PLAIN.format("form"), "result": f"CASE WHEN t.result IS NOT NULL THEN {_PLAIN.format('result')} END"}),
    About("approval_votes", f"t.words <> '' AND t.approval_id IN (SELECT t.id FROM approvals t WHERE {_REQUESTS})",
          {"words": GONE}),
    About("approvals", _REQUESTS, {
        "reason": GONE, "facts": "'{}'::jsonb", "outcome": f"CASE WHEN t.outcome IS NOT NULL THEN {GONE} END"}),
    About("alert_tries", "t.delivery_id IN (SELECT t.id FROM alert_deliveries t WHERE t.object_id = ANY(:ids))", {"answer": GONE}),
    About("alert_deliveries", "t.object_id = ANY(:ids)", {
        "text": GONE, "answer": f"CASE WHEN t.answer IS NOT NULL THEN {GONE} END"}),
    About("drifts", "t.object_id = ANY(:ids)"),
    About("gateway_calls", "t.object_id = ANY(:ids) OR t.idempotency_key = ANY(:keys)",
          {"parameters": "NULL", "error": "NULL"}),
    About("wanted_objects", "t.id = ANY(:ids)", {"error": "NULL"}),
    About("early_fraud_warnings", "t.charge_id = ANY(:ids)", {
        "resolved_words": f"CASE WHEN t.resolved_words IS NOT NULL THEN {GONE} END"}),
    About("debit_stops", "t.customer_id = ANY(:ids)", {
        "detail": "NULL", "words": f"CASE WHEN t.words IS NOT NULL THEN {GONE} END",
        "worked_words": f"CASE WHEN t.worked_words IS NOT NULL THEN {GONE} END"}),
    About("debit_notices", "t.customer_id = ANY(:ids)", {"words": f"CASE WHEN t.words IS NOT NULL THEN {GONE} END"}),
    About("card_update_links", "t.customer_id = ANY(:ids)", {"fingerprint": "NULL"}),
    About("payment_links", "t.customer_id = ANY(:ids)", {"title": GONE}),
    About("checkout_visits", "t.customer_id = ANY(:ids)", {"ip": "NULL", "user_agent": "NULL"}),
    About("webhook_tries", f"t.event_id IN (SELECT t.id FROM webhook_events t WHERE {_EVENTS})", {"error": "NULL"}),
    About("webhook_events", _EVENTS, {"error": "NULL"}),
    About("sign_in_attempts", "lower(t.email) = ANY(:mails)", {"email": "'erased'"}),
    About("block_list_items", "t.item_type = 'email' AND lower(t.value) = ANY(:mails)", {"value": "'erased'"}),
)  # fmt: skip

# Free text about anything at all: in it, the person's words are replaced, and the rest of it stays.
SWEPT: Mapping[str, Sequence[str]] = {
    "notes": ("words",),
    "custom_values": ("value",),
    "mails": ("subject", "text", "html", "error"),
    "refunds": ("reason_text", "refusal", "closed_words"),
    "refund_batches": ("name", "words"),
    "refund_batch_rows": ("given", "words", "why_not"),
    "acts": ("reason_text", "refusal"),
    "approvals": ("summary", "reason", "facts", "outcome"),
    "approval_votes": ("words",),
    "alert_deliveries": ("text", "answer"),
    "alert_tries": ("answer",),
    "alert_channels": ("shown",),
    "alert_rules": ("snooze_remark", "trouble"),
    "early_fraud_warnings": ("resolved_words",),
    "gateway_calls": ("parameters", "error"),
    "webhook_events": ("error",),
    "webhook_tries": ("error",),
    "wanted_objects": ("error",),
    "payment_links": ("title",),
    "saved_views": ("name", "asked"),
    "staff_sessions": ("unfinished",),
    "job_runs": ("error",),
    "job_run_lines": ("text",),
    "sync_runs": ("error",),
    "erasures": ("reason", "forced_because"),
}

# Reached in a way of their own.
OTHERWISE: Mapping[str, str] = {
    "audit_logs": "words go piece by piece, and the chain says so (trail.py)",
    "search_words": "a trigger follows the customer",
}

# Tables that hold nothing of the shop's customers, each with the reason why.
NOTHING: Mapping[str, str] = {
    "accounts": "the shop's own name",
    "allowed_networks": "networks of the house",
    "api_calls": "programs: routes without ids, and numbers",
    "api_keys": "programs",
    "approval_policies": "rules of the house",
    "authenticators": "staff",
    "customer_links": "ids only",
    "day_sums": "numbers of whole days",
    "debit_notice_rules": "rules of the house",
    "digest_wishes": "staff",
    "dispute_submissions": "ids, dates, and who of the staff",
    "erased_objects": "ids only: by them the person is kept out",
    "erasure_steps": "names of tables, and numbers",
    "disputes_left_alone": "ids, and who of the staff",
    "fight_costs": "what a minute of the house costs",
    "fraud_rules": "rules of the house",
    "known_devices": "staff",
    "last_chances": "rules of the house",
    "job_settings": "rules of the house",
    "mail_opt_outs": "ids, and a kind of letter: by them no letter is written",
    "evidence_policies": "the shop's terms",
    "invitations": "staff",
    "passkeys": "staff",
    "payouts": "the shop's own money and bank account",
    "prices": "goods",
    "products": "goods",
    "rate_buckets": "numbers",
    "recovery_codes": "staff",
    "refund_limits": "rules of the house",
    "refund_reasons": "a list of the house",
    "role_permissions": "rules of the house",
    "role_policies": "rules of the house",
    "sign_in_steps": "staff, for an hour at most",
    "saved_view_defaults": "which view is shown first",
    "staff": "staff",
    "sync_windows": "ids and instants",
    "webhook_endpoints": "addresses of the house",
    "webhook_refusals": "hashes of what was not believed",
}
