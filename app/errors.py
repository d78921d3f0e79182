"""The rules, as errors. The message is for the person who clicked: what is wrong, and what to do next."""


class DomainError(Exception):
    """A rule said no. Nothing happened; `str(error)` may be shown as it is."""

    status = 422


class BadAmount(DomainError):
    """What was typed is not an amount in this currency."""


class CurrencyMismatch(DomainError):
    """Two currencies were about to be combined into one number."""


class BadRequest(DomainError):
    """The address, filter or field makes no sense; it is answered with 400."""

    status = 400


class NotAllowed(DomainError):
    """This person may not do this."""

    status = 403


class Unknown(DomainError):
    """There is no such thing, or it belongs to somebody else."""

    status = 404


class Conflict(DomainError):
    """Somebody or something else was first."""

    status = 409


class ChargeNotRefundable(DomainError):
    """The charge failed, was never captured, is disputed, or has nothing left to refund."""


class PaymentNotCapturable(Conflict):
    """Nothing is held for a capture: it was captured, canceled or has expired, or was never authorised."""


class PaymentNotCancelable(Conflict):
    """The payment has gone through, is being worked on, or is canceled already."""


class RefundExceedsBalance(DomainError):
    """More was asked back than is left of the charge."""


class RefundInProgress(Conflict):
    """A refund of this charge has no answer from Stripe yet."""


class DisputeClosed(DomainError):
    """The dispute takes no evidence, or cannot be accepted."""


class EvidenceTooLarge(BadRequest):
    """More text, bytes or pages than Stripe or the bank takes."""


class NotEvidence(BadRequest):
    """The file is none that a bank reads."""


class ReasonMissing(BadRequest):
    """Acts on money need a reason in words."""


class GatewayRefused(DomainError):
    """Stripe understood and said no. Nothing was changed there.

    `code` is Stripe's error code or an empty string, `request_id` its `req_…` or None.
    """

    def __init__(self, message: str, *, code: str = "", request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


class GatewayUnavailable(DomainError):
    """No certain answer came from Stripe: it may or may not have acted. Look up before asking again."""

    status = 503


class ConfigurationError(Exception):
    """The environment contradicts itself; the program does not start. The message never holds a secret's value."""
