"""Title above the panels of a figure, caption below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lstmcast.report.figures.style import QUIET, wrap

if TYPE_CHECKING:
    from lstmcast.report.figures.panels import Figure

EDGE = 0.15  # inches between the texts and the border
_TITLE, _CAPTION = 0.28, 0.16  # inches of a line


@dataclass(frozen=True)
class Frame:
    """Title and caption of a figure.

    Attributes:
        width: of the figure, in inches.
        title, caption: their lines.
    """

    width: float
    title: list[str]
    caption: list[str]

    @classmethod
    def of(cls, title: str, caption: str, width: float, *, lines: tuple[int, int] = (2, 3)) -> Frame:
        """Break the texts into at most so many `lines` as wide as the figure; longer texts end in an ellipsis."""
        room = (width - 2 * EDGE) * 72
        heading = wrap(title, size=13, width=room, lines=lines[0], weight="bold")
        return cls(width, heading, wrap(caption, size=8, width=room, lines=lines[1]))

    @property
    def head(self) -> float:
        """Inches from the top of the figure to the end of the title."""
        return EDGE + _TITLE * len(self.title)

    @property
    def foot(self) -> float:
        """Inches from the bottom of the figure to the start of the caption."""
        return EDGE + _CAPTION * len(self.caption)

    def write(self, figure: Figure) -> None:
        """Write both texts."""
        left, low = EDGE / self.width, EDGE / figure.get_figheight()
        figure.text(left, 1 - low, "\n".join(self.title), va="top", size=13, weight="bold")
        figure.text(left, low, "\n".join(self.caption), va="bottom", size=8, color=QUIET)

    def lay_out(self, figure: Figure, *, above: float = 0.0, below: float = 0.05, **spacing: float) -> None:
        """Write both texts, and place the panels between them.

        Args:
            above: inches from the title to the panels.
            below: inches from the panels to the caption.
            spacing: options of the constrained layout.
        """
        self.write(figure)
        left, height = EDGE / self.width, figure.get_figheight()
        head, foot = self.head + above, self.foot + below
        box = (left, foot / height, 1 - 2 * left, 1 - (head + foot) / height)
        figure.set_layout_engine("constrained", rect=box, **spacing)
