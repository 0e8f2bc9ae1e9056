"""The register's table of what was decided about green spaces of other sources, like `models`."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from mapservice.register.models import Base, Dated


class GreenSpaceMatch(Dated, Base):
    """A decision about a green space as a source has it; ours is None where it is to be ignored."""

    __tablename__ = "green_space_matches"
    __table_args__ = (Index("green_space_matches_key", "green_space_key"),)

    source_id: Mapped[str] = mapped_column(ForeignKey("register.sources.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str]
    decision: Mapped[str]
    green_space_key: Mapped[int | None] = mapped_column(
        ForeignKey("register.green_spaces.key", ondelete="CASCADE")
    )
