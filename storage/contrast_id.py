"""The id of a contrast: `STUDY:test_vs_reference`, readable, unique, and split back without loss."""

import re
from urllib.parse import unquote_to_bytes

_VS = "_vs_"
_ESCAPED = re.compile(r"[^!-~]|[%:/]")
# An underscore that would make a second `_vs_` in the id, with its neighbours or with the separator.
_AMBIGUOUS = re.compile(r"_(?=vs(?:_|$))|(?<=^vs)_")


def contrast_id(study: str, test: str, reference: str) -> str:
    """Id of the contrast of two levels.

    Percent, colon, slash, blanks, control and non-ASCII characters are percent-escaped as UTF-8, and so
    is an underscore beside a `vs` that could be taken for the separator. Two contrasts never share an id.
    """
    if not (study and test and reference):
        raise ValueError(f"a contrast needs a study and two levels, got {(study, test, reference)}")
    return f"{_escape(study)}:{_escape_level(test)}{_VS}{_escape_level(reference)}"


def split_contrast_id(contrast: str) -> tuple[str, str, str]:
    """Study, test and reference of an id that `contrast_id` made."""
    study, colon, levels = contrast.partition(":")
    test, vs, reference = levels.partition(_VS)
    if not (study and colon and test and vs and reference) or _VS in reference:
        raise ValueError(f"{contrast!r} is no contrast id; it reads STUDY:test_vs_reference")
    return _unescape(study), _unescape(test), _unescape(reference)


def study_of(contrast: str) -> str:
    """The study of an id that `contrast_id` made."""
    return _unescape(contrast.partition(":")[0])


def _escape(text: str) -> str:
    return _ESCAPED.sub(
        lambda found: "".join(
            f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape")
        ),
        text,
    )


def _escape_level(level: str) -> str:
    return _AMBIGUOUS.sub("%5F", _escape(level))


def _unescape(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")
