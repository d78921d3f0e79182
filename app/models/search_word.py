"""What a customer is found by."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# A name from one of its words on, and round; an address as a whole; a further part of one; a value of the metadata.
NAME, ADDRESS, PART, METADATA = "n", "a", "p", "m"


class SearchWord(Base):
    """One entry of the index that finds customers. Triggers on `customers` keep it (migration 0015): whoever changes, erases or
    deletes a customer there changes it here, and nobody else writes it. docs/decisions/search-index.md says why it is as it is.

    `word` is folded: small letters, no accents. Without foreign keys: the triggers answer for what they would.
    """

    __tablename__ = "search_words"

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    customer_id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
