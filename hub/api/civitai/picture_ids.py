"""One number space for all pictures of v1, though pages of models and the gallery keep their own.

Clients read the id of a version's picture, from its key or from the end of its address, and ask
`/images?imageId=` for its generation data. So an id must lead to that picture and to no other:
pictures of versions are counted from a thousand million up, those of the gallery below it. Both
stay whole numbers of 31 bits, which is what typed clients hold.
"""

FIRST_COVER_ID = 1_000_000_000


def image_id_of_cover(cover_id: int) -> int:
    """What v1 calls a picture of a version."""
    return FIRST_COVER_ID + cover_id


def cover_id_of(image_id: int) -> int | None:
    """Which picture of a version is meant; None for one of the gallery."""
    return image_id - FIRST_COVER_ID if image_id > FIRST_COVER_ID else None
