"""Writes to Stripe are kept, in a transaction of their own."""

from app import clock
from app.database import db
from app.gateways.calls import Call, Ledger
from app.models.gateway_call import GatewayCall


def call(**fields: object) -> Call:
    plain = {
        "at": clock.now(),
        "method": "POST",
        "path": "/v1/refunds",
        "status": 200,
        "request_id": "req_1",
        "idempotency_key": "refund:1",
        "object_id": "ch_1",
        "duration_ms": 12,
        "error": None,
        "parameters": {"amount": "500"},
    }
    return Call(**plain | fields)  # type: ignore[arg-type]


def test_a_call_is_kept_even_when_the_caller_fails_afterwards(committed):
    Ledger(lambda: db.engine).keep(call(status=None, error="No connection."))
    db.session.rollback()

    [row] = db.session.query(GatewayCall).all()
    assert (row.method, row.path, row.status, row.error) == ("POST", "/v1/refunds", None, "No connection.")
    assert (row.idempotency_key, row.object_id, row.parameters) == ("refund:1", "ch_1", '{"amount":"500"}')


def test_a_call_that_cannot_be_kept_does_not_lose_stripes_answer(committed, caplog):
    db.session.execute(db.text("ALTER TABLE gateway_calls RENAME TO elsewhere"))
    db.session.commit()

    Ledger(lambda: db.engine).keep(call())

    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["gateway.call_not_kept"]
