"""Request bodies: bounded before they are buffered, and read as strict JSON."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from pipelines.errors import BodyTooLarge, GatewayError, InvalidInput


class UnsupportedMediaType(InvalidInput):
    """The body is not declared as JSON."""

    code = "unsupported-media-type"
    http_status = 415
    title = "The body must be JSON"


class StrictRequest(Request):
    """A request whose JSON must be one object, without duplicate keys, NaN or infinity.

    Flask's `MAX_CONTENT_LENGTH` bounds the stream itself, so that a chunked body without a length is cut
    off there too, and never buffered beyond it. But it is cut off silently: so that bound is one byte
    above the limit (see `bound`), and a body that reaches it is too large.
    """

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as a dict. Raises BodyTooLarge, UnsupportedMediaType or InvalidInput, even if `silent`."""
        self.insist_on_json()
        return strict_object(self.whole_body(cache=cache))

    def insist_on_json(self) -> None:
        """Raises `UnsupportedMediaType`."""
        if self.mimetype != "application/json":
            raise UnsupportedMediaType(
                f"the body is declared as {self.mimetype[:80] or 'nothing'!r}",
                "Send `Content-Type: application/json`",
            )

    def whole_body(self, cache: bool = True) -> bytes:
        """The body as it was sent. Raises `BodyTooLarge`, and `InvalidInput` where it broke off."""
        try:
            content = self.get_data(cache=cache)
        except RequestEntityTooLarge as error:
            raise too_large(self.max_content_length) from error
        except (ClientDisconnected, OSError) as error:
            raise _broken("the body broke off before its end") from error
        if self.content_length is not None and len(content) < self.content_length:
            raise _broken("the body broke off before its end")
        if self.max_content_length is not None and len(content) >= self.max_content_length:
            raise too_large(self.max_content_length)
        return content


def bound(limit_bytes: int) -> int:
    """The `MAX_CONTENT_LENGTH` that makes `limit_bytes` the length of the longest body."""
    return limit_bytes + 1


def too_large(bound_bytes: int | None) -> BodyTooLarge:
    """The error for a body that reaches `bound_bytes`."""
    return BodyTooLarge(
        f"the body is larger than {(bound_bytes or 1) - 1} bytes",
        "Send only the fields that the API documents; none of them is that long",
    )


def strict_object(content: bytes) -> dict[str, Any]:
    """`content` as one JSON object in UTF-8, without duplicate keys, NaN or infinity. Raises `InvalidInput`."""
    if not content:
        raise _broken("the body is empty")
    try:
        document = json.loads(
            content.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_no_constant
        )
    except GatewayError:
        raise
    except RecursionError as error:
        raise _broken("the body is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise _broken("the body is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise _broken(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except ValueError as error:
        raise _broken("the body holds a number with too many digits") from error
    if not isinstance(document, dict):
        raise _broken("the body is JSON, but not an object")
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _broken(f"the key {key[:80]!r} stands there twice")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise _broken(f"{name} is not a JSON number")


def _broken(reason: str) -> InvalidInput:
    return InvalidInput(reason, "Send one JSON object, as /openapi.json describes it", where="body")
