"""Pictures out: shown, never interpreted as anything else."""

from fastapi import Response

_KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"RIFF", "image/webp"))


def picture_response(picture: bytes, sha256: str) -> Response:
    """A stored picture under its own content type. It never changes, so it may be cached for good, by its reader."""
    media_type = next((kind for start, kind in _KINDS if picture.startswith(start)), "application/octet-stream")
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{sha256}"',
    }
    return Response(picture, media_type=media_type, headers=headers)
