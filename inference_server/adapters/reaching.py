"""A reach as a condition."""

from sqlalchemy import ColumnElement, func, true

from inference_server.adapters.column_types import AnyColumn
from inference_server.domain.reach import Reach

_CODE_LENGTH = 6  # of a district; the ids of its grids begin with it


def covers(reach: Reach, place: AnyColumn) -> ColumnElement[bool]:
    """Whether a column's grid or district lies in a reach; what is NULL lies in the whole city only."""
    if reach.districts is None:
        return true()
    return func.substr(place, 1, _CODE_LENGTH).in_(reach.districts)
