"""Lists inside an object: Stripe sends the first ten and says when there are more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.database import db
from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, is_cut, nested
from app.mirror.news import News


@dataclass(frozen=True)
class Family:
    """Children that live and die with their parent: the lines of an invoice, the items of a subscription.

    `name`: the list inside the parent. `parent_column`: the column of the children that names the parent.
    """

    name: str
    parent_column: str
    door: Door

    def save(self, saved: Saved, parents: Sequence[Obj], news: News | Sequence[News]) -> Saved:
        """Write the children of the parents that were news; those that vanished go.

        A list that was cut short makes its parent doubtful.
        """
        applied = set(saved.applied)
        each = [news] * len(parents) if isinstance(news, News) else news
        told = [
            (obj, heard) for obj, heard in zip(parents, each, strict=True) if obj["id"] in applied and self.name in obj
        ]
        children, theirs = with_parent([obj for obj, _ in told], [heard for _, heard in told], self.children)
        if children:
            self.door.save(children, theirs, decided=True)
        self._drop_vanished([obj for obj, _ in told if not is_cut(obj, self.name)])
        saved.doubtful += [key for key in cut_short([obj for obj, _ in told], self.name) if key not in saved.doubtful]
        return saved

    def children(self, parent: Obj) -> list[Obj]:
        """The children of this parent, each knowing whose it is."""
        own_name = self.parent_column.removesuffix("_id")
        return [{own_name: parent["id"], **child} for child in nested(parent, self.name)]

    def ids_of(self, parent_id: str) -> set[str]:
        """The children we have of this parent."""
        query = f"SELECT id FROM {self.door.table.name} WHERE {self.parent_column} = :parent"
        return set(db.session.execute(text(query), {"parent": parent_id}).scalars())

    def _drop_vanished(self, complete: list[Obj]) -> None:
        if not complete:
            return
        kept = [child["id"] for parent in complete for child in nested(parent, self.name)]
        table = self.door.table.name
        db.session.execute(
            text(
                f"DELETE FROM {table} WHERE {self.parent_column} = ANY(:parents) AND id <> ALL(CAST(:kept AS text[]))"
            ),
            {"parents": [parent["id"] for parent in complete], "kept": kept},
        )


def with_parent(
    objects: Sequence[Obj], news: News | Sequence[News], children: Callable[[Obj], list[Obj]]
) -> tuple[list[Obj], list[News]]:
    """All children of these objects, each with the news of its parent."""
    each = [news] * len(objects) if isinstance(news, News) else news
    pairs = [(child, heard) for obj, heard in zip(objects, each, strict=True) for child in children(obj)]
    return [child for child, _ in pairs], [heard for _, heard in pairs]


def cut_short(objects: Sequence[Obj], name: str) -> list[str]:
    """Ids of the objects whose list `name` has more than was sent: they have to be read again, with all pages."""
    return [obj["id"] for obj in objects if is_cut(obj, name)]
