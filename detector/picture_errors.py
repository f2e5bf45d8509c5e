"""Why a picture is refused.

* PictureError
    * PictureTooLarge        more bytes, pixels, pixels a side or memory than the limits allow
    * PictureFormatRefused   not a JPEG, PNG or WebP, or a kind of one that is not read
    * PictureUnreadable      truncated or damaged
"""

from __future__ import annotations

from typing import ClassVar


class PictureError(Exception):
    """A picture that is refused; `code` is stable, `message` says what was found and what is allowed."""

    code: ClassVar[str] = "picture_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PictureTooLarge(PictureError):
    """A picture over one of the limits; the message names the limit and the number found."""

    code: ClassVar[str] = "picture_too_large"


class PictureFormatRefused(PictureError):
    """A picture of a format or kind that is not on the list of allowed ones."""

    code: ClassVar[str] = "picture_format_refused"


class PictureUnreadable(PictureError):
    """A picture that is truncated or damaged; none of its pixels are given out."""

    code: ClassVar[str] = "picture_unreadable"
