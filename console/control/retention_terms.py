"""What a deletion is to take away, as a plan carries it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HeldDays(_Frozen):
    """UTC days whose rows stay, both ends included."""

    first: str
    last: str
    reason: str


class RetentionCut(_Frozen):
    """What one rule asks of one log. What was counted is of when it was drawn; the day and what is held are what is carried out."""

    table: str
    before: str
    """The UTC day before which rows are due."""
    held: tuple[HeldDays, ...]
    rule: str
    """File and line, with what it says."""
    rows: int = Field(ge=0)
    days: int = Field(ge=0)
    oldest: str | None
    kept_rows: int = Field(ge=0)

    @property
    def terms(self) -> tuple[str, str, tuple[HeldDays, ...]]:
        """What is carried out."""
        return self.table, self.before, self.held


class RetentionTerms(_Frozen):
    """What is due of one model."""

    cuts: tuple[RetentionCut, ...]

    @property
    def rows(self) -> int:
        return sum(cut.rows for cut in self.cuts)

    @property
    def told(self) -> str:
        """`rows of predictions before 2013-02-01, of labels before 2013-02-01`."""
        return "rows of " + ", of ".join(f"{cut.table} before {cut.before}" for cut in self.cuts)

    def same_terms(self, other: RetentionTerms | None) -> bool:
        """Whether another asks for the same, whatever was counted meanwhile."""
        return other is not None and [cut.terms for cut in self.cuts] == [cut.terms for cut in other.cuts]
