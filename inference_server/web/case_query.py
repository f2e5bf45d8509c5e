"""The query of GET /v1/cases: names and limits of its filters."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from inference_server.domain.errors import BadInput
from inference_server.domain.reach import Reach
from inference_server.ports import CaseFilter
from inference_server.web.schema import Line, Moment

Word = Annotated[Line, Field(min_length=1, max_length=64)]


class CaseQuery(BaseModel):
    """Which cases; an absent filter means any."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    state: list[Word] = Field([], max_length=32, description="one or more states")
    class_name: list[Word] = Field([], max_length=32, description="one or more classes")
    grid: Word | None = Field(None, description="id of a unit grid, also where it is only a candidate")
    border: bool | None = Field(None, description="whether the error ellipse crosses a border of grids")
    campaign: Word | None = None
    since: Moment | None = Field(None, description="filed at or after, with a time zone")
    until: Moment | None = Field(None, description="filed before, with a time zone")
    bbox: str | None = Field(None, max_length=200, description="west,south,east,north in degrees, wgs84")
    cursor: Line | None = Field(None, min_length=1, max_length=200, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=1000)
    format: Literal["json", "geojson"] | None = Field(None, description="else by the header Accept")

    def wanted(self, reach: Reach) -> CaseFilter:
        """The filter of the store; raises BadInput for a box that is none."""
        return CaseFilter(
            states=tuple(self.state),
            class_names=tuple(self.class_name),
            grid=self.grid,
            on_border=self.border,
            campaign=self.campaign,
            filed_since=self.since,
            filed_until=self.until,
            within=None if self.bbox is None else parse_bbox(self.bbox),
            cursor=self.cursor,
            limit=self.limit,
            reach=reach,
        )


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees.

    >>> parse_bbox("120.1,30.2,120.3,30.4")
    (120.1, 30.2, 120.3, 30.4)
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput("bbox is west,south,east,north: four numbers", field="bbox") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadInput("bbox is west,south,east,north in degrees, with west <= east and south <= north", field="bbox")
    return west, south, east, north
