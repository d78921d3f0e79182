"""What can be asked of Stripe about risk: approve a review, put something on a block list, take it off."""

from app import clock
from app.acts.kinds import ActKind, Looks, on_object
from app.gateways.answer import Answer
from app.mirror.fields import Obj
from app.models.act import Act
from app.risk import block_lists

_PAGE = 100


def _is_approved(review: Obj, _: Act) -> bool:
    return review.get("open") is False and review.get("closed_reason") == "approved"


def _find_item(act: Act, gateway: Looks) -> Answer | None:
    """Items carry no metadata: the same value on the same list is what was asked for, whoever put it there."""
    after: dict[str, str] = {}
    while True:
        wanted = {"value_list": act.form["value_list"], "value": act.form["value"], "limit": _PAGE}
        page = gateway.page(act.path, wanted | after)
        for item in page.data:
            if item.get("value") == act.form["value"]:
                return gateway.look(f"{act.path}/{item['id']}")
        if not page.has_more or not page.data:
            return None
        after = {"starting_after": page.data[-1]["id"]}


def _keep_item(act: Act, item: Obj) -> None:
    block_lists.keep(item, act.object_id, act.account_id, read_at=clock.now())


def _is_gone(item: Obj, _: Act) -> bool:
    """An item that Stripe does not know any more is an empty answer."""
    return not item or item.get("deleted") is True


def _remove_item(act: Act, _: Obj) -> None:
    block_lists.remove(act.path.rpartition("/")[2])


APPROVE = ActKind(
    "review.approve", "Approve", on_object(_is_approved), told=lambda body: {"status": body.get("closed_reason")}
)
BLOCK = ActKind("block.add", "Block", _find_item, told=lambda _: {"status": "blocked"}, after=_keep_item)
UNBLOCK = ActKind(
    "block.remove", "Unblock", on_object(_is_gone), told=lambda _: {"status": "no longer blocked"}, after=_remove_item
)
ACTS = (APPROVE, BLOCK, UNBLOCK)
