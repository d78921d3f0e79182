"""Acts as people say them. Read the table from the top; an act that is not in it is still shown, by its name."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from app.models.audit_log import AuditLog

# {who} and {what} are the actor and the object; {after.amount} is a field of what changed.
SENTENCES: dict[str, str] = {
    "refund.requested": "{who} asked for a refund of {after.amount} of {after.charge}",
    "refund.answered": "{who} answered refund {what}: {after.status}",
    "refund.refused": "{who} refused refund {what}: {after.why}",
    "refund.needs_person": "{who} found no trace of refund {what} at Stripe and calls for a person",
    "refund.closed": "{who} closed the case of refund {what}",
    "refund.limit_set": "{who} set the refund limit of {what}",
    "refund.limit_removed": "{who} removed a refund limit of {what}",
    "refund.reason_added": "{who} added the refund reason {after.words}",
    "refund.reason_retired": "{who} retired the refund reason {after.words}",
    "refund.reason_restored": "{who} offers the refund reason {after.words} again",
    "refund.withdrawn": "{who} withdrew refund {what}, which had never reached Stripe",
    "refund.trace_sent": "{who} mailed the trace number of refund {what} to the customer",
    "refund.trace_sent_elsewhere": "{who} mailed the trace number of refund {what} to an address that is not the customer's",
    "refund.credit_note.requested": "{who} asked for a credit note of {after.amount} for invoice {after.invoice}",
    "refund.credit_note.answered": "{who} wrote credit note {after.number} for refund {what}",
    "refund.credit_note.refused": "{who} refused the credit note for refund {what}: {after.why}",
    "refund_batch.made": "{who} had a list of {after.rows} refunds checked: {after.name}",
    "refund_batch.started": "{who} started the batch of refunds {after.name}, {after.total}",
    "refund_batch.withdrawn": "{who} withdrew {after.rows} refunds of the batch {after.name}",
    "refund_batch.finished": "{who} finished the batch of refunds {after.name}: {after.made} made, {after.refused} refused",
    "alert.rule_made": "{who} made an alert rule for {after.source}",
    "alert.rule_snoozed": "{who} silenced alert rule {what} until {after.until}",
    "alert.rule_woken": "{who} woke alert rule {what}",
    "alert.rule_tested": "{who} tried alert rule {what} out",
    "alert.rule_ended": "{who} ended an alert rule for {after.source}",
    "digest.wished": "{who} set the daily digest to {after.zone}, wanted: {after.wanted}",
    "receipt.sent": "{who} sent the receipt of {what} over {after.total}",
    "mail.sent_again": "{who} sent mail {what} once more",
    "mail.canceled": "{who} kept mail {what} back",
    "approval.asked": "{who} asked for another person's word: {after.what}",
    "approval.approved": "{who} agreed to what {after.asked_by} asked for: {after.what}",
    "approval.declined": "{who} declined what {after.asked_by} asked for: {after.what}",
    "approval.withdrawn": "{who} withdrew the request: {after.what}",
    "approval.expired": "Nobody decided request {what} in time: {after.what}",
    "approval.done": "{who} carried out what was agreed to: {after.what}",
    "approval.failed": "{who} could not carry out what was agreed to: {after.outcome}",
    "approval.policy_set": "{who} changed when {what} needs another person's word",
    "payment.capture.requested": "{who} asked to capture {after.amount} of {what}",
    "payment.cancel.requested": "{who} asked to cancel {what}: {after.reason}",
    "method.default.requested": "{who} asked to take {what} first for {after.customer}",
    "method.default.answered": "{who} takes {what} first now",
    "method.detach.requested": "{who} asked to detach {what} from {before.customer}",
    "debit_notice.noted": "{who} noted that the debit of {after.amount} for {what} was announced",
    "debit_notice.rule_set": "{who} changed how long before a {what} its payer must know",
    "payment_link.made": "{who} made the payment link {what}",
    "payment_link.closed": "{who} closed the payment link {what}",
    "payment_link.opened": "Somebody was led to Stripe’s page by the payment link {what}",
    "payment_link.paid": "Stripe says that the payment link {what} was paid",
    "payment_link.processing": "Stripe is collecting what the payment link {what} asks for",
    "payment_link.failed": "Stripe could not collect what the payment link {what} asks for",
    "debit_stop.set": "{who} stopped debits from {what}",
    "debit_stop.lifted": "{who} lets debits from {what} go on",
    "debit_stop.worked": "{who} saw to the stopped debits of {what}",
    "method.update_asked": "{who} asked {after.customer} for a new card before {what} ends",
    "method.update_opened": "{who} opened the link to give a new card",
    "mail.opted_out": "{who} wants no more letters of this kind: {after.kind}",
    "payment.read_again": "{who} read {what} again from Stripe and found it changed",
    "note.added": "{who} wrote a note about {what}",
    "note.edited": "{who} changed a note about {what}",
    "note.removed": "{who} removed a note about {what}",
    "tag.added": "{who} tagged {what}: {after.tags}",
    "tag.removed": "{who} took the tag {after.tags} off {what}",
    "field.set": "{who} set the field {after.field} of {what}",
    "field.removed": "{who} removed the field {after.field} of {what}",
    "customer.linked": "{who} linked {what} and {after.other}: one person",
    "customer.unlinked": "{who} parted {what} and {after.other}",
    "customer.erase_begun": "{who} began to erase the person behind {what}",
    "customer.erased": "{who} erased the person behind {what}; the ledger stays",
    "customer.words_erased": "{who} took the words of an erased person out of earlier entries",
    "customer.exported": "{who} took out all that is kept of {what}",
    "timeline.exported": "{who} downloaded the timeline of {what}",
    "review.approve.requested": "{who} approved review {what} of {after.charge}",
    "block.add.requested": "{who} put {after.what} on the block list",
    "block.remove.requested": "{who} took {after.what} off the block list",
    "evidence.saved": "{who} saved evidence for {what}",
    "evidence.set_aside": "{who} wrote evidence for {what} after somebody else had; it is kept beside theirs",
    "evidence.file_added": "{who} added a file to the evidence for {what}",
    "evidence.file_removed": "{who} took a file out of the evidence for {what}",
    "evidence.draft.requested": "{who} asked Stripe to keep the draft for {what}",
    "evidence.draft.answered": "{who} keeps the draft for {what}",
    "evidence.submit.requested": "{who} submitted the evidence for {what}",
    "evidence.submit.answered": "{who} took the evidence for {what}: {after.status}",
    "last_chance.set": "{who} switched {after.state} that drafts are submitted by themselves, with {after.fields} fields or more",
    "last_chance.left": "{who} keeps {what} from being submitted by itself",
    "last_chance.let_in": "{who} lets {what} be submitted by itself again",
    "fraud_warning.resolved": "{who} resolved fraud warning {what} of {after.charge}: {after.says}",
    "fraud_rule.set": "{who} set what fraud warnings suggest: {after.rule}",
    "fight_cost.set": "{who} set what answering a dispute in {what} costs",
    "evidence.policy_saved": "{who} changed what evidence says of the {what} policy",
    "dispute.accept.requested": "{who} accepted {what}, giving up {after.amount}",
    "object.synced": "{who} read {what} again from Stripe",
    "sync.healed": "{who} healed {what}",
    "event.replayed": "{who} replayed event {what}",
    "event.ignored": "{who} let event {what} be",
    "job.run_asked": "{who} had the job {what} run, run {after.run}",
    "job.run_resumed": "{who} had run {after.run} of the job {what} go on",
    "job.paused": "{who} paused the job {what}",
    "job.resumed": "{who} let the job {what} go on",
    "job.rescheduled": "{who} moved the job {what} from {before.when} to {after.when}",
    "job.parameters_set": "{who} changed what the job {what} is told",
    "endpoints.read": "{who} read the webhook endpoints of {what} from Stripe",
    "staff.added": "{who} added {what} as {after.role}",
    "staff.role_changed": "{who} changed the role of {what} from {before.role} to {after.role}",
    "staff.deactivated": "{who} ended the access of {what}",
    "staff.reactivated": "{who} restored the access of {what}",
    "staff.password_set": "{who} set a new password for {what}",
    "staff.invited": "{who} invited {what} as {after.role}",
    "staff.link_renewed": "{who} made another link for the invitation of {what}, to hand over",
    "staff.link_withdrawn": "{who} withdrew a link made for {what}",
    "staff.joined": "{who} accepted the invitation of {after.invited_by} as {after.role}",
    "staff.password_link_sent": "{who} made a link for {what} to choose a new password",
    "staff.password_link_asked": "Somebody who says to be {what} asked for a new password",
    "staff.password_chosen": "{who} chose a new password",
    "staff.sso_linked": "{what} came in by single sign-on for the first time",
    "staff.signed_in": "{who} signed in",
    "staff.signed_out": "{who} signed out",
    "staff.sign_in_failed": "Somebody tried to sign in as {what} with a wrong password",
    "staff.network_refused": "Somebody tried to sign in as {what} from a network that is not allowed",
    "staff.code_failed": "Somebody who knew the password of {what} gave a wrong code",
    "staff.passkey_failed": "Somebody tried a passkey of {what}, and was not believed",
    "api_key.made": "{who} made the key {after.name} for programs, {what}",
    "api_key.rotated": "{who} rotated key {what}; {after.by} follows it",
    "api_key.revoked": "{who} revoked key {what}, {after.name}",
    "api_key.taken_over": "{who} answers for key {what} now, and {before.owner} no more",
    "staff.seen_as_begun": "{who} began to see the desk as {after.role}",
    "staff.seen_as_ended": "{who} no longer sees the desk as {after.role}: {after.why}",
    "networks.changed": "{who} changed from which networks people may come: {what}",
    "networks.forgotten": "{who} let everybody come from anywhere again",
    "role.changed": "{who} changed what the role {what} may do",
    "factor.begun": "{who} began to set up an authenticator app",
    "factor.added": "{who} added {after.factor} as a second factor",
    "factor.removed": "{who} removed {before.factor} of {what}",
    "factor.renamed": "{who} renamed the passkey “{before.factor}” to “{after.factor}”",
    "factor.copied": "A passkey of {what} seems to have been copied, and was refused",
    "factor.codes_renewed": "{who} made new recovery codes",
    "factor.all_removed": "{who} removed every second factor of {what}",
    "staff.session_ended": "{who} ended a session of {what}",
    "staff.device_forgotten": "{who} forgot a browser they had signed in with",
    "staff.proved": "{who} proved again who they are",
    "access.refused": "{who} was refused {after.method} {what}",
    "view.kept": "{who} kept the view {after.name} of the list {after.list}",
    "view.changed": "{who} changed what the view {after.name} of the list {after.list} shows",
    "view.settled": "{who} set name, sharing and defaults of the view {after.name} of the list {after.list}",
    "view.opens": "{who} opens the list {after.list} with the view {after.name}",
    "view.opens_no_more": "{who} no longer opens the list {after.list} with the view {after.name}",
    "view.deleted": "{who} deleted the view {after.name} of the list {after.list}",
    "file.taken": "{who} downloaded {after.file} of {what}",
    "list.exported": "{who} downloaded the list of {what}",
    "personal.unmasked": "{who} had the personal data of {what} shown in full for ten minutes",
    "personal.hidden": "{who} hid the personal data of {what} again",
    "personal.opened": "{who} opened {what}, its personal data masked",
    "personal.read": "{who} opened {what}, which holds personal data",
}

# For acts on Stripe, whose names end like this when nothing more special stands above.
ENDINGS: dict[str, str] = {
    "answered": "{who} answered {act} of {what}: {after.status}",
    "refused": "{who} refused {act} of {what}: {after.why}",
    "needs_person": "{who} found no trace of {act} of {what} at Stripe and calls for a person",
    "looked_up": "{who} had {act} of {what} looked up at Stripe",
    "withdrawn": "{who} withdrew {act} of {what}, which had never reached Stripe",
}


class _Gaps(Formatter):
    """Dotted names, and a dash for what an entry does not have."""

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, str]:  # noqa: ARG002 - Formatter's signature
        found: Any = kwargs
        for part in field_name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return ("—" if found is None else found), field_name


_formatter = _Gaps()


def sentence(entry: AuditLog) -> str:
    """One line of plain text that says what happened; templates escape it like any other text."""
    who = "Stripe" if entry.actor_kind == "stripe" else entry.actor
    act, _, ending = entry.action.rpartition(".")
    known = SENTENCES.get(entry.action) or ENDINGS.get(ending)
    if known is None:
        return f"{who}: {entry.action} ({entry.object_type} {entry.object_id})"
    words = {"who": who, "what": entry.object_id, "act": act.rpartition(".")[2].replace("_", " ")}
    return _formatter.vformat(known, (), words | {"before": entry.before or {}, "after": entry.after or {}})


def label(action: str) -> str:
    """`refund.requested` as `Refund requested`, for filters and badges."""
    return action.replace(".", " ").replace("_", " ").capitalize()
